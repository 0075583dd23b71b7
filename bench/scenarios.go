package main

import (
	"fmt"
	"strings"

	"github.com/launchdarkly/go-sdk-common/v3/ldvalue"
	build "github.com/launchdarkly/go-server-sdk-evaluation/v3/ldbuilders"
	"github.com/launchdarkly/go-server-sdk-evaluation/v3/ldmodel"
)

// scenario is the same boolean flag for both engines, and what it comes to for the one context that all are asked about.
type scenario struct {
	name     string
	items    []string // item lines of a snapshot, without meta
	flags    []ldmodel.FeatureFlag
	segments []ldmodel.Segment
	want     bool
}

// scenarios are the decisions by which engines are compared.
func scenarios() []scenario {
	return []scenario{
		constant(), oneCondition(), split(), targets(1_000), tenRulesMiss(), oneOf(10_000), segment(), prerequisite(),
	}
}

// on and off are LaunchDarkly's indices of the variants.
const (
	off = iota
	on
)

// item is a flag's line; body says what it decides.
func item(key, body string) string {
	return `flag ` + key + ` {"enabled":true,"off":"off",` + body + `,"type":"boolean","variants":{"off":false,"on":true}}`
}

// whenLine is the line of a flag with one rule, on for those of whom the condition holds.
func whenLine(condition string) string {
	return item(flagKey, `"rules":[{"name":"r","serve":"on","when":`+condition+`}],"serve":"off"`)
}

func newFlag(key string) *build.FlagBuilder {
	return build.NewFlagBuilder(key).On(true).Variations(ldvalue.Bool(false), ldvalue.Bool(true)).
		OffVariation(off).FallthroughVariation(off).Salt(key)
}

func newRule(clauses ...ldmodel.Clause) *build.RuleBuilder {
	return build.NewRuleBuilder().ID("r").Variation(on).Clauses(clauses...)
}

func constant() scenario {
	return scenario{
		name:  "constant",
		items: []string{item(flagKey, `"serve":"on"`)},
		flags: []ldmodel.FeatureFlag{newFlag(flagKey).FallthroughVariation(on).Build()},
		want:  true,
	}
}

func oneCondition() scenario {
	return scenario{
		name:  "one condition",
		items: []string{whenLine(`{"fields":{"plan":{"eq":"pro"}}}`)},
		flags: []ldmodel.FeatureFlag{newFlag(flagKey).AddRule(newRule(build.Clause("plan", ldmodel.OperatorIn, ldvalue.String("pro")))).Build()},
		want:  true,
	}
}

// split is by halves. Each engine has a hash of its own, so the salt is one with which both give the context the same.
func split() scenario {
	const salt = "f"
	halves := build.Rollout(build.Bucket(off, 50_000), build.Bucket(on, 50_000))
	return scenario{
		name:  "50/50 split",
		items: []string{item(flagKey, `"salt":"`+salt+`","split":{"off":50000,"on":50000}`)},
		flags: []ldmodel.FeatureFlag{newFlag(flagKey).Salt(salt).Fallthrough(halves).Build()},
		want:  true,
	}
}

// targets has n targeting keys; the one asked about is the last.
func targets(n int) scenario {
	keys := words("user-", n-1, "user-1842")
	return scenario{
		name:  fmt.Sprintf("%d targets", n),
		items: []string{item(flagKey, `"serve":"off","targets":{"on":[`+quoted(keys)+`]}`)},
		flags: []ldmodel.FeatureFlag{newFlag(flagKey).AddTarget(on, keys...).Build()},
		want:  true,
	}
}

func tenRulesMiss() scenario {
	f := newFlag(flagKey)
	var rules []string
	for i := range 10 {
		plan := fmt.Sprintf("plan-%d", i)
		f.AddRule(newRule(build.Clause("plan", ldmodel.OperatorIn, ldvalue.String(plan))))
		rules = append(rules, fmt.Sprintf(`{"name":"r%d","serve":"on","when":{"fields":{"plan":{"eq":%q}}}}`, i, plan))
	}
	return scenario{
		name:  "ten rules miss",
		items: []string{item(flagKey, `"rules":[`+strings.Join(rules, ",")+`],"serve":"off"`)},
		flags: []ldmodel.FeatureFlag{f.Build()},
		want:  false,
	}
}

// oneOf asks whether an attribute is one of n values; it is the last.
func oneOf(n int) scenario {
	emails := words("ann.", n-1, "ann@corp.example")
	values := make([]ldvalue.Value, 0, n)
	for _, email := range emails {
		values = append(values, ldvalue.String(email))
	}
	return scenario{
		name:  fmt.Sprintf("one of %d values", n),
		items: []string{whenLine(`{"fields":{"email":{"in":[` + quoted(emails) + `]}}}`)},
		flags: []ldmodel.FeatureFlag{newFlag(flagKey).AddRule(newRule(build.Clause("email", ldmodel.OperatorIn, values...))).Build()},
		want:  true,
	}
}

func segment() scenario {
	staff := build.NewSegmentRuleBuilder().Clauses(build.Clause("email", ldmodel.OperatorEndsWith, ldvalue.String("@corp.example")))
	return scenario{
		name:     "segment",
		items:    []string{whenLine(`{"segment":"staff"}`), `segment staff {"condition":{"fields":{"email":{"suffix":"@corp.example"}}}}`},
		flags:    []ldmodel.FeatureFlag{newFlag(flagKey).AddRule(newRule(build.SegmentMatchClause("staff"))).Build()},
		segments: []ldmodel.Segment{build.NewSegmentBuilder("staff").AddRule(staff).Build()},
		want:     true,
	}
}

func prerequisite() scenario {
	return scenario{
		name:  "prerequisite",
		items: []string{item("a", `"serve":"on"`), item(flagKey, `"requires":{"a":["on"]},"serve":"on"`)},
		flags: []ldmodel.FeatureFlag{
			newFlag("a").FallthroughVariation(on).Build(),
			newFlag(flagKey).AddPrerequisite("a", on).FallthroughVariation(on).Build(),
		},
		want: true,
	}
}

// words are n that begin alike, and last.
func words(prefix string, n int, last string) []string {
	list := make([]string, 0, n+1)
	for i := range n {
		list = append(list, fmt.Sprintf("%s%d", prefix, i+100_000))
	}
	return append(list, last)
}

func quoted(words []string) string { return `"` + strings.Join(words, `","`) + `"` }
