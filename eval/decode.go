package eval

import (
	"time"
)

// Keys of a flag, and below of its rules, are read strictly where they decide: a key that is not known makes the flag
// unusable rather than more generous. Beside these, unknown keys of a flag are passed over: they are for people.

// flag reads a flag. It returns an error where the part that says what off means is not understood; r.problem holds what
// is not understood anywhere. A flag that is held is off whatever is said of enabled.
func (r *reader) flag(f *Flag) (base error) {
	var enabled error
	r.object(func(key string) {
		switch key {
		case "description":
			f.Description = r.label()
		case "owner":
			f.Owner = r.label()
		case "kind":
			f.Kind = r.label()
		case "expires":
			f.Expires = r.label()
		case "client":
			f.Client, _ = r.any().(bool)
		case "requires":
			f.Requires = r.lists()
		case "targets":
			f.Targets = r.lists()
		case "rules":
			r.list(func() { f.Rules = append(f.Rules, r.rule()) })
		case "held":
			f.Held = r.held()
		case "enabled":
			enabled = r.flagBase(f, key, enabled)
		case "type", "variants", "off":
			base = r.flagBase(f, key, base)
		default:
			if !r.outcome(&f.Outcome, key) {
				r.any()
			}
		}
	})
	if base == nil && f.Held == nil {
		base = enabled
	}
	return base
}

// held reads a hold. Whatever stands there, even null, is one; keys that are not known are for people.
func (r *reader) held() *Held {
	h := &Held{}
	r.object(func(key string) {
		switch key {
		case "id":
			h.ID = r.text()
		case "by":
			h.By = r.text()
		case "reason":
			h.Reason = r.text()
		case "since":
			h.Since = r.time()
		case "until":
			t := r.time()
			h.Until = &t
		default:
			r.any()
		}
	})
	return h
}

// flagBase reads the keys without which not even a disabled flag can answer.
func (r *reader) flagBase(f *Flag, key string, base error) error {
	earlier := r.problem
	r.problem = nil
	switch key {
	case "type":
		f.Type = Type(r.text())
	case "variants":
		f.Variants = map[string]any{}
		r.object(func(name string) { f.Variants[name] = r.any() })
	case "off":
		if r.peek() == 'n' {
			r.word()
			break
		}
		off := r.text()
		f.Off = &off
	case "enabled":
		f.Enabled = r.bool()
	}
	if base == nil {
		base = r.problem
	}
	if earlier != nil {
		r.problem = earlier
	}
	return base
}

func (r *reader) rule() Rule {
	var rule Rule
	r.object(func(key string) {
		switch key {
		case "name":
			rule.Name = r.text()
		case "when":
			c := r.condition()
			rule.When = &c
		case "unless":
			c := r.condition()
			rule.Unless = &c
		case "any":
			if rule.Any = r.conditions(); len(rule.Any) == 0 {
				r.note("want a condition at least")
			}
		case "from":
			t := r.time()
			rule.From = &t
		case "until":
			t := r.time()
			rule.Until = &t
		case "layer":
			rule.Layer = r.layer()
		case "share":
			n := r.whole()
			rule.Share = &n
		case "ramp":
			if r.list(func() { rule.Ramp = append(rule.Ramp, r.step()) }); len(rule.Ramp) == 0 {
				r.note("want a step at least")
			}
		default:
			if !r.outcome(&rule.Outcome, key) {
				r.unknown()
			}
		}
	})
	return rule
}

// outcome reads the value of key if it is one of an outcome's.
func (r *reader) outcome(o *Outcome, key string) bool {
	switch key {
	case "serve":
		o.Serve = r.text()
	case "split":
		o.Split = map[string]int{}
		r.object(func(variant string) { o.Split[variant] = r.whole() })
	case "by":
		o.By = r.text()
	case "salt":
		o.Salt = r.text()
	default:
		return false
	}
	return true
}

func (r *reader) layer() *Layer {
	var l Layer
	r.object(func(key string) {
		switch key {
		case "name":
			l.Name = r.text()
		case "slots":
			n := 0
			r.list(func() {
				if slot := r.whole(); n < len(l.Slots) {
					l.Slots[n] = slot
				}
				n++
			})
			if n != len(l.Slots) {
				r.note("want two numbers")
			}
		default:
			r.unknown()
		}
	})
	return &l
}

func (r *reader) step() Step {
	var s Step
	r.object(func(key string) {
		switch key {
		case "at":
			s.At = r.time()
		case "share":
			s.Share = r.whole()
		default:
			r.unknown()
		}
	})
	return s
}

// lists reads an object of lists of strings.
func (r *reader) lists() map[string][]string {
	m := map[string][]string{}
	r.object(func(key string) {
		m[key] = []string{}
		r.list(func() { m[key] = append(m[key], r.text()) })
	})
	return m
}

func (r *reader) time() time.Time {
	text := r.text()
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		r.note("want a time such as 2026-12-01T09:00:00Z, have %q", text)
	}
	return t
}

// period reads what stands under the form time.
func (r *reader) period() *Period {
	var p Period
	r.object(func(key string) {
		end := &p.After
		switch key {
		case "after":
		case "before":
			end = &p.Before
		default:
			r.unknown()
			return
		}
		t, err := Instant(r.text())
		if err != nil {
			r.note("%w", err)
		}
		*end = &t
	})
	return &p
}

func (r *reader) segment(s *Segment) {
	found := false
	r.object(func(key string) {
		if key != "condition" {
			r.unknown()
			return
		}
		found = true
		s.Condition = r.condition()
	})
	if !found {
		r.note("a segment without a condition")
	}
}

// meta reads the item "meta"; keys that are not known are passed over.
func (r *reader) meta(m *Meta) {
	r.object(func(key string) {
		switch key {
		case "format":
			m.Format = r.whole()
		case "environment":
			m.Environment = r.text()
		case "bucketing":
			m.Bucketing = r.text()
		case "compiler":
			m.Compiler = r.text()
		default:
			r.any()
		}
	})
}

// unknown notes a key that is not known, and passes over its value.
func (r *reader) unknown() {
	r.note("a key that this engine does not know")
	r.any()
}
