package eval

import (
	"cmp"
	"strings"
)

// version is a semantic version of semver.org 2.0.0. Its numbers stay text, of any size; what it says of its build, which
// has no part in its order, is left out.
type version struct {
	numbers [3]string // major, minor, patch
	pre     string    // the pre-release, such as beta.2; "": a release
}

// readVersion reads a version. It does not allocate.
func readVersion(s string) (v version, ok bool) {
	s, build, hasBuild := strings.Cut(s, "+")
	if hasBuild && !identifiers(build, true) {
		return version{}, false
	}
	s, pre, hasPre := strings.Cut(s, "-")
	if hasPre && !identifiers(pre, false) {
		return version{}, false
	}
	v.pre = pre
	for i := range v.numbers {
		number, rest, more := strings.Cut(s, ".")
		if last := i == len(v.numbers)-1; more == last || !isNumeric(number) || leadingZero(number) {
			return version{}, false
		}
		v.numbers[i], s = number, rest
	}
	return v, true
}

// identifiers reports whether s is a list of identifiers with dots between them; numbers begin with 0 only where zeros may.
func identifiers(s string, zeros bool) bool {
	for more := true; more; {
		var id string
		id, s, more = strings.Cut(s, ".")
		if id == "" || !zeros && isNumeric(id) && leadingZero(id) {
			return false
		}
		for i := range len(id) {
			c := id[i]
			if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return false
			}
		}
	}
	return true
}

func isNumeric(s string) bool { return s != "" && digits(s) == len(s) }

func leadingZero(s string) bool { return len(s) > 1 && s[0] == '0' }

// compare gives a negative number if v comes before w, and a positive one if after.
func (v version) compare(w version) int {
	for i := range v.numbers {
		if c := compareNumeric(v.numbers[i], w.numbers[i]); c != 0 {
			return c
		}
	}
	switch {
	case v.pre == w.pre:
		return 0
	case v.pre == "":
		return 1
	case w.pre == "":
		return -1
	}
	return comparePre(v.pre, w.pre)
}

// compareNumeric compares decimal numbers without leading zeros.
func compareNumeric(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// comparePre compares pre-releases, identifier by identifier: numbers by value and before words, words by their bytes; of
// two of which one begins with the other, the shorter comes first.
func comparePre(a, b string) int {
	for {
		x, restA, moreA := strings.Cut(a, ".")
		y, restB, moreB := strings.Cut(b, ".")
		a, b = restA, restB
		if c := compareIdentifier(x, y); c != 0 {
			return c
		}
		switch {
		case !moreA && !moreB:
			return 0
		case !moreA:
			return -1
		case !moreB:
			return 1
		}
	}
}

func compareIdentifier(a, b string) int {
	switch numericA, numericB := isNumeric(a), isNumeric(b); {
	case numericA && numericB:
		return compareNumeric(a, b)
	case numericA:
		return -1
	case numericB:
		return 1
	}
	return strings.Compare(a, b)
}
