package main

import (
	"cmp"
	"fmt"

	"github.com/yardarm-io/yardarm/sync/hub"
)

// present is a subscriber or, behind a relay, several that are alike.
type present struct {
	environment, service string
	instance             string // "": several, which nobody names
	revision             string
	generation           uint64
	count                int
	relay                string // the subscriber, a relay, behind which it is; "": it is the daemon's own
}

// present gives the subscribers of a daemon, those behind its relays included. Not so those behind relays that are asked themselves,
// as their names say: they tell of them.
func (w answer) present(asked map[string]bool) (all []present) {
	for _, s := range w.status.Subscribers {
		name := s.Service + "/" + s.Instance
		all = append(all, present{
			environment: s.Environment, service: s.Service, instance: instanceOf(s), revision: s.Revision, generation: s.Generation, count: 1,
		})
		if !asked[name] {
			all = append(all, behind(s, name)...)
		}
	}
	return all
}

// instanceOf names a subscriber within its service.
func instanceOf(s hub.Subscriber) string { return cmp.Or(s.Instance, s.Remote) }

// behind gives the subscribers that a relay says it has. Where it has more than it tells of, somebody there has nothing.
func behind(s hub.Subscriber, relay string) (all []present) {
	for _, row := range s.Below {
		all = append(all, present{
			environment: s.Environment, service: row.Service, instance: row.Instance, revision: row.Revision, generation: row.Generation,
			count: row.Number(), relay: relay,
		})
	}
	if s.BelowUnknown {
		all = append(all, present{environment: s.Environment, service: "_other", count: 1, relay: relay})
	}
	return all
}

// askedThemselves gives the names of the relays among the daemons that were asked.
func askedThemselves(answers []answer) map[string]bool {
	names := map[string]bool{}
	for _, w := range answers {
		if w.status.Name != "" {
			names[w.status.Name] = true
		}
	}
	return names
}

// called is how it is named among those of its service.
func (p present) called() string {
	switch {
	case p.relay == "":
		return p.instance
	case p.instance == "":
		return fmt.Sprintf("%d behind %s", p.count, p.relay)
	}
	return p.instance + " behind " + p.relay
}

// at says who it is, at which daemon, and what it has, for people.
func (p present) at(address string) string {
	who, is := p.environment+" "+cmp.Or(p.service, "(unnamed)"), "is"
	if p.instance != "" {
		who += "/" + p.called()
	} else {
		who, is = who+": "+p.called(), "are"
	}
	return fmt.Sprintf("%s on %s %s at %s", who, address, is, cmp.Or(short(p.revision), "an unknown revision"))
}
