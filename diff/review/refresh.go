package review

import (
	"time"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/eval"
)

// ageEvery is how often a change of flags whose kind may grow too old is looked at again: history tells how old a flag is
// only for the instant that it is asked about.
const ageEvery = 24 * time.Hour

// refresh gives the next instant at which the clock alone may change the verdicts, or what the change does; zero: none.
func (r *reviewing) refresh() time.Time {
	soonest := soonest{after: r.Now}
	for _, v := range r.review.Report.Verdicts {
		soonest.add(v.Until)
	}
	for _, e := range r.review.Report.Environments {
		if len(e.Flags) == 0 {
			continue
		}
		for _, freeze := range r.policy.Environments[e.Name].Freeze {
			soonest.add(freeze.From)
			soonest.add(freeze.Until)
		}
		for _, f := range e.Flags {
			soonest.addFlag(r.base.Snapshots[e.Name], f.Key)
			soonest.addFlag(r.new.Snapshots[e.Name], f.Key)
			if r.ages(f) {
				soonest.add(r.Now.Add(ageEvery))
			}
		}
	}
	return soonest.at
}

// ages says whether the policy bounds how old the flag may grow.
func (r *reviewing) ages(f diff.Flag) bool {
	_, bounded := r.policy.MaxAge[f.Kind]
	return bounded
}

// soonest finds the first of several instants that are later than after; zero: none is.
type soonest struct {
	after, at time.Time
	seen      map[*eval.Flag]bool
}

func (s *soonest) add(t time.Time) {
	if t.After(s.after) && (s.at.IsZero() || t.Before(s.at)) {
		s.at = t.UTC()
	}
}

// addFlag adds the clocks of a flag and of those that it requires.
func (s *soonest) addFlag(snapshot *eval.Snapshot, key string) {
	if snapshot == nil {
		return
	}
	flag := snapshot.Flag(key)
	if flag == nil || s.seen[flag] {
		return
	}
	if s.seen == nil {
		s.seen = map[*eval.Flag]bool{}
	}
	s.seen[flag] = true
	for i := range flag.Rules {
		s.addRule(&flag.Rules[i])
	}
	for required := range flag.Requires {
		s.addFlag(snapshot, required)
	}
}

func (s *soonest) addRule(rule *eval.Rule) {
	for _, bound := range []*time.Time{rule.From, rule.Until} {
		if bound != nil {
			s.add(*bound)
		}
	}
	for _, step := range rule.Ramp {
		s.add(step.At)
	}
}
