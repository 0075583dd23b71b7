package render

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
)

// SARIF 2.1.0, as far as code scanning reads it: https://docs.oasis-open.org/sarif/sarif/v2.1.0/.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Automation struct {
			ID string `json:"id"`
		} `json:"automationDetails"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		URI   string      `json:"informationUri"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string    `json:"id"`
		Name    string    `json:"name"`
		Short   sarifText `json:"shortDescription"`
		Full    sarifText `json:"fullDescription"`
		Help    sarifText `json:"help"`
		Default struct {
			Level Level `json:"level"`
		} `json:"defaultConfiguration"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		Rule         string            `json:"ruleId"`
		Index        int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region *sarifRegion `json:"region,omitempty"`
		} `json:"physicalLocation"`
	}
	sarifRegion struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn,omitempty"`
	}
)

// policyFile is where a rule stands that fails for no line of its own: code scanning takes no result without a place.
const policyFile = "schema/project.cue"

func sarif(r *review.Review, o Options) sarifLog {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: o.title(), URI: "https://github.com/yardarm-io/yardarm", Rules: sarifRules()}
	run.Automation.ID = "yardarm/"
	for _, f := range Findings(r) {
		run.Results = append(run.Results, sarifOf(f))
	}
	return sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	}
}

func sarifOf(f Finding) sarifResult {
	result := sarifResult{
		Rule: f.Rule, Index: slices.IndexFunc(rules, func(r rule) bool { return r.id == f.Rule }),
		Level: strings.Replace(string(f.Level), "notice", "note", 1), Message: sarifText{f.Title + ": " + f.Message},
		Fingerprints: map[string]string{"yardarm/v1": fingerprint(f)},
	}
	var place sarifLocation
	place.Physical.Artifact.URI = (&url.URL{Path: f.File}).String()
	if f.File == "" {
		place.Physical.Artifact.URI = policyFile
	}
	if f.Line > 0 {
		place.Physical.Region = &sarifRegion{f.Line, f.Column}
	}
	result.Locations = []sarifLocation{place}
	return result
}

// fingerprint tells a finding from others wherever its line goes, and whatever its figures become.
func fingerprint(f Finding) string {
	parts := []string{f.Rule, f.File, f.Environment, f.Flag, f.At.UTC().String()}
	if f.Flag == "" || f.Rule == "risk" {
		parts = append(parts, f.Message)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(parts, "\x00"))))[:32]
}

// rule is what a finding may be of, with what to know about it.
type rule struct {
	id, name, short, help string
	level                 Level
}

var rules = []rule{
	{"files", "FlagFiles", "The flag files say what they can.", "Mend the line as the message says; 'yardarm check' shows the same.", Error},
	{"test", "FlagTest", "The flag tests pass.", "Mend the flag, or the test where the flag is right; 'yardarm check' shows the decision step by step.", Error},
	{"risk", "Risk", "The flag does what it can be meant to do.", "Look whether the rule is meant so: nobody, or nobody any more, is matched by it.", Warning},
	ruleOf(diff.RuleMaxStep, "At most so much of the audience is moved at once.", "Go in steps: a smaller share now, or a ramp."),
	ruleOf(diff.RuleMinSoak, "A flag is left alone for a while between two widenings.", "Wait until the time is over."),
	ruleOf(diff.RuleFreeze, "Nobody is moved in a freeze but to off.", "Merge before or after it, and let no boundary of a ramp fall into it."),
	ruleOf(diff.RuleRequireTests, "A flag test asks for each flag that changes.", "Add a test for the flag in that environment below tests."),
	ruleOf(diff.RuleRequireOwner, "CODEOWNERS gives a flag's files to its owner.", "Move the flag to its owner's folder, or mend owner or CODEOWNERS."),
	ruleOf(diff.RuleMaxTargets, "At most so many single keys are moved at once.", "Use a segment or a share, or split the change."),
	ruleOf(diff.RuleMaxFlags, "An owner has at most so many flags of a kind.", "Remove flags that are done."),
	ruleOf(diff.RuleMaxAge, "A flag of a kind grows only so old.", "Turn it off and remove it, or make it one of another kind."),
	ruleOf(diff.RuleDeletion, "A flag that is still asked for or required stays.", "Take it out of the services and of the flags that require it first."),
	ruleOf(diff.RuleRebucket, "Who gets what is not dealt out anew.", "Leave salt and by as they are, or make a new flag."),
	ruleOf(diff.RuleType, "A flag keeps its type.", "Make a new flag of the new type."),
	ruleOf(diff.RulePolicy, "The policy is loosened only by those who may.", "Let one of its approvers approve the change."),
}

func ruleOf(name diff.RuleName, short, help string) rule {
	id := string(name)
	return rule{id, strings.ToUpper(id[:1]) + id[1:], short, help, Error}
}

func sarifRules() []sarifRule {
	all := make([]sarifRule, len(rules))
	for i, r := range rules {
		all[i] = sarifRule{ID: r.id, Name: r.name, Short: sarifText{r.short}, Full: sarifText{r.short}, Help: sarifText{r.help}}
		all[i].Default.Level = r.level
	}
	return all
}
