package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

const (
	// reachWithin is how long hold and release look who has it.
	reachWithin = 2 * time.Second
	// reachEvery is how often they do.
	reachEvery = 100 * time.Millisecond
)

// position is from where on subscribers of a daemon have a change.
type position struct {
	address string
	at      eval.At
}

// reach is which daemons made a change, and at which positions.
type reach []position

// printReach says how many subscribers have a change: as soon as all do, or who does not after a while.
func (a *app) printReach(ctx context.Context, q *asker, environment string, reached reach, began time.Time) error {
	if len(reached) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	tick := time.NewTicker(reachEvery)
	defer tick.Stop()
	var last convergence
	for {
		if now, err := reached.look(ctx, q, environment); err == nil {
			last = now
		} else if ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		took := time.Since(began).Round(10 * time.Millisecond)
		switch {
		case last.asked > 0 && len(last.missing) == 0:
			fmt.Fprintln(a.stdout, last.reachLine(environment, took))
			return nil
		case ctx.Err() != nil:
			fmt.Fprintf(a.stdout, "%s\n", paintFor(a.stdout).yellow(
				last.reachLine(environment, took)+"; those without:"))
			for _, missing := range last.missing {
				fmt.Fprintln(a.stdout, "  "+oneLine(missing))
			}
			return nil
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// reachLine says how many have a change within a time.
func (c convergence) reachLine(environment string, took time.Duration) string {
	if c.all == 0 && len(c.missing) == 0 {
		return "nobody subscribes to " + environment + " there now; whoever comes gets it"
	}
	return fmt.Sprintf("%d of %d subscribers of %s have it, within %s", c.have, c.all, environment, max(took, 10*time.Millisecond))
}

// look counts who has the change now.
func (r reach) look(ctx context.Context, q *asker, environment string) (convergence, error) {
	var addresses []string
	for _, p := range r {
		addresses = append(addresses, p.address)
	}
	answers, err := q.all(ctx, addresses, url.Values{})
	if err != nil {
		return convergence{}, err
	}
	c := convergence{asked: len(answers)}
	for i, w := range answers {
		if w.err != nil {
			c.missing = append(c.missing, w.address+": "+w.err.Error())
		}
		for _, s := range w.status.Subscribers {
			if s.Environment != environment {
				continue
			}
			has := feed.Compare(eval.At{Generation: s.Generation, Overlay: s.Overlay}, r[i].at) >= 0
			c.count(has, 1, cmp.Or(s.Service, "(unnamed)")+"/"+cmp.Or(s.Instance, s.Remote)+" at "+w.address)
			for _, below := range s.Below {
				name := fmt.Sprintf("%s/%s behind %s/%s at %s", cmp.Or(below.Service, "(unnamed)"), below.Instance, s.Service, s.Instance, w.address)
				there := eval.At{Generation: below.Generation, Overlay: below.Overlay}
				c.count(below.Digest == r[i].at.Digest || feed.Compare(there, r[i].at) >= 0, below.Number(), name)
			}
			if s.BelowUnknown {
				c.missing = append(c.missing, fmt.Sprintf("some more behind %s/%s at %s", s.Service, s.Instance, w.address))
			}
		}
	}
	return c, nil
}

// count adds so many subscribers of a name that have it or not.
func (c *convergence) count(have bool, n int, name string) {
	c.all += n
	if have {
		c.have += n
		return
	}
	c.missing = append(c.missing, name)
}
