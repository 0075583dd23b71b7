package render

import (
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
	"github.com/yardarm-io/yardarm/eval"
)

var (
	merge    = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	december = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	january  = time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC)
)

// samples are reviews of every sort, by name.
func samples() map[string]*review.Review {
	return map[string]*review.Review{
		"step":       reviewed(stepReport()),
		"removed":    reviewed(removedReport()),
		"quiet":      reviewed(&diff.Report{}),
		"metadata":   reviewed(metadataReport()),
		"population": reviewed(populationReport()),
		"off":        reviewed(offReport()),
		"mistakes":   mistakes(),
		"hostile":    reviewed(hostileReport()),
	}
}

func reviewed(report *diff.Report) *review.Review {
	return &review.Review{
		Base:     review.Revision{Name: "main", Revision: "1f0c4a7e21b94d2f8f5f0a4ea0c7f1f2d3b4a596"},
		New:      review.Revision{Name: "faster-payments", Revision: "9be2d1c44a5e6f70812233445566778899aabbcc"},
		At:       merge,
		Problems: []*compile.Error{},
		Report:   report,
		Tests:    7, Flags: 5,
	}
}

func served(variant string, percent float64) diff.Served {
	return diff.Served{Variant: variant, Percent: percent}
}

// grows is a class in which some more go from off to on.
func grows(who string, before, after float64) diff.Class {
	return diff.Class{
		Who: who, Example: eval.Context{"plan": "pro"},
		Before: []diff.Served{served("off", 100-before), served("on", before)},
		After:  []diff.Served{served("off", 100-after), served("on", after)},
		Moves:  []diff.Move{{From: "off", To: "on", Percent: after - before}},
	}
}

func stepReport() *diff.Report {
	staff := grows("in segment staff", 0, 100)
	staff.Exempt = true
	return &diff.Report{
		Effect: "c0ffee0123456789c0ffee0123456789c0ffee0123456789c0ffee0123456789",
		Environments: []diff.Environment{
			{Name: "staging", Flags: []diff.Flag{{
				Key: "search.new-index", Owner: "team-search", Kind: "ops", Off: "off",
				Because: []string{"flag checkout.new-payment"},
				Steps: []diff.Step{{Keys: 2, Classes: []diff.Class{{
					Who: "user is one of 2 named", Keys: 2, Moves: []diff.Move{{From: "off", To: "blue-green canary", Percent: 100}},
				}}}},
			}}},
			{Name: "production", Flags: []diff.Flag{{
				Key: "checkout.new-payment", Owner: "team-payments", Kind: "release", Off: "off",
				Changes: []diff.Change{
					{Kind: diff.ShareChanged, Rule: "early", Text: `rule "early" takes 60 % of those it matches instead of 5 %`},
					{Kind: diff.RampChanged, Text: `rule "all" takes 10 % from 2026-12-01 on`},
				},
				Steps: []diff.Step{
					{Moved: 100, Counted: 55, Classes: []diff.Class{
						staff, grows(`plan is "pro" or "team", country is not "FR", age is at least 18, and the account was made before 2020`, 5, 60),
						grows("no country", 5, 5.0004),
					}},
					{At: december, Moved: 10, Counted: 10, Classes: []diff.Class{grows("everyone", 0, 10)}},
					{At: january, Moved: 50, Counted: 50, Planned: true, Classes: []diff.Class{grows("everyone", 10, 60)}},
				},
			}}, Risks: []diff.Risk{
				{Flag: "checkout.new-payment", Rule: "late", Text: `rule "late" is never reached: rule "all" takes everyone before it`, File: "flags/payments/payment.cue", Line: 21, Column: 4},
			}},
		},
		Verdicts: []diff.Verdict{
			{
				Rule: diff.RuleMaxStep, Outcome: diff.Failed, Environment: "production", Flag: "checkout.new-payment",
				Message: `this moves 55 % of those with plan "pro" or "team" from off to on at once; at most 25 % may move in production`,
				Hint:    `go in steps, such as ramp: [{at: "2026-11-23T09:00:00Z", share: 30}, {at: "2026-11-24T09:00:00Z", share: 55}]`,
				File:    "flags/payments/payment.cue", Line: 14, Column: 3,
			},
			{
				Rule: diff.RuleFreeze, Outcome: diff.Failed, Environment: "production", Flag: "checkout.new-payment", At: december,
				Message: "a boundary falls into the freeze \"year's end\"", Until: january,
				Override: &diff.Override{Rule: diff.RuleFreeze, Reason: "the board wants it"},
			},
			{
				Rule: diff.RuleMaxTargets, Outcome: diff.Overridden, Environment: "staging", Flag: "search.new-index",
				Message: "2 single keys move; at most 1 may", Override: &diff.Override{Rule: diff.RuleMaxTargets, Reason: "a pilot", ApprovedBy: "ada"},
			},
			{Rule: diff.RulePolicy, Outcome: diff.Warned, Message: "the policy changes: production.maxStep is 50 instead of 25; it counts from the next change on"},
		},
	}
}

func removedReport() *diff.Report {
	gone := diff.Class{
		Who: "everyone", Before: []diff.Served{served("on", 100)}, After: []diff.Served{served("", 100)},
		Moves: []diff.Move{{From: "on", Percent: 100}},
	}
	return &diff.Report{Environments: []diff.Environment{{Name: "production", Flags: []diff.Flag{{
		Key: "old.banner", Owner: "team-web", Kind: "release",
		Changes: []diff.Change{{Kind: diff.FlagRemoved, Text: "removed"}},
		Steps:   []diff.Step{{Moved: 100, Counted: 100, Classes: []diff.Class{gone}}},
	}}}}, Effect: "beef"}
}

func metadataReport() *diff.Report {
	return &diff.Report{Environments: []diff.Environment{
		{Name: "canary", Added: true},
		{Name: "production", Flags: []diff.Flag{{
			Key: "old.banner", Changes: []diff.Change{{Kind: diff.MetadataChanged, Text: "it expires on 2027-06-01 instead of 2027-03-01"}},
			Steps: []diff.Step{{}},
		}}},
	}}
}

func populationReport() *diff.Report {
	weight := func(p float64, class diff.Class) diff.Class {
		class.Weight = &p
		return class
	}
	return &diff.Report{Environments: []diff.Environment{{Name: "production", Flags: []diff.Flag{{
		Key: "a.b",
		Steps: []diff.Step{
			{Moved: 12.3456789, Classes: []diff.Class{
				weight(20.5, grows(`plan is "pro"`, 0, 50)), weight(79.5, grows("all others", 0, 2.6376)),
			}},
			{At: december, Moved: 100, Counted: 100, Incomplete: true},
		},
	}}}}}
}

func offReport() *diff.Report {
	class := diff.Class{Who: "everyone", Moves: []diff.Move{{From: "on", To: "legacy", Percent: 99.9999, Off: true}}}
	return &diff.Report{Environments: []diff.Environment{{Name: "production", Flags: []diff.Flag{{
		Key: "a.b", Kind: "ops", Off: "legacy",
		Changes: []diff.Change{{Kind: diff.FlagDisabled, Text: "turned off"}},
		Steps:   []diff.Step{{Moved: 99.9999, Classes: []diff.Class{class}}},
	}}}}}
}

func mistakes() *review.Review {
	r := reviewed(nil)
	r.BaseBroken = true
	r.Problems = []*compile.Error{
		{File: "flags/a.cue", Line: 3, Column: 7, Message: `"onn" is no variant of this flag`, Hint: `write "on" or "off"`},
		{File: "flags/a.cue", Line: 9, Message: "no test asks for it", Warning: true},
		{File: "flags/b.cue", Line: 30, Column: 1, Message: `test "staff see it": got "off", want "on"`, Trace: &eval.Trace{}},
	}
	return r
}

// hostile is what a stranger may write wherever he may write.
const hostile = "x`|</code></details><script>alert(1)</script> @octocat #1 GH-2 [l](https://evil.example) ![i](//evil.example)\n::error::owned\r\n##[error]owned\x1b[2J\u202e www.evil.example *b* a@evil.example"

func hostileReport() *diff.Report {
	class := diff.Class{Who: hostile, Moves: []diff.Move{{From: hostile, To: "a|b", Percent: 50}}}
	return &diff.Report{
		Environments: []diff.Environment{{
			Name: hostile,
			Flags: []diff.Flag{{
				Key: hostile, Owner: hostile, Kind: hostile, Because: []string{hostile},
				Changes: []diff.Change{{Kind: diff.RuleAdded, Text: hostile}}, Steps: []diff.Step{{Moved: 50, Classes: []diff.Class{class}}},
			}},
			Risks: []diff.Risk{{Flag: hostile, Text: hostile, File: hostile, Line: 1}},
		}},
		Verdicts: []diff.Verdict{{
			Rule: diff.RuleFreeze, Outcome: diff.Failed, Flag: hostile, Environment: hostile, Message: hostile, Hint: hostile,
			File: hostile, Line: 1, Override: &diff.Override{Reason: hostile},
		}},
	}
}
