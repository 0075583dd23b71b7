package review

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/diff"
)

// facts gathers what the policy is told besides the comparison. Of history it asks only what the policy depends on.
func (r *reviewing) facts(ctx context.Context) (diff.Facts, error) {
	next, err := diff.ReadPolicy(r.new.Project.Policy)
	if err != nil {
		return diff.Facts{}, err
	}
	facts := diff.Facts{
		Now: r.Now, Head: r.Head, Tested: tested(r.new), Usage: r.Usage, Approvals: r.Approvals, Overrides: r.overrides(),
		Before: census(r.base), After: census(r.new), Owners: r.owners(),
	}
	facts.PolicyChanges, facts.Loosened = diff.PolicyChanges(r.policy, next, r.Now)
	segments, err := r.new.Segments()
	if err != nil {
		return diff.Facts{}, err
	}
	exempt, loosened := diff.ExemptChanges(r.policy, r.segments, segments)
	facts.PolicyChanges, facts.Loosened = append(facts.PolicyChanges, exempt...), append(facts.Loosened, loosened...)
	if r.History == nil || !r.anyFlag() {
		return facts, nil
	}
	if facts.Widened, err = r.widened(ctx); err == nil {
		facts.Existed, err = r.existed(ctx)
	}
	return facts, err
}

// anyFlag says whether the change does anything to a flag.
func (r *reviewing) anyFlag() bool {
	return slices.ContainsFunc(r.review.Report.Environments, func(e diff.Environment) bool { return len(e.Flags) > 0 })
}

// tested says which flags a flag test asks for, by environment.
func tested(out *compile.Output) func(environment, flag string) bool {
	type pair struct{ environment, flag string }
	all := map[pair]bool{}
	for i := range out.Tests {
		for _, environment := range out.Tests[i].Environments {
			all[pair{environment, out.Tests[i].Flag}] = true
		}
	}
	return func(environment, flag string) bool { return all[pair{environment, flag}] }
}

// census counts the flags, which are the same in each environment.
func census(out *compile.Output) diff.Census {
	counts := diff.Census{}
	if len(out.Project.Environments) == 0 {
		return counts
	}
	for flag := range out.Snapshots[out.Project.Environments[0]].Flags() {
		if counts[flag.Owner] == nil {
			counts[flag.Owner] = map[string]int{}
		}
		counts[flag.Owner][flag.Kind]++
	}
	return counts
}

// widened asks the history when flags were widened, as far back as the longest minSoak; nil where no environment has one, or
// where the history cannot tell.
func (r *reviewing) widened(ctx context.Context) (func(environment, flag string) (time.Time, bool), error) {
	longest, exempt := 0, map[string][]string{}
	for name, guard := range r.policy.Environments {
		longest, exempt[name] = max(longest, guard.MinSoak), guard.Exempt
	}
	if longest == 0 {
		return nil, nil
	}
	widened, err := r.History.Widened(ctx, r.Now.Add(-time.Duration(longest)*time.Minute), r.Now, exempt)
	if err != nil {
		return nil, r.unknown(ctx, "when flags were last widened", err)
	}
	return widened, nil
}

// existed asks the history which flags there were at the end of each maxAge; nil where none is, or where it cannot tell.
func (r *reviewing) existed(ctx context.Context) (func(flag string, at time.Time) bool, error) {
	if len(r.policy.MaxAge) == 0 {
		return nil, nil
	}
	then := map[time.Time]func(flag string) bool{}
	for _, hours := range slices.Sorted(maps.Values(r.policy.MaxAge)) {
		at := r.Now.Add(-time.Duration(hours) * time.Hour)
		if then[at] != nil {
			continue
		}
		existed, err := r.History.Existed(ctx, at)
		if err != nil {
			return nil, r.unknown(ctx, "how old flags are", err)
		}
		then[at] = existed
	}
	return func(flag string, at time.Time) bool {
		existed := then[at.UTC()]
		return existed == nil || existed(flag) // an instant that nobody was asked about: the stricter answer
	}, nil
}

// unknown makes a warning of an error of the history, as the rest can be judged all the same, unless ctx has ended.
func (r *reviewing) unknown(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.warn("", "the history does not tell %s: %v", what, err)
	return nil
}
