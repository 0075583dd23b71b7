package review_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
)

// past is a history that knows one flag, widened a day ago and ten days old; or, with an error, nothing.
type past struct {
	err   error
	asked []time.Duration // how far back
}

func (p *past) Widened(_ context.Context, since, _ time.Time, _ map[string][]string) (func(environment, flag string) (time.Time, bool), error) {
	p.asked = append(p.asked, now.Sub(since))
	return func(environment, flag string) (time.Time, bool) {
		return now.Add(-24 * time.Hour), environment == "production" && flag == "x"
	}, p.err
}

func (p *past) Existed(_ context.Context, at time.Time) (func(flag string) bool, error) {
	p.asked = append(p.asked, now.Sub(at))
	return func(flag string) bool { return flag == "x" && !at.Before(now.Add(-240*time.Hour)) }, p.err
}

const more = `production: {rules: [{name: "r", share: 9, serve: "on"}], serve: "off"}`

// found gives the rules of the verdicts, failures as they are and warnings after a question mark.
func found(r *review.Review) string {
	var rules []string
	for _, v := range r.Report.Verdicts {
		rules = append(rules, map[diff.Outcome]string{diff.Failed: "", diff.Warned: "?", diff.Overridden: "!"}[v.Outcome]+string(v.Rule))
	}
	return strings.Join(rules, " ")
}

// TestHistory shows that history is asked for what the policy depends on, and that one that can't answer is said and not
// taken for a good one.
func TestHistory(t *testing.T) {
	for _, test := range []struct {
		policy string
		err    error
		asked  []time.Duration
		want   string
	}{
		{policy: `environments: production: maxStep: 25`},
		{policy: `environments: {production: minSoak: "2d", staging: minSoak: "30m"}`, asked: []time.Duration{48 * time.Hour}, want: "minSoak"},
		{policy: `environments: production: minSoak: "12h"`, asked: []time.Duration{12 * time.Hour}},
		{policy: `maxAge: {ops: "9d", release: "9d", experiment: "20d"}`, asked: []time.Duration{216 * time.Hour, 480 * time.Hour}, want: "maxAge"},
		{policy: `maxAge: ops: "11d"`, asked: []time.Duration{264 * time.Hour}},
		{policy: `environments: production: minSoak: "2d"`, err: errors.New("cut off"), asked: []time.Duration{48 * time.Hour}, want: "?minSoak"},
	} {
		p := &past{err: test.err}
		r := run(t, review.Request{Base: side("main", flag(on), test.policy), New: side("new", flag(more), test.policy), History: p})
		if got := found(r); got != test.want || !slices.Equal(p.asked, test.asked) {
			t.Errorf("%s: verdicts %q, want %q; asked for %v, want %v", test.policy, got, test.want, p.asked, test.asked)
		}
		if got := problems(r); strings.Contains(got, "cut off") != (test.err != nil) {
			t.Errorf("%s: problems %q", test.policy, got)
		}
	}
	p := &past{}
	run(t, review.Request{Base: side("main", flag(on), `maxAge: ops: "1d"`), New: side("new", flag(on), `maxAge: ops: "1d"`), History: p})
	if p.asked != nil {
		t.Errorf("asked about no change: %v", p.asked)
	}
}

// TestPlacesAndOwners shows that a verdict stands on its line, below the prefix, and that CODEOWNERS counts from the root.
func TestPlacesAndOwners(t *testing.T) {
	const policy = `environments: production: {maxStep: 1, requireOwner: true, requireTests: true}`
	request := review.Request{
		Base: side("main", flag(on), policy), New: side("new", flag(more), policy), Prefix: "deep",
		CodeOwners: []byte("* @acme/all\n/deep/flags/team/ @acme/team-x ada@corp.example\n"),
	}
	r := run(t, request)
	if got := found(r); got != "maxStep requireTests" {
		t.Errorf("verdicts %q, problems %s", got, problems(r))
	}
	v := r.Report.Verdicts[0]
	if v.File != "deep/flags/team/x.cue" || v.Line != 5 || v.Column != 37 {
		t.Errorf("at %s:%d:%d", v.File, v.Line, v.Column)
	}
	for owners, want := range map[string]string{
		"* @acme/all\n":             "maxStep requireTests requireOwner",
		"* @team-x\n*.cue\n":        "maxStep requireTests requireOwner",
		"/flags/ @team-x\n":         "maxStep requireTests requireOwner",
		"* @team-x\n":               "maxStep requireTests",
		"* @team-x\n*.cue team-y\n": "maxStep requireTests",
	} {
		request.CodeOwners = []byte(owners)
		r := run(t, request)
		rules := strings.Fields(found(r))
		slices.Sort(rules)
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if !slices.Equal(rules, wanted) {
			t.Errorf("CODEOWNERS %q: verdicts %v, want %v; problems %s", owners, rules, wanted, problems(r))
		}
	}
}

// TestOverridesAreBounded reads a message that was written to be costly as quickly as any.
func TestOverridesAreBounded(t *testing.T) {
	var message strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&message, "Yardarm-Override: maxStep %d%s\n", i, strings.Repeat("é", i%2*1000))
	}
	asked := review.Overrides(message.String())
	if len(asked) != 100 || len(asked[1].Reason) > 1000 || !utf8.ValidString(asked[1].Reason) {
		t.Errorf("read %d, the second with %d bytes", len(asked), len(asked[1].Reason))
	}
}

func TestOverrides(t *testing.T) {
	const squashed = `Everyone now (#12)

* first

  Yardarm-Override: maxStep  the partner launches

Yardarm-Override:	minSoak	it is urgent
* second
yardarm-override: freeze
Yardarm-Override: maxstepp why not
Not-Yardarm-Override: rebucket no
`
	asked := review.Overrides(squashed, "another\n\nYardarm-Override: maxStep the partner launches\n")
	want := []diff.Override{{Rule: "maxStep", Reason: "the partner launches"}, {Rule: "minSoak", Reason: "it is urgent"}, {Rule: "freeze"}, {Rule: "maxstepp", Reason: "why not"}}
	if !slices.Equal(asked, want) {
		t.Errorf("read %+v", asked)
	}
	asked = append(asked, diff.Override{Rule: "MAXAGE", Reason: "written otherwise"})
	const policy = `environments: production: maxStep: 1`
	request := review.Request{Base: side("main", flag(on), policy), New: side("new", flag(more), policy), Overrides: asked, Head: "h"}
	r := run(t, request)
	text := problems(r)
	if !r.Failed() || found(r) != "maxStep" || !strings.Contains(text, `"maxstepp" names no rule`) || !strings.Contains(text, "freeze gives no reason") ||
		strings.Contains(text, "MAXAGE") {
		t.Errorf("failed %v, verdicts %s, problems:\n%s", r.Failed(), found(r), text)
	}
	request.Approvals = []diff.Approval{{Who: "Ada", Head: "h"}}
	if r := run(t, request); r.Failed() || found(r) != "!maxStep" {
		t.Errorf("approved: failed %v, verdicts %s", r.Failed(), found(r))
	}
}

// TestRefresh shows when the clock alone may change a verdict.
func TestRefresh(t *testing.T) {
	const (
		ramp   = `production: {rules: [{name: "r", ramp: [{at: "2026-11-01T00:00:00Z", share: 5}, {at: "2026-12-01T00:00:00Z", share: 20}], serve: "on"}], serve: "off"}`
		freeze = `environments: production: freeze: [{name: "f", from: "2026-11-25T00:00:00Z", until: "2026-11-27T00:00:00Z"}]`
		soak   = `environments: production: minSoak: "2d"`
	)
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }
	for name, test := range map[string]struct {
		policy, before, after string
		now, want             time.Time
	}{
		"nothing changes":     {freeze, on, on, at(20, 0), time.Time{}},
		"no clock":            {`environments: production: maxStep: 25`, on, more, at(20, 0), time.Time{}},
		"a freeze begins":     {freeze, on, more, at(20, 0), at(25, 0)},
		"a freeze ends":       {freeze, on, more, at(26, 0), at(27, 0)},
		"a freeze is over":    {freeze, on, more, at(28, 0), time.Time{}},
		"the base's own ramp": {`environments: production: maxStep: 25`, ramp, more, at(20, 0), at(31, 0)},
		"the new ramp":        {`environments: production: maxStep: 25`, on, ramp, at(20, 0), at(31, 0)},
		"soaking":             {soak, on, more, at(20, 12), at(21, 12)},
		"flags grow older":    {`maxAge: ops: "30d"`, on, more, at(20, 0), at(21, 0)},
		"another environment's": {`environments: staging: freeze: [{name: "f", from: "2026-11-25T00:00:00Z", until: "2026-11-27T00:00:00Z"}]`,
			on, more, at(20, 0), time.Time{}},
	} {
		r := run(t, review.Request{Base: side("main", flag(test.before), test.policy), New: side("new", flag(test.after), test.policy), Now: test.now, History: &past{}})
		if !r.Refresh.Equal(test.want) {
			t.Errorf("%s: again at %s, want %s; verdicts %+v", name, r.Refresh, test.want, r.Report.Verdicts)
		}
	}
}
