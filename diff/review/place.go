package review

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/folder"
	"github.com/yardarm-io/yardarm/diff"
)

// policyFile is where the policy stands.
const policyFile = "schema/project.cue"

// place gives what was found its file, from the repository's root, and its line, and puts the problems in order.
func (r *reviewing) place() {
	for i, p := range r.review.Problems {
		if p.File != "" && r.Prefix != "" {
			moved := *p // caches may hold the problem itself
			moved.File = path.Join(r.Prefix, p.File)
			r.review.Problems[i] = &moved
		}
	}
	slices.SortStableFunc(r.review.Problems, byPlace)
	if r.review.Report == nil {
		return
	}
	for i := range r.review.Report.Verdicts {
		v := &r.review.Report.Verdicts[i]
		v.File, v.Line, v.Column = r.at(r.verdictAt(v))
	}
	for _, e := range r.review.Report.Environments {
		for i := range e.Risks {
			risk := &e.Risks[i]
			risk.File, risk.Line, risk.Column = r.at(r.riskAt(e.Name, risk))
		}
	}
}

func byPlace(a, b *compile.Error) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
}

func (r *reviewing) at(p folder.Position) (file string, line, column int) {
	if p.File == "" {
		return "", 0, 0
	}
	return path.Join(r.Prefix, p.File), p.Line, p.Column
}

// verdictAt is where to mend what a verdict finds. A flag that is removed has no place in the new state.
func (r *reviewing) verdictAt(v *diff.Verdict) folder.Position {
	if v.Rule == diff.RulePolicy {
		return folder.Position{File: policyFile, Line: 1}
	}
	flag := flagOf(r.new, v.Flag)
	if flag == nil {
		return folder.Position{}
	}
	if rule := r.changedRule(v.Environment, v.Flag); rule != "" && v.Rule != diff.RuleRequireOwner && v.Rule != diff.RuleRequireTests {
		return flag.In(v.Environment, r.ruleIndex(v.Environment, v.Flag, rule))
	}
	return flag.In(v.Environment, -1)
}

func (r *reviewing) riskAt(environment string, risk *diff.Risk) folder.Position {
	flag := flagOf(r.new, risk.Flag)
	if flag == nil {
		return folder.Position{}
	}
	return flag.In(environment, r.ruleIndex(environment, risk.Flag, risk.Rule))
}

// changedRule names the one rule whose change is all that differs in a flag; "" if it is not one.
func (r *reviewing) changedRule(environment, flag string) string {
	for _, e := range r.review.Report.Environments {
		if e.Name != environment {
			continue
		}
		i, found := slices.BinarySearchFunc(e.Flags, flag, func(f diff.Flag, key string) int { return strings.Compare(f.Key, key) })
		if !found {
			return ""
		}
		return onlyRule(e.Flags[i].Changes)
	}
	return ""
}

func onlyRule(changes []diff.Change) string {
	rule := ""
	for _, c := range changes {
		if c.Rule == "" && c.Kind != diff.MetadataChanged || rule != "" && c.Rule != rule {
			return ""
		}
		rule = cmp.Or(c.Rule, rule)
	}
	return rule
}

// ruleIndex counts the rules before the one of a name; -1 where there is no such rule.
func (r *reviewing) ruleIndex(environment, flag, name string) int {
	if name == "" || r.new.Snapshots[environment] == nil || r.new.Snapshots[environment].Flag(flag) == nil {
		return -1
	}
	for i, rule := range r.new.Snapshots[environment].Flag(flag).Rules {
		if rule.Name == name {
			return i
		}
	}
	return -1
}

// flagOf finds a flag by its key, by which they are sorted; nil: there is none.
func flagOf(out *compile.Output, key string) *folder.Flag {
	i, found := slices.BinarySearchFunc(out.Flags, key, func(f folder.Flag, key string) int { return strings.Compare(f.Key, key) })
	if !found {
		return nil
	}
	return &out.Flags[i]
}
