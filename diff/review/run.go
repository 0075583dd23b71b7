package review

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/folder"
	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/eval"
)

// mostEarlier is how many states before a base that does not compile are tried.
const mostEarlier = 100

// reviewing is one review under way.
type reviewing struct {
	Request
	compiler  *compile.Compiler
	review    *Review
	base, new *compile.Output // base is nil where there is nothing to compare with
	policy    diff.Policy     // the base's
	segments  *eval.Snapshot  // all of the base's; nil: there are none
}

// Run reviews a change. What is wrong with the files is in the review; the error is one of reading, compiling or ctx's.
func Run(ctx context.Context, compiler *compile.Compiler, request Request) (*Review, error) {
	if request.Now.IsZero() {
		request.Now = time.Now()
	}
	request.Now = request.Now.UTC()
	r := &reviewing{Request: request, compiler: compiler, review: &Review{At: request.Now, Problems: []*compile.Error{}}}
	if err := r.compileBoth(ctx); err != nil {
		return nil, err
	}
	if err := r.compare(ctx); err != nil {
		return nil, err
	}
	r.place()
	return r.review, nil
}

// compileBoth compiles the base, which caches know as a rule, and then the new state, which takes over from it what is the
// same.
func (r *reviewing) compileBoth(ctx context.Context) (err error) {
	if err := r.settleBase(ctx); err != nil {
		return err
	}
	if r.new, err = r.compile(ctx, r.New); err != nil {
		return err
	}
	r.review.New = Revision{r.New.Name, r.New.At.Revision}
	r.review.Flags, r.review.Tests = len(r.new.Flags), len(r.new.Tests)
	r.review.Problems = append(r.review.Problems, r.new.Problems...)
	if r.new.Err() == nil {
		r.review.Problems = append(r.review.Problems, r.new.RunTests()...)
	}
	return nil
}

func (r *reviewing) compile(ctx context.Context, side Side) (*compile.Output, error) {
	if side.Output != nil {
		return side.Output, nil
	}
	out, err := r.compiler.Compile(ctx, side.Tree, side.At)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("compile %s: %w", side.Name, err)
	}
	return out, err
}

// settleBase compiles the base. One that has no flags yet is nothing; one that does not compile gives way to the newest state
// before it that does.
func (r *reviewing) settleBase(ctx context.Context) error {
	r.review.Base = Revision{r.Base.Name, r.Base.At.Revision}
	out, err := r.compileOld(ctx, r.Base)
	if err != nil {
		return err
	}
	if out.Err() == nil {
		r.base = out
		return nil
	}
	r.review.BaseBroken = true
	before, err := r.goBack(ctx)
	if err != nil {
		return err
	}
	r.warnOfBase(out, before)
	return nil
}

// compileOld compiles a state before the change; where that has no flags, to nothing.
func (r *reviewing) compileOld(ctx context.Context, side Side) (*compile.Output, error) {
	if side.Tree == nil && side.Output == nil {
		return &compile.Output{}, nil
	}
	out, err := r.compile(ctx, side)
	if errors.Is(err, compile.ErrNotRepository) {
		return &compile.Output{}, nil
	}
	return out, err
}

// goBack takes as base the newest state before it that compiles, and gives its name; "": there is none.
func (r *reviewing) goBack(ctx context.Context) (name string, err error) {
	if r.Earlier == nil {
		return "", nil
	}
	tried := 0
	for side, err := range r.Earlier {
		if err != nil {
			return "", err
		}
		if tried++; tried > mostEarlier {
			break
		}
		out, err := r.compileOld(ctx, side)
		if err != nil {
			return "", err
		}
		if out.Err() == nil {
			r.base, r.review.Base = out, Revision{side.Name, side.At.Revision}
			return side.Name, nil
		}
	}
	return "", nil
}

// warnOfBase says that the base does not compile, and what became of the comparison.
func (r *reviewing) warnOfBase(broken *compile.Output, before string) {
	var first compile.Errors
	errors.As(broken.Err(), &first)
	if before == "" {
		r.warn("read it with care", "%s does not compile (%v), so nobody can tell what this change does, and no policy bounds it", r.Base.Name, first[0])
		return
	}
	r.warn("", "%s does not compile (%v), so this change is compared with %s, the newest commit before it that does", r.Base.Name, first[0], before)
}

// compare fills in the report, where both sides compile.
func (r *reviewing) compare(ctx context.Context) error {
	if r.base == nil || r.new.Snapshots == nil {
		return nil
	}
	policy, err := diff.ReadPolicy(r.base.Project.Policy)
	if err != nil {
		return err
	}
	r.policy = policy
	if r.segments, err = r.base.Segments(); err != nil {
		return err
	}
	report := &diff.Report{Effect: diff.Effect(r.pairs())}
	if report.Environments, err = r.environments(ctx); err != nil {
		return err
	}
	r.review.Report = report
	facts, err := r.facts(ctx)
	if err != nil {
		return err
	}
	if report.Verdicts = diff.Judge(policy, report.Environments, facts); report.Verdicts == nil {
		report.Verdicts = []diff.Verdict{}
	}
	r.review.Refresh = r.refresh()
	return nil
}

// names lists the environments of either side in the author's order, those that go last.
func (r *reviewing) names() []string {
	names := slices.Clone(r.new.Project.Environments)
	for _, name := range r.base.Project.Environments {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (r *reviewing) pairs() map[string][2]*eval.Snapshot {
	pairs := map[string][2]*eval.Snapshot{}
	for _, name := range r.names() {
		pairs[name] = [2]*eval.Snapshot{r.base.Snapshots[name], r.new.Snapshots[name]}
	}
	return pairs
}

// environments compares each, several at a time.
func (r *reviewing) environments(ctx context.Context) ([]diff.Environment, error) {
	names := r.names()
	found := make([]diff.Environment, len(names))
	options := diff.Options{Now: r.Now, Population: r.Population, Choices: choices(r.new.Project.Context), Segments: r.segments}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		group.Go(func() error {
			options := options
			options.Exempt = r.policy.Environments[name].Exempt
			found[i] = diff.Compare(name, r.base.Snapshots[name], r.new.Snapshots[name], options)
			return ctx.Err()
		})
	}
	return found, group.Wait()
}

// choices lists the values that the context lets people choose from, by attribute.
func choices(context folder.Outline) map[string][]string {
	found := map[string][]string{}
	var walk func(above string, o folder.Outline)
	walk = func(above string, o folder.Outline) {
		for name, field := range o.Fields {
			if field.Values != nil {
				found[above+name] = field.Values
			}
			walk(above+name+".", field)
		}
	}
	walk("", context)
	return found
}
