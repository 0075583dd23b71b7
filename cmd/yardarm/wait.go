package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/daemon"
)

// waitOptions are wait's flags.
type waitOptions struct {
	revision, environment string
	timeout               time.Duration
}

// askEvery is how often daemons are asked.
const askEvery = 250 * time.Millisecond

func (a *app) waitCommand() *cobra.Command {
	var o waitOptions
	var q asker
	cmd := &cobra.Command{
		Use:   "wait URL...",
		Short: "Wait until every subscriber has a commit",
		Long: `Wait returns once every subscriber of the daemons, and everyone behind relays of theirs, has put a commit in force, or one that comes from
it: for a deploy that must not go on before. It asks the daemons again and again; one that does not answer, or does not serve the commit yet, is waited for too.

At the end of --timeout it says who is missing and exits with 1. Where nobody subscribes there is nobody to wait for. Services that
poll by HTTP are no subscribers and not seen.`,
		Example: `  yardarm wait --revision $(git rev-parse HEAD) http://127.0.0.1:8080
  yardarm wait --revision 1a2b3c4d5e --environment production --timeout 2m https://flags-a.example https://flags-b.example`,
		Args:              someDaemons,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              a.runs(func(cmd *cobra.Command, args []string) error { return a.wait(cmd.Context(), &q, o, args) }),
	}
	q.flags(cmd)
	cmd.Flags().StringVar(&o.revision, "revision", "", "the commit's hash, of at least 7 digits")
	cmd.Flags().StringVar(&o.environment, "environment", "", "the environment to wait for (default: all)")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 30*time.Second, "how long to wait")
	complete(cmd, "environment", a.offerEnvironments)
	return cmd
}

var isHash = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

func (a *app) wait(ctx context.Context, q *asker, o waitOptions, addresses []string) error {
	if !isHash.MatchString(o.revision) {
		return usagef("--revision %q is not the hash of a commit, of at least 7 digits; write --revision $(git rev-parse HEAD)", o.revision)
	}
	if o.timeout <= 0 {
		return usagef("--timeout %s: write how long to wait, such as 30s", o.timeout)
	}
	limited, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	shown := io.Discard
	if isTerminal(a.stderr) && !dumb() {
		shown = a.stderr
	}
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for last := (convergence{}); ; {
		answers, err := q.all(limited, addresses, url.Values{"revision": {o.revision}})
		if limited.Err() == nil || last.asked == 0 { // else what was asked last was cut off
			if err != nil && limited.Err() == nil {
				return err
			}
			if last, err = converge(answers, o.environment); err != nil {
				return err
			}
		}
		switch {
		case len(last.missing) == 0:
			fmt.Fprint(shown, "\r\x1b[K")
			fmt.Fprintln(a.stdout, last.summary(o.revision))
			return nil
		case limited.Err() != nil:
			fmt.Fprint(shown, "\r\x1b[K")
			return a.gaveUp(ctx, o, last)
		}
		fmt.Fprintf(shown, "\r\x1b[K%s", last.summary(o.revision))
		select {
		case <-limited.Done():
		case <-tick.C:
		}
	}
}

// gaveUp says who is missing.
func (a *app) gaveUp(ctx context.Context, o waitOptions, last convergence) error {
	why := "after " + o.timeout.String()
	if ctx.Err() != nil {
		why = "when interrupted"
	}
	fmt.Fprintf(a.stderr, "yardarm: %s %s\n", last.summary(o.revision), why)
	for _, missing := range last.missing {
		fmt.Fprintln(a.stderr, "  "+oneLine(missing))
	}
	return errProblems
}

// convergence is how many subscribers have a commit.
type convergence struct {
	asked     int // daemons
	have, all int
	missing   []string // a line each: daemons that don't serve it, and subscribers that don't have it
}

func (c convergence) summary(revision string) string {
	return fmt.Sprintf("%d of %d subscribers have %s or newer", c.have, c.all, short(revision))
}

// converge counts who has the commit that the daemons were asked about. An error is that waiting can't help.
func converge(answers []answer, environment string) (convergence, error) {
	c, relays := convergence{asked: len(answers)}, askedThemselves(answers)
	for _, w := range answers {
		if errors.Is(w.err, errRefused) {
			return c, fmt.Errorf("%s: %w", w.address, w.err)
		}
		if lacks := w.lacks(environment); lacks != "" {
			c.missing = append(c.missing, w.address+": "+lacks)
		}
		for _, p := range w.present(relays) {
			if environment != "" && p.environment != environment {
				continue
			}
			c.all += p.count
			if asked := w.status.Asked; asked != nil && asked.Generation > 0 && p.generation >= asked.Generation {
				c.have += p.count
				continue
			}
			c.missing = append(c.missing, p.at(w.address))
		}
	}
	return c, nil
}

// lacks says why a daemon is waited for; "": it serves the commit.
func (w answer) lacks(environment string) string {
	s := w.status
	switch {
	case w.err != nil:
		return w.err.Error()
	case s.Asked == nil:
		return "the daemon is too old to say whether it serves the commit"
	case s.Asked.Generation == 0:
		return notServed(s)
	case environment != "" && !slices.ContainsFunc(s.Environments, func(e daemon.EnvironmentStatus) bool { return e.Name == environment }):
		return fmt.Sprintf("there is no environment %q", environment)
	}
	return ""
}

func notServed(s daemon.Status) string {
	text := "serves nothing yet"
	if len(s.Environments) > 0 {
		text = "serves " + positionText(s.Environments[0].At)
	}
	switch {
	case s.Asked.Error != "":
		text += ": " + s.Asked.Error
	case s.Refused != nil:
		text += "; " + short(s.Refused.Revision) + " is refused: " + s.Refused.String()
	case s.Source.Error != "":
		text += "; its source can't be read: " + s.Source.Error
	}
	return text
}

func positionText(at eval.At) string {
	return fmt.Sprintf("%s of %s", short(at.Revision), at.Time.UTC().Format(time.RFC3339))
}
