package daemon

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

const (
	// mostNamed is how many lagging instances a relay names in an environment; more are counted only.
	mostNamed = 100
	// mostBelowBytes bounds the rows that a relay tells, with room for the rest of the message.
	mostBelowBytes = feed.MaxRequest - 1024
	// mostCounted is what relays may say of a row at most.
	mostCounted = 1 << 30
	// otherBelow is what services are counted as that there is no room for.
	otherBelow = "_other"
)

// subscribersChanged has the upstream, where there is one, told who is below.
func (d *Daemon) subscribersChanged() {
	if d.upstream != nil {
		d.upstream.SubscribersChanged()
	}
}

// below tells who has the flags of an environment from this daemon, directly or through other relays.
func (d *Daemon) below(environment string) []feed.Below {
	served := d.serving.given()[environment]
	if served == nil {
		return nil
	}
	return belowOf(environment, served.At(), d.hub.Subscribers())
}

// belowOf counts the subscribers of an environment by service and position, and names those below a position.
func belowOf(environment string, at eval.At, subscribers []hub.Subscriber) []feed.Below {
	counts := map[feed.Below]int{}
	var named []feed.Below
	add := func(row feed.Below) {
		n := row.Number()
		lags := feed.Compare(eval.At{Generation: row.Generation, Overlay: row.Overlay}, at) < 0
		if row.Instance != "" && lags && len(named) < mostNamed {
			row.Count = 0
			named = append(named, row)
			return
		}
		row.Instance, row.Count = "", 0
		counts[row] += n
	}
	for _, s := range subscribers {
		if s.Environment != environment {
			continue
		}
		add(feed.Below{Service: s.Service, Instance: cmp.Or(s.Instance, s.Remote), Revision: s.Revision, Generation: s.Generation, Overlay: s.Overlay, Digest: s.Applied})
		for _, row := range s.Below {
			add(row)
		}
		if s.BelowUnknown { // some whom nobody may take for up to date
			add(feed.Below{Service: otherBelow})
		}
	}
	rows := named
	for row, n := range counts {
		row.Count = n
		rows = append(rows, row)
	}
	return fit(rows)
}

func compareBelow(a, b feed.Below) int {
	return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Overlay, b.Overlay), cmp.Compare(a.Instance, b.Instance),
		cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Digest, b.Digest))
}

// fit makes rows fit into a message: what does not is counted by position only, or at last as at the least of those.
func fit(rows []feed.Below) []feed.Below {
	for _, less := range []func(feed.Below) feed.Below{
		func(b feed.Below) feed.Below { return b },
		func(b feed.Below) feed.Below { b.Instance = ""; return b },
		func(b feed.Below) feed.Below { b.Instance, b.Digest = "", ""; return b },
		func(b feed.Below) feed.Below {
			return feed.Below{Service: otherBelow, Revision: b.Revision, Generation: b.Generation, Overlay: b.Overlay}
		},
	} {
		if rows = merge(rows, less); fits(rows) {
			return rows
		}
	}
	last := slices.MinFunc(rows, func(a, b feed.Below) int {
		return cmp.Or(cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Overlay, b.Overlay))
	})
	return merge(rows, func(feed.Below) feed.Below {
		return feed.Below{Service: otherBelow, Revision: last.Revision, Generation: last.Generation, Overlay: last.Overlay}
	})
}

// merge counts the rows that are the same once less is known of each.
func merge(rows []feed.Below, less func(feed.Below) feed.Below) []feed.Below {
	counts := map[feed.Below]int{}
	for _, row := range rows {
		n := row.Number()
		row.Count = 0
		counts[less(row)] += n
	}
	merged := slices.SortedFunc(maps.Keys(counts), compareBelow)
	for i, row := range merged {
		if n := counts[row]; n > 1 || row.Instance == "" {
			merged[i].Count = min(n, mostCounted)
		}
		if counts[row] > 1 { // of the same name
			merged[i].Instance = ""
		}
	}
	return merged
}

func fits(rows []feed.Below) bool {
	if len(rows) > feed.MaxBelow {
		return false
	}
	text, err := json.Marshal(rows)
	return err == nil && len(text) <= mostBelowBytes
}
