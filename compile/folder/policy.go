package folder

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"cuelang.org/go/cue"
)

// writtenPolicy is a policy as the author wrote it, once CUE finds nothing wrong with it.
type writtenPolicy struct {
	Environments map[string]writtenGuard   `json:"environments"`
	MaxFlags     map[string]map[string]int `json:"maxFlags"`
	MaxAge       map[string]string         `json:"maxAge"`
	Approvers    []string                  `json:"approvers"`
}

type writtenGuard struct {
	MaxStep      *json.Number    `json:"maxStep"`
	MinSoak      string          `json:"minSoak"`
	Freeze       []writtenFreeze `json:"freeze"`
	RequireTests bool            `json:"requireTests"`
	RequireOwner bool            `json:"requireOwner"`
	MaxTargets   *int            `json:"maxTargets"`
	Exempt       []string        `json:"exempt"`
}

type writtenFreeze struct {
	Name  string `json:"name"`
	From  string `json:"from"`
	Until string `json:"until"`
}

// policy, guard and freeze are these as package diff reads them: times in minutes and hours, instants in UTC.
type policy struct {
	Environments map[string]guard          `json:"environments,omitempty"`
	MaxFlags     map[string]map[string]int `json:"maxFlags,omitempty"`
	MaxAge       map[string]int            `json:"maxAge,omitempty"`
	Approvers    []string                  `json:"approvers,omitempty"`
}

type guard struct {
	MaxStep      *float64 `json:"maxStep,omitempty"`
	MinSoak      int      `json:"minSoak,omitempty"`
	Freeze       []freeze `json:"freeze,omitempty"`
	RequireTests bool     `json:"requireTests,omitempty"`
	RequireOwner bool     `json:"requireOwner,omitempty"`
	MaxTargets   *int     `json:"maxTargets,omitempty"`
	Exempt       []string `json:"exempt,omitempty"`
}

type freeze struct {
	Name  string    `json:"name"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

var kinds = []string{"release", "experiment", "ops", "permission"}

// checkPolicy reads what the project allows a change to do, if it says anything.
func (r *reader) checkPolicy(v cue.Value) {
	if !v.Exists() {
		return
	}
	if err := v.Validate(cue.Concrete(true)); err != nil {
		r.problems.addCUE(toErrors(err), nil)
		return
	}
	text, err := v.MarshalJSON()
	if err != nil {
		r.problems.addCUE(toErrors(err), nil)
		return
	}
	var written writtenPolicy
	if err := json.Unmarshal(text, &written); err != nil {
		path := []string{"project", "policy"}
		r.problems.add(r.problems.index.labelAt(path...), path, "", "the policy cannot be read: %s", err)
		return
	}
	r.readPolicy(&written)
}

func (r *reader) readPolicy(written *writtenPolicy) {
	p := policy{MaxFlags: written.MaxFlags, Approvers: written.Approvers}
	for _, name := range slices.Sorted(maps.Keys(written.Environments)) {
		path := []string{"project", "policy", "environments", name}
		if !slices.Contains(r.project.Environments, name) {
			r.problems.add(r.problems.index.labelAt(path...), path, didYouMean(name, r.project.Environments), "there is no environment %s", quote(name))
		}
		if p.Environments == nil {
			p.Environments = map[string]guard{}
		}
		p.Environments[name] = r.readGuard(path, written.Environments[name])
	}
	for _, owner := range slices.Sorted(maps.Keys(written.MaxFlags)) {
		r.checkKinds([]string{"project", "policy", "maxFlags", owner}, maps.Keys(written.MaxFlags[owner]), append([]string{"*"}, kinds...))
	}
	r.checkKinds([]string{"project", "policy", "maxAge"}, maps.Keys(written.MaxAge), kinds)
	for _, kind := range slices.Sorted(maps.Keys(written.MaxAge)) {
		if p.MaxAge == nil {
			p.MaxAge = map[string]int{}
		}
		p.MaxAge[kind] = int(duration(written.MaxAge[kind]) / time.Hour)
	}
	raw, err := json.Marshal(p)
	if err != nil {
		panic(err) // it is plain data
	}
	r.project.Policy = raw
}

// checkKinds requires that names, which stand at path, are kinds of flag.
func (r *reader) checkKinds(path []string, names iter.Seq[string], known []string) {
	for _, kind := range slices.Sorted(names) {
		if !slices.Contains(known, kind) {
			at := append(slices.Clone(path), kind)
			r.problems.add(r.problems.index.labelAt(at...), at, didYouMean(kind, known), "there is no kind %s of flags", quote(kind))
		}
	}
}

func (r *reader) readGuard(path []string, w writtenGuard) guard {
	g := guard{
		MinSoak: int(duration(w.MinSoak) / time.Minute), RequireTests: w.RequireTests, RequireOwner: w.RequireOwner, MaxTargets: w.MaxTargets, Exempt: w.Exempt,
	}
	at := func(steps ...string) []string { return append(slices.Clone(path), steps...) }
	if w.MaxStep != nil {
		step, _ := w.MaxStep.Float64() // CUE has checked it
		g.MaxStep = &step
		if _, ok := thousandths(*w.MaxStep); !ok {
			r.problems.add(r.problems.index.valueAt(at("maxStep")...), at("maxStep"), "", "%s has more than three decimals", *w.MaxStep)
		}
	}
	for i, f := range w.Freeze {
		g.Freeze = append(g.Freeze, r.readFreeze(at("freeze", strconv.Itoa(i)), f))
	}
	for i, name := range w.Exempt {
		where := at("exempt", strconv.Itoa(i))
		r.project.Exempt = append(r.project.Exempt, Mention{Segment: name, Path: pathString(where), At: r.problems.index.valueAt(where...)})
	}
	return g
}

func (r *reader) readFreeze(path []string, w writtenFreeze) freeze {
	f := freeze{Name: w.Name}
	from, until := append(slices.Clone(path), "from"), append(slices.Clone(path), "until")
	begin, end := r.instant(w.From, from), r.instant(w.Until, until)
	if begin == nil || end == nil {
		return f
	}
	if !begin.Before(*end) {
		r.problems.add(r.problems.index.valueAt(until...), until, "", "the freeze %s would end before it begins", quote(w.Name))
	}
	f.From, f.Until = *begin, *end
	return f
}

// duration reads a time such as 30m, 24h or 3d, of the form that the schema demands; 0 for "".
func duration(text string) time.Duration {
	if text == "" {
		return 0
	}
	last := len(text) - 1
	n, err := strconv.Atoi(text[:last])
	if err != nil {
		panic(fmt.Sprintf("the schema lets the time %q pass", text))
	}
	return time.Duration(n) * map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[text[last]]
}
