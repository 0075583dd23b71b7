package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/sync/holds"
)

func (a *app) holdsCommand() *cobra.Command {
	var q asker
	var format string
	cmd := &cobra.Command{
		Use:   "holds URL...",
		Short: "List the flags that are held, by whom and why",
		Long: `Holds asks daemons which flags they keep off without a commit. Daemons that should hold the same and do not are named. It exits with 1
where a daemon does not answer.`,
		Example:           "  yardarm holds https://flags-a.example https://flags-b.example\n  yardarm holds --format json http://127.0.0.1:8080 | jq '.[].flag'",
		Args:              someDaemons,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              a.runs(func(cmd *cobra.Command, args []string) error { return a.holds(cmd.Context(), &q, format, args) }),
	}
	q.flags(cmd)
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	complete(cmd, "format", offer("text", "json"))
	return cmd
}

// heldAt is a hold, and where it is in effect.
type heldAt struct {
	holds.Hold
	Daemons []string `json:"daemons"`
	// Lacking are the daemons that answer and do not hold the flag.
	Lacking []string `json:"lacking,omitempty"`
}

func (a *app) holds(ctx context.Context, q *asker, format string, addresses []string) error {
	if err := checkFormat(format); err != nil {
		return err
	}
	answers, err := q.all(ctx, addresses, nil)
	if err != nil {
		return err
	}
	all := heldBy(answers)
	switch {
	case format == "json":
		err = printJSON(a.stdout, all)
	case len(all) > 0:
		err = printHeld(a.stdout, paintFor(a.stdout), all)
	case slices.ContainsFunc(answers, func(w answer) bool { return w.err == nil }):
		_, err = fmt.Fprintln(a.stdout, nothingHeld(answers))
	}
	for _, w := range answers {
		if w.err != nil {
			fmt.Fprintf(a.stderr, "yardarm: %s: %s\n", w.address, oneLine(w.err.Error()))
			err = cmp.Or(err, errProblems)
		}
	}
	return err
}

// nothingHeld says that no flag is held at those daemons that answer.
func nothingHeld(answers []answer) string {
	var answering []string
	for _, w := range answers {
		if w.err == nil {
			answering = append(answering, w.address)
		}
	}
	if len(answering) < len(answers) {
		return "no flag is held at " + strings.Join(answering, ", ")
	}
	return "no flag is held"
}

// heldBy puts together what daemons hold, the oldest first.
func heldBy(answers []answer) []heldAt {
	all := []heldAt{}
	for _, w := range answers {
		for _, h := range w.status.Holds {
			i := slices.IndexFunc(all, func(other heldAt) bool { return other.ID == h.ID })
			if i < 0 {
				i, all = len(all), append(all, heldAt{Hold: h})
			}
			all[i].Daemons = append(all[i].Daemons, w.address)
		}
	}
	for i := range all {
		for _, w := range answers {
			if w.err == nil && !slices.Contains(all[i].Daemons, w.address) {
				all[i].Lacking = append(all[i].Lacking, w.address)
			}
		}
	}
	slices.SortFunc(all, func(x, y heldAt) int { return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(x.ID, y.ID)) })
	return all
}

// printHeld prints a table of what is held.
func printHeld(out io.Writer, paint paint, all []heldAt) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ENVIRONMENT\tFLAG\tBY\tSINCE\tUNTIL\tREASON")
	for _, h := range all {
		until := "-"
		if h.Until != nil {
			until = h.Until.UTC().Format(time.RFC3339)
		}
		reason := oneLine(h.Reason)
		if len(h.Lacking) > 0 {
			reason += paint.red(" (not at " + strings.Join(h.Lacking, ", ") + ")")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", h.Environment, h.Flag, oneLine(h.By), h.Since.UTC().Format(time.RFC3339), until, reason)
	}
	return w.Flush()
}
