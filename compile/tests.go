package compile

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/compile/folder"
	"github.com/yardarm-io/yardarm/eval"
)

// RunTests decides every test, each context in each environment, and gives an error for each decision that comes out
// otherwise than expected, at the context's or the test's place, with the decision's trace, and a warning for each test that
// passes and, as it says no time, will not for ever; sorted. Without snapshots there is nothing to decide from, and it gives
// nil.
//
// Where a flag is disabled, or one that it requires is, a test of what it would serve says nothing: its failure is a warning, so
// that turning a flag off at night does not wait for somebody to mend its tests.
func (o *Output) RunTests() []*Error {
	var failures []*Error
	for i := range o.Tests {
		test := &o.Tests[i]
		for _, environment := range test.Environments {
			s := o.Snapshots[environment]
			if s == nil {
				continue
			}
			for _, context := range test.Contexts {
				t := trial{test: test, snapshot: s, at: context.At, ec: context.Attributes, now: o.now}
				if e := t.run(); e != nil {
					failures = append(failures, e)
				}
			}
		}
	}
	return sorted(failures)
}

// trial is one context of a test in one environment.
type trial struct {
	test     *folder.Test
	snapshot *eval.Snapshot
	at       folder.Position
	ec       eval.Context
	now      time.Time
}

func (t *trial) run() *Error {
	if t.test.Now != nil {
		t.now = *t.test.Now
	}
	if e := t.decide(); e != nil {
		return e
	}
	return t.rots()
}

// decide gives the error of what comes out otherwise than expected at the trial's time; nil: nothing does.
func (t *trial) decide() *Error {
	if t.test.Expect.Shares != nil {
		return t.runShares(t.test.Expect.Shares)
	}
	result := t.snapshot.Decide(t.test.Flag, t.ec, t.now)
	wanted := unmet(&t.test.Expect, result)
	if wanted == "" {
		return nil
	}
	got := string(result.Reason)
	if result.ErrorMessage != "" {
		got += ": " + result.ErrorMessage
	}
	return t.fail(t.ec, "serves %s (%s), not %s", variant(result.Variant), got, wanted)
}

// unmet says which of the expectations a result does not meet; "": none.
func unmet(e *folder.Expectation, result eval.Result) string {
	var value any
	if e.Value != nil {
		_ = json.Unmarshal(e.Value, &value) // it was JSON when it was read
	}
	switch failed := result.Reason == eval.ReasonError; {
	case e.Variant != nil && (failed || result.Variant != *e.Variant):
		return variant(*e.Variant)
	case e.Value != nil && (failed || !reflect.DeepEqual(result.Value, value)):
		return "the value " + string(e.Value)
	case e.Reason != "" && result.Reason != e.Reason:
		return "for the reason " + string(e.Reason)
	}
	return ""
}

// runShares decides for many keys and compares the part of them that got each variant.
func (t *trial) runShares(want *folder.Shares) *Error {
	ec := maps.Clone(t.ec)
	if ec == nil {
		ec = eval.Context{}
	}
	got := map[string]int{}
	for i := range want.Keys {
		setKey(ec, want, i)
		got[t.snapshot.Decide(t.test.Flag, ec, t.now).Variant]++
	}
	for _, share := range want.Of {
		had := got[share.Variant] * 100_000 / want.Keys
		if most := tolerance(want, share.Share); had < share.Share-most || had > share.Share+most {
			setKey(ec, want, 0)
			return t.fail(ec, "serves %q to %s %% of %d keys, not to %s %% (within %s): %s; the trace is of the first, %s %s", share.Variant,
				percent(had), want.Keys, percent(share.Share), percent(most), tally(got, want.Keys), want.By, jsonText(ec[want.By]))
		}
	}
	return nil
}

func setKey(ec eval.Context, want *folder.Shares, i int) {
	if want.Numbers {
		ec[want.By] = float64(i)
		return
	}
	ec[want.By] = "key-" + strconv.Itoa(i)
}

// jsonText writes a key as its test would.
func jsonText(key any) string {
	text, _ := json.Marshal(key) // it is a text or a number
	return string(text)
}

// tolerance is by how much a share of keys may be off, in thousandths of a percent: four standard deviations of chance
// where the test does not say. Chance cannot take anything of all or add to none.
func tolerance(want *folder.Shares, share int) int {
	if want.Tolerance != nil {
		return *want.Tolerance
	}
	p := float64(share) / 100_000
	return int(math.Ceil(4 * math.Sqrt(p*(1-p)/float64(want.Keys)) * 100_000))
}

// tally writes how many of the keys got what.
func tally(got map[string]int, keys int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(got)) {
		parts = append(parts, variant(name)+" "+percent(got[name]*100_000/keys))
	}
	return strings.Join(parts, ", ")
}

// fail is the error of a decision that came out wrong for ec.
func (t *trial) fail(ec eval.Context, format string, args ...any) *Error {
	trace := t.snapshot.Explain(t.test.Flag, ec, t.now)
	e := &Error{
		File: t.at.File, Line: t.at.Line, Column: t.at.Column, Path: fmt.Sprintf("tests.%q", t.test.Name), Trace: &trace,
		Message: fmt.Sprintf("test %q: %s in %s ", t.test.Name, t.test.Flag, trace.Environment) + fmt.Sprintf(format, args...),
	}
	if off := t.disabled(trace, ec); off != "" {
		e.Warning, e.Hint = true, fmt.Sprintf("%s is disabled there, so the test says nothing until it is enabled again", off)
	}
	return e
}

// disabled names the flag by whose being disabled the decision of a trace is off: itself, or one that it requires; "": it is not.
func (t *trial) disabled(trace eval.Trace, ec eval.Context) string {
	switch trace.Situation {
	case eval.SituationDisabled:
		return trace.Flag
	case eval.SituationPrerequisite:
		for _, required := range trace.Requires {
			if !required.Met {
				return t.disabled(t.snapshot.Explain(required.Flag, ec, t.now), ec)
			}
		}
	}
	return ""
}

// variant names a variant to people; none is what lets the asking code's own default stand.
func variant(name string) string {
	if name == "" {
		return "the caller's default"
	}
	return fmt.Sprintf("%q", name)
}
