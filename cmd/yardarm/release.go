package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/daemon"
)

const releaseExample = `yardarm release checkout.new-payment --environment production --reason "mended" https://flags-a.example https://flags-b.example`

func (a *app) releaseCommand() *cobra.Command {
	var o holdOptions
	var q asker
	cmd := &cobra.Command{
		Use:   "release FLAG --environment E URL...",
		Short: "Let go of a flag that is held: it is again as committed",
		Long: `Release ends what 'yardarm hold' began, at all the daemons named, and says of each what came of it. It exits with 1 if one could not be
told, or does not hold the flag.

What a daemon holds on its own, since a refused commit turns it off, stays: that takes --id.`,
		Example:           "  " + releaseExample,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: a.offerFlags,
		RunE:              a.runs(func(cmd *cobra.Command, args []string) error { return a.release(cmd.Context(), &q, o, args) }),
	}
	q.flags(cmd)
	o.flags(cmd)
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, for those who look back")
	cmd.Flags().StringVar(&o.id, "id", "", "only the hold of this id, as 'yardarm holds --format json' tells it")
	complete(cmd, "environment", a.offerEnvironments)
	return cmd
}

func (a *app) release(ctx context.Context, q *asker, o holdOptions, args []string) error {
	flag, addresses, err := o.target(args, releaseExample)
	if err != nil {
		return err
	}
	request := daemon.ReleaseRequest{Environment: o.environment, Flag: flag, ID: o.id, Reason: oneSpaced(o.reason), By: o.by}
	at := func(answer daemon.ReleaseAnswer) eval.At { return answer.At }
	return changeHolds(ctx, a, q, o.environment, addresses, "/holds/release", request, releasedLine, at)
}

// releasedLine says what became of a release at one daemon.
func releasedLine(answer daemon.ReleaseAnswer) string {
	h := answer.Released[0]
	text := fmt.Sprintf("released: %s in %s is as committed", h.Flag, h.Environment)
	if n := len(answer.Released); n > 1 {
		text += fmt.Sprintf(" (%d holds ended)", n)
	}
	if len(answer.Still) > 0 {
		text = fmt.Sprintf("released, but still off: %s (%s)", answer.Still[0].String(), answer.Still[0].ID)
	}
	return text + unsavedText(answer.Unsaved)
}
