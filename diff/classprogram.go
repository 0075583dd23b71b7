package diff

import (
	"maps"
	"slices"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// whole is all of something in thousandths of a percent, as package eval counts.
const whole = 100_000

// answer is what a flag may answer.
type answer struct {
	variant string // "": the caller's own default
	value   any
	// failed says that the flag is not there or cannot be decided; it and what is disabled meet no requirement.
	failed, disabled bool
}

// program is the way in which a flag of a snapshot is decided, with conditions taken apart into atoms.
type program struct {
	fixed    *answer // for everyone; nil: it depends
	off      *answer
	requires []requirement
	targets  []target
	rules    []ruleProgram
	own      outcome
	// clock are the instants, in any order, at which answers may change, those of what it requires included.
	clock []time.Time
}

// size counts what there is to look at, but what it requires.
func (p *program) size() int {
	n := 1 + len(p.targets)
	for i := range p.rules {
		n += 1 + p.rules[i].holds.size()
	}
	return n
}

type programOf struct {
	snapshot *eval.Snapshot
	key      string
}

type requirement struct {
	flag     *program
	variants []string
}

type target struct {
	is     *atom
	answer *answer
}

type ruleProgram struct {
	source       *eval.Rule
	holds        *expr
	layer, share *dimension // nil: there is none
	outcome
}

// outcome serves one answer or deals out several.
type outcome struct {
	serve *answer
	by    *dimension
	parts []part
}

// part is the part of a split that ends before the bucket end.
type part struct {
	end    int
	answer *answer
}

// dimension is one way to hash contexts into buckets: by an attribute, after a text.
type dimension struct {
	index int
	by    *attribute
	text  string
}

// dimension gives the dimension of an attribute of the context and what is hashed before it.
func (s *space) dimension(by, text string) *dimension {
	if by == "" {
		by = eval.TargetingKey
	}
	a := s.attribute(nil, by)
	a.hash()
	for _, d := range s.dimensions {
		if d.by == a && d.text == text {
			return d
		}
	}
	d := &dimension{len(s.dimensions), a, text}
	s.dimensions = append(s.dimensions, d)
	return d
}

// program reads the flag of a key; snapshot may be nil and have none.
func (s *space) program(snapshot *eval.Snapshot, key string) *program {
	of := programOf{snapshot, key}
	if s.programs[of] == nil {
		s.programs[of] = s.readFlag(snapshot, key)
	}
	return s.programs[of]
}

func (s *space) readFlag(snapshot *eval.Snapshot, key string) *program {
	f := flagOf(snapshot, key)
	switch {
	case f == nil:
		return &program{fixed: &answer{failed: true}}
	case s.isBroken(snapshot, key) || !f.Enabled:
		r := snapshot.Decide(key, nil, time.Unix(0, 0)) // the same for all
		return &program{fixed: &answer{variant: r.Variant, value: r.Value, failed: r.Reason == eval.ReasonError, disabled: true}}
	}
	b := builder{s, snapshot, f, &program{}}
	b.build()
	return b.program
}

// builder reads one flag.
type builder struct {
	*space
	snapshot *eval.Snapshot
	flag     *eval.Flag
	program  *program
}

func (b *builder) build() {
	p := b.program
	p.off = &answer{}
	if b.flag.Off != nil {
		p.off = b.answer(*b.flag.Off)
	}
	for _, key := range slices.Sorted(maps.Keys(b.flag.Requires)) {
		required := b.space.program(b.snapshot, key)
		p.requires = append(p.requires, requirement{required, b.flag.Requires[key]})
		p.clock = append(p.clock, required.clock...)
	}
	for _, variant := range slices.Sorted(maps.Keys(b.flag.Targets)) {
		b.target(variant, b.flag.Targets[variant])
	}
	for i := range b.flag.Rules {
		p.rules = append(p.rules, b.rule(&b.flag.Rules[i]))
	}
	p.own = b.outcome(&b.flag.Outcome)
}

func (b *builder) answer(variant string) *answer {
	return &answer{variant: variant, value: b.flag.Variants[variant]}
}

func (b *builder) target(variant string, keys []string) {
	a := b.attribute(nil, eval.TargetingKey)
	a.hash()
	set := make(map[string]bool, len(keys))
	for _, key := range keys {
		set[key], a.named[key] = true, true
	}
	t := &atom{of: a, kind: atomTargets, targets: set}
	for _, known := range a.atoms {
		if known.kind == atomTargets && maps.Equal(known.targets, set) {
			t = known
		}
	}
	if t.key == "" {
		t.key = "targets"
		a.atoms = append(a.atoms, t)
	}
	b.program.targets = append(b.program.targets, target{t, b.answer(variant)})
}

func (b *builder) rule(r *eval.Rule) ruleProgram {
	p := ruleProgram{source: r, outcome: b.outcome(&r.Outcome), holds: b.holds(r)}
	if r.Layer != nil {
		p.layer = b.dimension(r.By, "layer:"+r.Layer.Name+":")
	}
	if r.Share != nil || r.Ramp != nil {
		p.share = b.dimension(r.By, b.salt(&r.Outcome)+":share:")
	}
	for _, t := range []*time.Time{r.From, r.Until} {
		if t != nil {
			b.program.clock = append(b.program.clock, *t)
		}
	}
	for _, step := range r.Ramp {
		b.program.clock = append(b.program.clock, step.At)
	}
	return p
}

// holds is what a rule's conditions ask.
func (b *builder) holds(r *eval.Rule) *expr {
	e := &expr{op: exprAll}
	if r.When != nil {
		e.of = append(e.of, b.expr(b.snapshot, r.When, nil))
	}
	if len(r.Any) > 0 {
		e.of = append(e.of, b.expr(b.snapshot, &eval.Condition{Op: eval.OpAny, Of: r.Any}, nil))
	}
	if r.Unless != nil {
		e.of = append(e.of, not(b.expr(b.snapshot, r.Unless, nil)))
	}
	return e
}

func (b *builder) salt(o *eval.Outcome) string {
	if o.Salt != "" {
		return o.Salt
	}
	return b.flag.Key
}

func (b *builder) outcome(o *eval.Outcome) outcome {
	if o.Split == nil {
		return outcome{serve: b.answer(o.Serve)}
	}
	out, end := outcome{by: b.dimension(o.By, b.salt(o)+":")}, 0
	for _, variant := range slices.Sorted(maps.Keys(o.Split)) {
		if end += o.Split[variant]; o.Split[variant] > 0 {
			out.parts = append(out.parts, part{end, b.answer(variant)})
		}
	}
	return out
}
