// Command bench measures the engine of package eval beside LaunchDarkly's for Go, in one process and in turns, and prints
// both and the ratio. It is a module of its own, so that nothing of what it is compared with reaches the product. Start
// with [scenarios]: what is asked of both. Figures of different runs, let alone machines, say nothing about each other.
//
// Both are given the key of a flag and a context made beforehand, and give a boolean; TestSameAnswers requires that it is
// the same one. Neither writes events, and LaunchDarkly's data stand in a plain map.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"text/tabwriter"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(out io.Writer) error {
	_, err := fmt.Fprintf(out, "%s, %d processors; medians of %d rounds, in which each engine has its turn\n"+
		"aim: no allocations, and a ratio of at most 0.50\n\n", runtime.Version(), runtime.GOMAXPROCS(0), rounds)
	if err != nil {
		return err
	}
	if err := printDecisions(out); err != nil {
		return err
	}
	return printShapes(out)
}

// printDecisions compares the engines in each scenario.
func printDecisions(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "decide\tyardarm\tallocs\tLaunchDarkly\tallocs\tratio\t")
	for _, sc := range scenarios() {
		p, err := sc.prepare()
		if err != nil {
			return err
		}
		c := compare(p.yardarm, p.launchDarkly)
		_, _ = fmt.Fprintf(w, "%s\t%.1f ns\t%g\t%.1f ns\t%g\t%.2f\t\n", sc.name, c.first.nanoseconds, c.first.allocations,
			c.second.nanoseconds, c.second.allocations, c.ratio)
	}
	return w.Flush()
}

// printShapes compares each engine with itself, given a short list and a long one.
func printShapes(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "\nlong list against short\tyardarm\tratio\tLaunchDarkly\tratio\t")
	for _, pair := range [][2]scenario{{targets(1_000), targets(10)}, {oneOf(10_000), oneOf(10)}} {
		long, err := pair[0].prepare()
		if err != nil {
			return err
		}
		short, err := pair[1].prepare()
		if err != nil {
			return err
		}
		ours, theirs := compare(long.yardarm, short.yardarm), compare(long.launchDarkly, short.launchDarkly)
		_, _ = fmt.Fprintf(w, "%s against %s\t%.1f against %.1f ns\t%.2f\t%.1f against %.1f ns\t%.2f\t\n", pair[0].name, pair[1].name,
			ours.first.nanoseconds, ours.second.nanoseconds, ours.ratio,
			theirs.first.nanoseconds, theirs.second.nanoseconds, theirs.ratio)
	}
	return w.Flush()
}
