package diff

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// family is a sort of strings that conditions read as something else. No string is of two of them.
type family struct {
	op      eval.Op
	pattern string // holds of all of them, and of a few others
	// examples gives strings in each part into which the conditions cut the family.
	examples func(conditions []*eval.Condition) []string
}

var families = []family{
	{eval.OpCIDR, `^[0-9A-Fa-f:.]+$`, addresses},
	{eval.OpVersion, `^[0-9]+[.][0-9]+[.][0-9]+([-+][0-9A-Za-z.+-]+)?$`, versions},
	{eval.OpTime, `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[-+][0-9:]+)$`, instants},
}

// forms adds strings that are read as something else. Where conditions ask of their shape too, each part of the family that has
// no example of a shape is assumed to have one if a string of that shape may be of the family.
func (f *finder) forms() {
	for _, family := range families {
		var atoms []int
		var conditions []*eval.Condition
		for i, t := range f.atoms {
			if t.kind == atomCondition && t.source.Op == family.op {
				atoms, conditions = append(atoms, i), append(conditions, t.source)
			}
		}
		if len(atoms) == 0 {
			continue
		}
		examples := family.examples(conditions)
		for _, text := range examples {
			f.add(text)
		}
		f.cross(atoms, examples, family.pattern)
	}
}

// cross assumes strings of each shape that the atoms answer as for one of the examples, or not at all.
func (f *finder) cross(atoms []int, examples []string, pattern string) {
	_, machines := f.shaped()
	words, all := newAutomaton(append(machines, newPattern(pattern)), f.memory.spend).words(1)
	if !all {
		f.full = true
	}
	vectors := []string{f.vector("no such thing")}
	for _, text := range examples {
		vectors = append(vectors, f.vector(text))
	}
	for _, w := range words {
		own := f.other(f.vector(w.text))
		for i, vector := range vectors {
			if i == 0 || w.vector[len(w.vector)-1] == '1' {
				f.assumeText(overlay(own, vector, atoms))
			}
		}
	}
}

// overlay gives the answers of a vector, but those of the atoms by another.
func overlay(vector, over string, atoms []int) string {
	answers := []byte(vector)
	for _, i := range atoms {
		answers[i] = over[i]
	}
	return string(answers)
}

// addresses gives an address of each family at which a network begins or has just ended.
func addresses(conditions []*eval.Condition) []string {
	texts := []string{"0.0.0.0", "::"}
	for _, c := range conditions {
		p, err := netip.ParsePrefix(c.Text)
		if err != nil {
			continue
		}
		p = p.Masked()
		texts = append(texts, p.Addr().String())
		if after := lastOf(p).Next(); after.IsValid() {
			texts = append(texts, after.String())
		}
	}
	return texts
}

// lastOf gives the last address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}

// versions gives the least version, each bound of the ranges and what comes right after it.
func versions(conditions []*eval.Condition) []string {
	texts := []string{"0.0.0-0"}
	for _, c := range conditions {
		for _, bound := range strings.FieldsFunc(c.Text, func(r rune) bool { return strings.ContainsRune(" |<>=", r) }) {
			texts = append(texts, bound, following(bound))
		}
	}
	return texts
}

// following gives the version that comes right after v, which has no build.
func following(v string) string {
	if strings.Contains(v, "-") {
		return v + ".0"
	}
	dot := strings.LastIndexByte(v, '.')
	patch, ok := new(big.Int).SetString(v[dot+1:], 10)
	if !ok {
		return v
	}
	return v[:dot+1] + patch.Add(patch, big.NewInt(1)).String() + "-0"
}

// instants gives each end of the periods and the instant before it.
func instants(conditions []*eval.Condition) []string {
	texts := []string{"2026-01-01T00:00:00Z"}
	for _, c := range conditions {
		for _, end := range []*time.Time{c.Period.After, c.Period.Before} {
			if end == nil {
				continue
			}
			for _, t := range []time.Time{end.UTC(), end.UTC().Add(-1)} {
				if 0 <= t.Year() && t.Year() <= 9999 {
					texts = append(texts, t.Format(time.RFC3339Nano))
				}
			}
		}
	}
	return texts
}

// folded assumes that strings of each shape are, folded, in each of the lists that are too long for a machine.
func (f *finder) folded() {
	f.members(func(t *atom) bool { return t.source.Op == eval.OpInFold && len(t.source.Values) > fewValues }, func(value string) bool {
		f.add(value)
		f.add(strings.ToUpper(value))
		f.add(" " + value)
		return true
	})
}

// digests assumes that strings of each shape have the digests of which no string is known.
func (f *finder) digests() {
	known := map[string]bool{}
	for _, c := range f.cells {
		for _, v := range c.values {
			if text, is := v.(string); is {
				sum := sha256.Sum256([]byte(text))
				known[hex.EncodeToString(sum[:])] = true
			}
		}
	}
	f.members(func(t *atom) bool { return t.source.Op == eval.OpInSHA256 }, func(value string) bool { return !known[value] })
}

// members assumes that strings of each shape are in each combination of lists in which a value is, for the atoms that are
// such lists and the values that want it.
func (f *finder) members(list func(*atom) bool, wants func(value string) bool) {
	var atoms []int
	in := map[string][]byte{} // by value, the vector of the lists
	for i, t := range f.atoms {
		if t.kind != atomCondition || !list(t) {
			continue
		}
		atoms = append(atoms, i)
		for _, v := range t.source.Values {
			value, _ := v.(string)
			if in[value] == nil {
				in[value] = []byte(strings.Repeat("0", len(f.atoms)))
			}
			in[value][i] = '1'
		}
	}
	if len(atoms) == 0 {
		return
	}
	vectors := map[string]bool{strings.Repeat("0", len(f.atoms)): true} // strings found so far may all be in a list
	for value, vector := range in {
		if wants(value) {
			vectors[string(vector)] = true
		}
	}
	for _, own := range slices.Sorted(maps.Keys(f.open)) {
		for vector := range vectors {
			f.assumeText(overlay(own, vector, atoms))
		}
	}
}
