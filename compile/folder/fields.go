package folder

import (
	"fmt"
	"slices"
	"strings"
)

// The names that the language knows, by where they stand; for suggestions only, since the schema decides.
var (
	fileFields        = []string{"flags", "tests"}
	flagFields        = []string{"description", "owner", "kind", "expires", "variants", "off", "client", "environments"}
	outcomeFields     = []string{"serve", "split", "by", "salt"}
	environmentFields = append([]string{"like", "enabled", "requires", "targets", "rules"}, outcomeFields...)
	ruleFields        = append([]string{"name", "#when", "#any", "#unless", "share", "ramp", "from", "until", "layer"}, outcomeFields...)
	stepFields        = []string{"at", "share"}
	layerFields       = []string{"name", "slots"}
	testFields        = []string{"description", "flag", "environment", "environments", "context", "contexts", "at",
		"expect", "expectValue", "expectReason", "expectShare", "keys", "by", "tolerance"}
	conditionFields = []string{"#when", "#any", "#unless"}
	projectFields   = []string{"language", "environments", "policy"}
	policyFields    = []string{"environments", "maxFlags", "maxAge", "approvers"}
	guardFields     = []string{"maxStep", "minSoak", "freeze", "requireTests", "requireOwner", "maxTargets", "exempt"}
	freezeFields    = []string{"name", "from", "until"}
)

var missingHints = map[string]string{
	"description":  `add a sentence: description: "What the flag is for."`,
	"owner":        `add the team that answers for the flag: owner: "team-payments"`,
	"kind":         `add kind: "release", "experiment", "ops" or "permission"`,
	"environments": `add who gets what: environments: production: serve: "on"`,
	"name":         `give it a name: {name: "staff", ...}`,
	"at":           `add when the step begins: at: "2026-12-01T09:00:00Z"`,
	"share":        `add its percentage: share: 10`,
	"slots":        `add its part of all people: slots: [0, 50]`,
	"flag":         `add the key of the flag that is asked for: flag: "..."`,
	"environment":  `add where it is asked for: environment: "production"`,
	"from":         `add when it begins: from: "2026-12-19T00:00:00Z"`,
	"until":        `add when it ends: until: "2027-01-04T00:00:00Z"`,
	"expect":       `add the variant that is to come out: expect: "on"`,
}

// blockHints say how to write what is a block and easily taken for something else.
var blockHints = map[string]string{
	"environments": `write environments: production: serve: "on"`,
	"variants":     "give each variant a name: variants: {on: true, off: false}",
}

// inRule says where a condition belongs.
func inRule(condition string) string {
	return fmt.Sprintf(`write it in a rule: rules: [{name: "...", %s: {...}, serve: "on"}]`, condition)
}

// notAllowed describes a field that its place does not have.
func (p *problems) notAllowed(where []string) (message, hint string) {
	last := len(where) - 1
	name := where[last]
	if at := conditionAt(where); at >= 0 || inContext(where[:last]) {
		return fmt.Sprintf("%s is not an attribute of the evaluation context", name), p.attributeHint(name)
	}
	of, known := p.fieldsAt(where)
	switch {
	case slices.Contains(known, name):
		return "a definition that this is made of excludes " + name, "make it of the schema, as #Launch: schema.#Flag & {...}, or end its block with ..."
	case of == "an environment's name":
		return fmt.Sprintf("there is no environment %s", quote(name)), didYouMean(name, p.environments)
	case len(where) > 4 && where[0] == "flags" && where[2] == "variants":
		return fmt.Sprintf("%s is not in the type that the variants have", name), ""
	case of == "":
		return fmt.Sprintf("%s is not known here", name), ""
	}
	if of == "a layer" && name == "salt" {
		return "salt is not a field of a layer", "remove it: a layer has no salt, its name divides people"
	}
	return unknownField(name, of, known)
}

// fieldsAt gives the fields that the place has which path ends in, and what has them; "" where anything may stand.
func (p *problems) fieldsAt(where []string) (of string, known []string) {
	if where[0] == "project" {
		return projectFieldsAt(where)
	}
	switch flags := where[0] == "flags"; {
	case flags && len(where) == 3:
		return "a flag", flagFields
	case flags && len(where) == 4 && where[2] == "environments":
		return "an environment's name", p.environments
	case flags && len(where) == 5 && where[2] == "environments":
		return "an environment", environmentFields
	case flags && len(where) == 7 && where[4] == "rules":
		return "a rule", ruleFields
	case flags && len(where) == 8 && where[6] == "layer":
		return "a layer", layerFields
	case flags && len(where) == 9 && where[6] == "ramp":
		return "a step of a ramp", stepFields
	case where[0] == "tests" && len(where) == 3:
		return "a test", testFields
	}
	return "", nil
}

// projectFieldsAt is fieldsAt for places in a project.
func projectFieldsAt(where []string) (of string, known []string) {
	switch policy := len(where) > 2 && where[1] == "policy"; {
	case len(where) == 2:
		return "a project", projectFields
	case policy && len(where) == 3:
		return "a policy", policyFields
	case policy && len(where) == 5 && where[2] == "environments":
		return "an environment's policy", guardFields
	case policy && len(where) == 7 && where[4] == "freeze":
		return "a freeze", freezeFields
	}
	return "", nil
}

// inContext tells whether a path leads into the context of a test.
func inContext(where []string) bool {
	return len(where) > 2 && where[0] == "tests" && (where[2] == "context" || where[2] == "contexts")
}

func unknownField(name, of string, known []string) (message, hint string) {
	if slices.Contains(known, strings.Trim(name, `"`)) {
		return fmt.Sprintf("%s in quotes is not a field of %s", name, of), "write it without quotes"
	}
	for _, level := range []struct {
		of     string
		fields []string
	}{{"a flag", flagFields}, {"an environment", environmentFields}, {"a rule", ruleFields}} {
		if level.of != of && slices.Contains(level.fields, name) {
			return fmt.Sprintf("%s is not a field of %s", name, of), fmt.Sprintf("it belongs in %s", level.of)
		}
	}
	return fmt.Sprintf("%s is not a field of %s", name, of), hintName(name, known)
}

// attributeHint says what an unknown attribute may be a slip of, or how to add it.
func (p *problems) attributeHint(name string) string {
	if hint := hintName(name, p.attributes); hint != "" {
		return hint
	}
	return fmt.Sprintf("if services send it, add it to schema/context.cue: %s?: string", name)
}

// conditionAt finds the step of a path that begins a condition, or gives -1.
func conditionAt(where []string) int {
	return slices.IndexFunc(where, func(s string) bool { return slices.Contains(conditionFields, s) })
}
