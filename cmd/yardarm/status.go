package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/feed"
)

func (a *app) statusCommand() *cobra.Command {
	var q asker
	var format string
	cmd := &cobra.Command{
		Use:   "status URL...",
		Short: "Show which services are on which revision, and who lags",
		Long: `Status asks daemons what they serve and to whom. It prints a line a daemon and, for each environment, how many instances of each
service are on which revision; those below the newest revision that any of the daemons serves lag. What is behind relays is counted
too, as the relays tell it, directly or through others.

It exits with 1 where a daemon does not answer, can't serve, refuses a commit, holds back a folder that does not compile, or has not seen its
source for too long.`,
		Example: `  yardarm status http://127.0.0.1:8080
  yardarm status --format json https://flags-a.example https://flags-b.example | jq .services`,
		Args:              someDaemons,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              a.runs(func(cmd *cobra.Command, args []string) error { return a.status(cmd.Context(), &q, format, args) }),
	}
	q.flags(cmd)
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	complete(cmd, "format", offer("text", "json"))
	return cmd
}

func (a *app) status(ctx context.Context, q *asker, format string, addresses []string) error {
	if err := checkFormat(format); err != nil {
		return err
	}
	answers, err := q.all(ctx, addresses, nil)
	if err != nil {
		return err
	}
	told := fleet{Daemons: []daemonLine{}, Services: services(answers), Held: heldBy(answers)}
	for _, answer := range answers {
		told.Daemons = append(told.Daemons, answer.line())
	}
	if format == "json" {
		encoder := json.NewEncoder(a.stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(told)
	} else {
		err = told.print(a.stdout, paintFor(a.stdout))
	}
	if err == nil && slices.ContainsFunc(told.Daemons, func(d daemonLine) bool { return d.State != stateReady }) {
		err = errProblems
	}
	return err
}

// answer is what a daemon said, or why it did not.
type answer struct {
	address string
	status  daemon.Status
	err     error
}

// all asks every daemon at once. An error is a mistake in the command line.
func (q *asker) all(ctx context.Context, addresses []string, query url.Values) ([]answer, error) {
	answers := make([]answer, len(addresses))
	var group errgroup.Group
	for i, address := range addresses {
		group.Go(func() error {
			status, err := q.status(ctx, address, query)
			answers[i] = answer{address, status, err}
			if _, wrong := errors.AsType[usageError](err); wrong {
				return err
			}
			return ctx.Err()
		})
	}
	return answers, group.Wait()
}

// fleet is what status prints.
type fleet struct {
	Daemons  []daemonLine  `json:"daemons"`
	Services []serviceLine `json:"services"`
	Held     []heldAt      `json:"held,omitempty"`
}

// daemonLine is one daemon.
type daemonLine struct {
	Address string `json:"address"`
	// State is ready, holding back, stale, refusing, not ready, draining or unreachable, the worst that holds; Detail says why.
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"`
	// Revision is what it serves, Observed the newest that it has seen, VerifiedAt when.
	Revision    string         `json:"revision,omitempty"`
	Observed    string         `json:"observed,omitempty"`
	VerifiedAt  *time.Time     `json:"verifiedAt,omitempty"`
	Refused     *feed.Refused  `json:"refused,omitempty"`
	Lagging     []feed.Lagging `json:"lagging,omitempty"` // folders, not services
	Subscribers int            `json:"subscribers"`
}

// The states of a daemon.
const (
	stateReady       = "ready"
	stateHolding     = "holding back" // folders that do not compile
	stateStale       = "stale"
	stateRefusing    = "refusing"
	stateApart       = "apart" // from NATS
	stateNotReady    = "not ready"
	stateDraining    = "draining"
	stateUnreachable = "unreachable"
)

func (w answer) line() daemonLine {
	line := daemonLine{
		Address: w.address, Observed: w.status.Source.Observed, VerifiedAt: w.status.Source.VerifiedAt,
		Refused: w.status.Refused, Lagging: w.status.Lagging, Subscribers: len(w.status.Subscribers),
	}
	if environments := w.status.Environments; len(environments) > 0 {
		line.Revision = environments[0].At.Revision
	}
	line.State, line.Detail = w.state()
	return line
}

func (w answer) state() (state, detail string) {
	s, refusal := w.status, ""
	if s.Refused != nil {
		refusal = fmt.Sprintf("%s since %s: %s", short(s.Refused.Revision), s.Refused.Since.Format(time.RFC3339), s.Refused)
	}
	switch {
	case w.err != nil:
		return stateUnreachable, w.err.Error()
	case s.Draining:
		return stateDraining, "it is about to end"
	case !s.Ready && len(s.Missing) > 0:
		return stateNotReady, "nothing to serve in " + strings.Join(s.Missing, ", ")
	case !s.Ready:
		return stateNotReady, cmp.Or(s.Source.Error, refusal, "nothing to serve yet")
	case s.Refused != nil:
		return stateRefusing, refusal
	case s.Stale:
		return stateStale, cmp.Or(s.Source.Error, "the source has not been seen for too long")
	case s.NATS != nil && s.NATS.Error != "":
		return stateApart, s.NATS.Error
	}
	if len(s.Lagging) > 0 {
		folders := make([]string, len(s.Lagging))
		for i, l := range s.Lagging {
			folders[i] = l.String()
		}
		return stateHolding, strings.Join(folders, "; ")
	}
	return stateReady, strings.Join(w.troubles(), "; ")
}

// troubles are what is wrong with a daemon that serves what it should.
func (w answer) troubles() (all []string) {
	s := w.status
	say := func(what, why string) {
		if why != "" {
			all = append(all, what+why)
		}
	}
	say("the source can't be read: ", s.Source.Error)
	say("holds that a restart forgets: ", s.HoldsUnsaved)
	say("holds were lost: ", s.HoldsDamaged)
	for _, peer := range s.Peers {
		say("peer "+peer.URL+" does not tell its holds: ", peer.Error)
	}
	if s.State != nil {
		say("", strings.ReplaceAll(s.State.String(), "\n", "; "))
	}
	if s.Log != nil && len(s.Log.Broken) > 0 {
		say("the publication log was changed: ", s.Log.Broken[0].String())
	}
	if s.Unlogged != nil {
		say("the publication log can't be written: ", s.Unlogged.Error)
	}
	for _, file := range s.Unread {
		say(file.File+" can't be taken: ", file.Error)
	}
	return all
}

// serviceLine is the instances of one service that are on one revision of one environment.
type serviceLine struct {
	Environment string `json:"environment"`
	Service     string `json:"service"`
	// Revision is "" for those that have none yet, or one that is no longer remembered.
	Revision   string `json:"revision"`
	Generation uint64 `json:"generation"`
	// Instances counts them, Behind those of them that are behind relays; Lagging names those that are below what is served, in order.
	Instances int      `json:"instances"`
	Behind    int      `json:"behindRelays,omitempty"`
	Lagging   []string `json:"lagging,omitempty"`
}

// services groups the subscribers of all daemons.
func services(answers []answer) []serviceLine {
	newest := map[string]eval.At{}
	for _, w := range answers {
		for _, e := range w.status.Environments {
			if at := newest[e.Name]; feed.Compare(e.At, at) > 0 {
				newest[e.Name] = e.At
			}
		}
	}
	groups, asked := map[string]*serviceLine{}, askedThemselves(answers)
	for _, w := range answers {
		for _, p := range w.present(asked) {
			key := p.environment + "\x00" + p.service + "\x00" + p.revision
			if groups[key] == nil {
				groups[key] = &serviceLine{Environment: p.environment, Service: p.service, Revision: p.revision, Generation: p.generation}
			}
			groups[key].add(p, newest[p.environment].Generation)
		}
	}
	lines := []serviceLine{}
	for _, group := range groups {
		slices.Sort(group.Lagging)
		lines = append(lines, *group)
	}
	slices.SortFunc(lines, func(a, b serviceLine) int {
		return cmp.Or(cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Service, b.Service), cmp.Compare(b.Generation, a.Generation),
			cmp.Compare(a.Revision, b.Revision))
	})
	return lines
}

// add counts p in, which lags below a generation.
func (s *serviceLine) add(p present, generation uint64) {
	s.Instances += p.count
	if p.relay != "" {
		s.Behind += p.count
	}
	if p.generation < generation {
		s.Lagging = append(s.Lagging, p.called())
	}
}

func (f fleet) print(out io.Writer, paint paint) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DAEMON\tREVISION\tSEEN\tSUBSCRIBERS\tSTATE")
	for _, d := range f.Daemons {
		seen := "never"
		if d.State == stateUnreachable {
			seen = "-"
		}
		if d.VerifiedAt != nil {
			seen = time.Since(*d.VerifiedAt).Round(time.Second).String() + " ago"
		}
		state := paint.red(d.State)
		if d.State == stateReady {
			state = paint.green(d.State)
		}
		if d.State == stateReady && d.Detail != "" {
			state = paint.yellow(d.State)
		}
		if d.Detail != "" {
			state += ": " + oneLine(d.Detail)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", d.Address, orDash(short(d.Revision)), seen, d.Subscribers, state)
	}
	if len(f.Services) > 0 {
		fmt.Fprintln(w, "\nENVIRONMENT\tSERVICE\tREVISION\tINSTANCES\tLAGGING")
	}
	for _, s := range f.Services {
		var lagging string
		if len(s.Lagging) > 0 {
			lagging = some(s.Lagging)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Environment, orDash(s.Service), orDash(short(s.Revision)), s.counted(), paint.yellow(lagging))
	}
	if err := w.Flush(); err != nil || len(f.Held) == 0 {
		return err
	}
	fmt.Fprintln(out)
	return printHeld(out, paint, f.Held)
}

// counted says how many there are, and how many of them behind relays.
func (s serviceLine) counted() string {
	if s.Behind == 0 {
		return strconv.Itoa(s.Instances)
	}
	return fmt.Sprintf("%d (%d behind relays)", s.Instances, s.Behind)
}

func orDash(text string) string { return cmp.Or(text, "-") }

// oneLine keeps what others wrote from looking like lines of ours.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
