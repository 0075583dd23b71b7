package compile

import (
	"fmt"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// rots warns of a trial that comes out well now and will not once a clock of the flag, or of one that it requires, goes on:
// nil where the test says its time, or no clock matters to it.
func (t *trial) rots() *Error {
	if t.test.Now != nil {
		return nil
	}
	for _, instant := range t.changes() {
		later := *t
		later.now = instant
		if later.decide() == nil {
			continue
		}
		at := t.test.At
		return &Error{
			File: at.File, Line: at.Line, Column: at.Column, Path: fmt.Sprintf("tests.%q", t.test.Name), Warning: true,
			Message: fmt.Sprintf("test %q: it passes only until %s, when %s changes in %s", t.test.Name,
				instant.UTC().Format(time.RFC3339), t.test.Flag, t.snapshot.Meta().Environment),
			Hint: fmt.Sprintf("add at: %q, or another time that it is about", t.now.UTC().Format(time.RFC3339)),
		}
	}
	return nil
}

// changes lists the instants to come at which a rule of the flag, or of one that it requires, may begin, grow or end.
func (t *trial) changes() []time.Time {
	var all []time.Time
	seen := map[string]bool{}
	var visit func(key string)
	visit = func(key string) {
		flag := t.snapshot.Flag(key)
		if seen[key] || flag == nil {
			return
		}
		seen[key] = true
		for i := range flag.Rules {
			all = append(all, instants(&flag.Rules[i])...)
		}
		for required := range flag.Requires {
			visit(required)
		}
	}
	visit(t.test.Flag)
	all = slices.DeleteFunc(all, func(instant time.Time) bool { return !instant.After(t.now) })
	slices.SortFunc(all, time.Time.Compare)
	return slices.CompactFunc(all, time.Time.Equal)
}

// instants lists when a rule's clock changes what it does.
func instants(rule *eval.Rule) []time.Time {
	var all []time.Time
	for _, bound := range []*time.Time{rule.From, rule.Until} {
		if bound != nil {
			all = append(all, *bound)
		}
	}
	for _, step := range rule.Ramp {
		all = append(all, step.At)
	}
	return all
}
