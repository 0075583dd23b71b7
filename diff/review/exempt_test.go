package review_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
)

// TestExemptSegment shows that an exempt segment cannot be widened in passing: nobody is moved by that, and everybody could be by
// the next change.
func TestExemptSegment(t *testing.T) {
	const policy = `environments: production: {maxStep: 25, exempt: ["staff"]}`
	wider := side("new", flag(on), policy)
	wider.Tree.(fstest.MapFS)["flags/segments/people.cue"] = &fstest.MapFile{Data: []byte(strings.Replace(segments, "@corp", "", 1))}
	r := run(t, review.Request{Base: side("main", flag(on), policy), New: wider})
	if !r.Failed() || len(r.Report.Verdicts) != 1 || r.Report.Verdicts[0].Rule != diff.RulePolicy ||
		!strings.Contains(r.Report.Verdicts[0].Message, `the exempt segment "staff" holds those of whom`) {
		t.Errorf("failed %v: %+v", r.Failed(), r.Report.Verdicts)
	}
}

// TestExemptFirstUse shows that an exempt segment exempts in the change with which flags begin to use it, too.
func TestExemptFirstUse(t *testing.T) {
	const policy = `environments: production: {maxStep: 25, exempt: ["staff"]}`
	const off = `production: serve: "off"`
	using := strings.Replace(flag(`production: {rules: [{name: "staff", #when: segments.#staff, serve: "on"}], serve: "off"}`),
		"flags\n", "flags\n\nimport \"flags.local/flags/segments\"\n", 1)
	r := run(t, review.Request{Base: side("main", flag(off), policy), New: side("new", using, policy)})
	if r.Failed() || len(r.Report.Verdicts) > 0 {
		t.Errorf("problems %s, verdicts %+v", problems(r), r.Report.Verdicts)
	}
}
