package main

import (
	"slices"
	"testing"
	"time"
)

const (
	rounds = 41                   // odd, so that one of them is the median
	turn   = 2 * time.Millisecond // about how long each has in a round
)

// figures are what one call takes.
type figures struct {
	nanoseconds, allocations float64
}

// comparison is what two functions take that were called in turns.
type comparison struct {
	first, second figures
	ratio         float64 // of first to second, the median of what the rounds gave
}

// compare calls both functions in turns, so that what else the machine does falls on both alike.
func compare(first, second func() bool) comparison {
	n, m := calls(first), calls(second)
	var a, b, ratios []float64
	for range rounds {
		x, y := timed(first, n), timed(second, m)
		a, b, ratios = append(a, x), append(b, y), append(ratios, x/y)
	}
	return comparison{
		first:  figures{median(a), allocations(first)},
		second: figures{median(b), allocations(second)},
		ratio:  median(ratios),
	}
}

// calls is how many calls of f fill a turn.
func calls(f func() bool) int {
	n := 1
	for timed(f, n)*float64(n) < float64(turn) {
		n *= 2
	}
	return n
}

// timed gives the nanoseconds of a call, out of n of them.
func timed(f func() bool, n int) float64 {
	start := time.Now()
	for range n {
		f()
	}
	return float64(time.Since(start)) / float64(n)
}

func allocations(f func() bool) float64 { return testing.AllocsPerRun(1000, func() { f() }) }

func median(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}
