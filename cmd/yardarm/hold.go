package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/user"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/holds"
)

// holdOptions are the flags of hold and release.
type holdOptions struct {
	environment, reason, by, id string
	period                      time.Duration
	given                       bool // period
}

const holdExample = `yardarm hold checkout.new-payment --environment production --reason "cards fail" https://flags-a.example https://flags-b.example`

func (a *app) holdCommand() *cobra.Command {
	var o holdOptions
	var q asker
	cmd := &cobra.Command{
		Use:   "hold FLAG --environment E --reason R URL...",
		Short: "Turn a flag off at once, without Git",
		Long: `Hold has daemons keep a flag off for everyone, whatever is committed: for when Git or main cannot be waited for. It tells all the daemons
named at the same time, says of each what came of it and how many subscribers have it, and exits with 1 if one could not be told.

The flag stays off until 'yardarm release', until --for is over, or until a commit that turns the flag off (or removes it) is served, which
takes the hold over. Every answer of the flag says who holds it and why; so do /status, the log and the publication log.`,
		Example:           "  " + holdExample + "\n" + `  yardarm hold search.ranker --environment staging --reason "too slow" --for 8h http://127.0.0.1:8080`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: a.offerFlags,
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			o.given = cmd.Flags().Changed("for")
			return a.hold(cmd.Context(), &q, o, args)
		}),
	}
	q.flags(cmd)
	o.flags(cmd)
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, for those who find the flag off tomorrow")
	cmd.Flags().DurationVar(&o.period, "for", 0, "let go by itself after a time such as 8h (default: when released or taken over by a commit)")
	complete(cmd, "environment", a.offerEnvironments)
	return cmd
}

func (o *holdOptions) flags(cmd *cobra.Command) {
	cmd.Flags().Var((*once)(&o.environment), "environment", "the environment")
	cmd.Flags().StringVar(&o.by, "by", userName(), "who you are; the key that you show is recorded as well")
}

// once is the value of a command line flag that may be given only once: the second would silently take the place of the first.
type once string

func (o *once) String() string { return string(*o) }
func (o *once) Type() string   { return "string" }

func (o *once) Set(text string) error {
	if *o != "" {
		return fmt.Errorf("it is %s already; run the command once for each", *o)
	}
	*o = once(text)
	return nil
}

// oneSpaced gives a text of one line, with one space between words.
func oneSpaced(text string) string { return strings.Join(strings.Fields(text), " ") }

// userName is who runs the command, as far as the system knows.
func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

func (a *app) hold(ctx context.Context, q *asker, o holdOptions, args []string) error {
	flag, addresses, err := o.target(args, holdExample)
	if err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Second)
	request := daemon.HoldRequest{
		Environment: o.environment, Flag: flag, Reason: oneSpaced(o.reason), By: o.by, ID: holds.NewID(), Since: &now,
	}
	switch {
	case request.Reason == "":
		return usagef("--reason is missing: say why, for those who find the flag off tomorrow; for example\n  %s", holdExample)
	case o.given && o.period < time.Second:
		return usagef("--for %s: write a time such as 8h", o.period)
	case o.given:
		request.For = o.period.String()
	}
	at := func(answer daemon.HoldAnswer) eval.At { return answer.At }
	return changeHolds(ctx, a, q, o.environment, addresses, "/holds", request, heldLine, at)
}

// changeHolds has daemons change what they hold, says what comes of it at each, and then which subscribers have it.
func changeHolds[T any](
	ctx context.Context, a *app, q *asker, environment string, addresses []string, page string, request any, line func(T) string, at func(T) eval.At,
) error {
	began := time.Now()
	answers, err := tell(ctx, q, addresses, page, request, func(w outcome[T]) { printOutcome(a.stdout, w, line) })
	if err != nil {
		return err
	}
	var reached reach
	for _, w := range answers {
		if w.err == nil {
			reached = append(reached, position{w.address, at(w.answer)})
		}
	}
	return errors.Join(a.printReach(ctx, q, environment, reached, began), failedOf(answers))
}

// target reads which flag is meant, and at which daemons.
func (o holdOptions) target(args []string, example string) (flag string, addresses []string, err error) {
	switch {
	case len(args) == 0:
		return "", nil, usagef("name a flag and the daemons to tell; for example\n  %s", example)
	case strings.Contains(args[0], "://"):
		return "", nil, usagef("%s is where a flag is expected: name it before the daemons; for example\n  %s", args[0], example)
	case len(args) == 1:
		return "", nil, usagef("name the daemons to tell, all of them; for example\n  %s", example)
	case o.environment == "":
		return "", nil, usagef("--environment is missing; for example\n  %s", example)
	}
	return args[0], args[1:], nil
}

// heldLine says what became of a hold at one daemon.
func heldLine(answer daemon.HoldAnswer) string {
	h := answer.Hold
	text := fmt.Sprintf("off: %s in %s is held", h.Flag, h.Environment)
	if h.Until != nil {
		text += " until " + h.Until.UTC().Format(time.RFC3339)
	}
	if answer.At.Revision == "" {
		text += "; the daemon serves nothing of the environment yet"
	}
	text += " (" + h.ID + ")"
	if n := len(answer.Besides); n > 0 {
		first := answer.Besides[0]
		text += fmt.Sprintf("; it was already, by %s since %s: %s", first.By, first.Since.UTC().Format(time.RFC3339), first.Reason)
		if n > 1 {
			text += fmt.Sprintf(" (and %d more)", n-1)
		}
	}
	return text + unsavedText(answer.Unsaved)
}

func unsavedText(unsaved string) string {
	if unsaved == "" {
		return ""
	}
	return "; but a restart of the daemon would forget that: " + unsaved
}

// outcome is what a daemon answered, or why it did not.
type outcome[T any] struct {
	address string
	answer  T
	err     error
}

func failedOf[T any](all []outcome[T]) error {
	for _, w := range all {
		if w.err != nil {
			return errProblems
		}
	}
	return nil
}

// tell posts the same to all daemons at once, and says of each as soon as it is known what came of it. An error is a mistake in the
// command line.
func tell[T any](ctx context.Context, q *asker, addresses []string, page string, body any, say func(outcome[T])) ([]outcome[T], error) {
	all := make([]outcome[T], len(addresses))
	for _, address := range addresses { // before any of them is told
		if _, err := pageURL(address, page); err != nil {
			return nil, err
		}
	}
	if _, err := q.header(); err != nil {
		return nil, err
	}
	var group errgroup.Group
	var saying sync.Mutex
	for i, address := range addresses {
		group.Go(func() error {
			all[i].address = address
			all[i].err = q.post(ctx, address, page, body, &all[i].answer)
			saying.Lock()
			defer saying.Unlock()
			say(all[i])
			return nil
		})
	}
	return all, group.Wait()
}

// post sends a daemon JSON and reads its answer into answer.
func (q *asker) post(ctx context.Context, address, page string, body, answer any) error {
	at, err := pageURL(address, page)
	if err = errors.Join(err, q.prepare()); err != nil {
		return err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), bytes.NewReader(text))
	if err != nil {
		return err
	}
	if request.Header, err = q.header(); err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := q.client.Do(request)
	if err != nil {
		return bare(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusCreated {
		return refusedBy(at, response)
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return fmt.Errorf("%s answers, but not as a daemon does: %w", at.Redacted(), err)
	}
	return nil
}

// printOutcome says what came of telling one daemon.
func printOutcome[T any](out io.Writer, w outcome[T], line func(T) string) {
	paint := paintFor(out)
	if w.err != nil {
		fmt.Fprintf(out, "%s  %s\n", w.address, paint.red("FAILED: "+oneLine(cmp.Or(w.err.Error(), "it did not answer"))))
		return
	}
	fmt.Fprintf(out, "%s  %s\n", w.address, paint.green(oneLine(line(w.answer))))
}
