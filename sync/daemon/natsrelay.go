package daemon

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/nats"
	"github.com/yardarm-io/yardarm/sync/upstream"
)

func (d *Daemon) natsRelay(link nats.Link) nats.RelayConfig {
	return nats.RelayConfig{
		Link: link, Environments: d.config.NATS.Environments, Have: d.serving.given,
		Publish: func(snapshots map[string]*eval.Snapshot, lagging []feed.Lagging) error {
			return d.publish(publication{snapshots: snapshots, lagging: lagging})
		},
		Fresh:  d.freshFromNATS,
		Failed: d.unverified,
		Holds:  nats.Holds{Merge: d.mergeHoldsText},
	}
}

// followNATS publishes what compilers write to NATS, until ctx ends. What it has it keeps while there is no NATS.
func (d *Daemon) followNATS(ctx context.Context) error {
	d.board.relays(d.config.NATS.place(), "")
	return d.nats.relay.Run(ctx)
}

// place says where flags come from, without the credentials of it.
func (n NATS) place() string {
	var places []string
	for _, text := range n.URLs {
		if at := strings.LastIndex(text, "@"); at >= 0 {
			scheme, _, _ := strings.Cut(text, "://")
			text = scheme + "://" + text[at+1:]
		}
		places = append(places, text)
	}
	return strings.Join(places, ",")
}

// freshFromNATS passes on what compilers say of the branch.
func (d *Daemon) freshFromNATS(f nats.Fresh) {
	d.reachable()
	d.board.followsSource(d.nats.relay.Source())
	if f.Refused != nil && f.Refused.Revision == d.serving.revision() { // by a compiler that is stricter than the others
		f.Refused = nil
	}
	d.relayed(upstream.Word{VerifiedAt: f.VerifiedAt, Known: true, Refused: f.Refused, Lagging: d.board.lagging()})
}

// followsSource notes what the compilers follow.
func (b *board) followsSource(s nats.Source) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Source.Repository, b.status.Source.Branch, b.status.Source.Path = s.Repository, s.Branch, s.Path
}

// unrelatedByCompiler asks a compiler whether a revision has no place in the branch's history, for sure.
func (d *Daemon) unrelatedByCompiler(ctx context.Context, revision string) bool {
	a, err := d.askCompiler(ctx, question{Unrelated: revision})
	return err == nil && a.Unrelated
}

// askedOfCompiler finds out by a compiler whether what is served comes from a commit.
func (d *Daemon) askedOfCompiler(ctx context.Context, revision string) *Asked {
	if served := d.serving.at(); strings.HasPrefix(served.Revision, revision) {
		return &Asked{Revision: served.Revision, Generation: served.Generation}
	}
	a, err := d.askCompiler(ctx, question{Asked: revision})
	if err != nil {
		return &Asked{Revision: revision, Error: err.Error()}
	}
	if a.Asked == nil {
		return &Asked{Revision: revision, Error: "the compiler gives no answer"}
	}
	return a.Asked
}

func (d *Daemon) askCompiler(ctx context.Context, q question) (a reply, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	text, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	if text, err = d.nats.relay.Ask(ctx, text); err != nil {
		return a, err
	}
	return a, json.Unmarshal(text, &a)
}
