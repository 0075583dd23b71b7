package eval

import (
	"errors"
	"fmt"
	"strings"
)

// versionRange is a list of alternatives, of one of which all bounds must hold.
type versionRange [][]versionBound

// versionBound is a version and the outcomes of comparing with it that will do.
type versionBound struct {
	sign    sign
	version version
	text    string
}

var versionSigns = []struct {
	text string
	sign sign
}{{"<=", less | same}, {">=", more | same}, {"<", less}, {">", more}, {"=", same}}

// readRange reads comparators with spaces between them, and || between alternatives.
func readRange(text string) (versionRange, error) {
	var all versionRange
	for alternative := range strings.SplitSeq(text, "||") {
		var bounds []versionBound
		for comparator := range strings.FieldsFuncSeq(alternative, func(r rune) bool { return r == ' ' }) {
			b, err := readBound(comparator)
			if err != nil {
				return nil, fmt.Errorf("the range of versions %q: %w", text, err)
			}
			bounds = append(bounds, b)
		}
		if len(bounds) == 0 {
			return nil, fmt.Errorf("the range of versions %q: %w", text, errNoBound)
		}
		all = append(all, bounds)
	}
	return all, nil
}

var errNoBound = errors.New("an alternative is empty; write comparisons such as >=2.4.0 <3.0.0, and || between alternatives")

func readBound(text string) (versionBound, error) {
	for _, s := range versionSigns {
		rest, found := strings.CutPrefix(text, s.text)
		if !found {
			continue
		}
		v, ok := readVersion(rest)
		switch {
		case rest == "":
			return versionBound{}, fmt.Errorf("nothing follows %s; write it without a space, as in >=2.4.0", text)
		case !ok:
			return versionBound{}, fmt.Errorf("%q is no version; write three numbers, as in %s", rest, s.text+completed(rest))
		case strings.Contains(rest, "+"):
			return versionBound{}, fmt.Errorf("versions are not compared by their build; write %s", s.text+completed(rest))
		}
		return versionBound{s.sign, v, text}, nil
	}
	if _, ok := readVersion(text); ok {
		return versionBound{}, fmt.Errorf("%q is no comparison; write =%[1]s", text)
	}
	return versionBound{}, fmt.Errorf("%q is no comparison; write one of < <= > >= = and a version, as in >=2.4.0", text)
}

// completed guesses the version that was meant.
func completed(s string) string {
	s, _, _ = strings.Cut(strings.TrimPrefix(s, "v"), "+")
	for range 2 {
		if _, ok := readVersion(s); ok {
			return s
		}
		s += ".0"
	}
	if _, ok := readVersion(s); ok {
		return s
	}
	return "2.4.0"
}

// hasText reports whether s is a version in the range.
func (r versionRange) hasText(s string) bool {
	v, ok := readVersion(s)
	if !ok {
		return false
	}
	for _, bounds := range r {
		if allHold(bounds, v) {
			return true
		}
	}
	return false
}

func allHold(bounds []versionBound, v version) bool {
	for i := range bounds {
		if outcomeOf(v.compare(bounds[i].version))&bounds[i].sign == 0 {
			return false
		}
	}
	return true
}

// outcomeOf gives the sign of a comparison's result.
func outcomeOf(c int) sign { return compare(float64(c), 0) }

// VersionRange gives the usual spelling of a range of versions: comparisons such as >=2.4.0 with a space between those that
// must all hold, and " || " between alternatives. The error says what is wrong with it, or that no version can be in it.
func VersionRange(text string) (string, error) {
	r, err := readRange(text)
	if err != nil {
		return "", err
	}
	alternatives := make([]string, len(r))
	for i, bounds := range r {
		parts := make([]string, len(bounds))
		for j, b := range bounds {
			parts[j] = b.text
			for _, earlier := range bounds[:j] {
				if !b.meets(earlier) {
					return "", fmt.Errorf("the range of versions %q: no version is both %s and %s; write || between alternatives",
						text, earlier.text, b.text)
				}
			}
		}
		alternatives[i] = strings.Join(parts, " ")
	}
	return strings.Join(alternatives, " || "), nil
}

// meets reports whether some version, taking it that between two there is always another, is in both bounds.
func (b versionBound) meets(c versionBound) bool {
	switch order := b.version.compare(c.version); {
	case order < 0:
		return b.sign&more != 0 || c.sign&less != 0
	case order > 0:
		return c.meets(b)
	}
	return b.sign&c.sign != 0
}
