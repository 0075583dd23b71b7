package eval

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/semver"
)

// The expression for versions that semver.org suggests, and one for the instants of RFC 3339.
var (
	reVersion = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)` +
		`(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$`)
	reInstant = regexp.MustCompile(`^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)
)

// FuzzVersion compares the reading of versions with the expression of semver.org, and their order with that of Go's modules.
func FuzzVersion(f *testing.F) {
	for _, v := range []string{"1.0.0", "1.0.0-alpha.1", "1.0.0-alpha.beta+x.01", "10.2.3--.-", "1.0.0-0a", "01.0.0", "1.0", "1.0.0-01", "1.0.0+", "v1.0.0", "1.0.0-99999999999999999999.1"} {
		f.Add(v, "1.0.0-alpha")
		f.Add("1.0.0-rc.2", v)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		v, ok := readVersion(a)
		if ok != reVersion.MatchString(a) {
			t.Fatalf("%q is a version: %v", a, ok)
		}
		w, both := readVersion(b)
		if !ok || !both {
			return
		}
		if got, want := v.compare(w), semver.Compare("v"+a, "v"+b); got != want {
			t.Fatalf("%q against %q: %d, want %d", a, b, got, want)
		}
		bound, _, _ := strings.Cut(b, "+")
		for sign, want := range map[string]bool{"<": semver.Compare("v"+a, "v"+b) < 0, ">=": semver.Compare("v"+a, "v"+b) >= 0, "=": semver.Compare("v"+a, "v"+b) == 0} {
			if r, err := readRange(sign + bound); err != nil || r.hasText(a) != want {
				t.Fatalf("%s in %s%s: not %v, %v", a, sign, bound, want, err)
			}
		}
	})
}

// FuzzVersionRange: the usual spelling of a range means the same, and is its own.
func FuzzVersionRange(f *testing.F) {
	for _, r := range []string{">=1.0.0 <2.0.0", "=1.0.0||>3.0.0-rc.1", " <1.0.0", ">=1", "", "||", "> 1.0.0", "<1.0.0 >2.0.0", "<=1.0.0 >=1.0.0", "<1.0.0 =1.0.0"} {
		f.Add(r, "1.0.0")
	}
	f.Fuzz(func(t *testing.T, text, version string) {
		usual, err := VersionRange(text)
		if err != nil {
			return
		}
		read, err := readRange(text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := readRange(usual)
		if err != nil || again.hasText(version) != read.hasText(version) {
			t.Fatalf("%q is usually %q, which is not the same of %q: %v", text, usual, version, err)
		}
		if twice, err := VersionRange(usual); twice != usual || err != nil {
			t.Fatalf("%q becomes %q, %v", usual, twice, err)
		}
	})
}

// TestVersionRangeContradictions names ranges that nothing is in, and their neighbours that something is in.
func TestVersionRangeContradictions(t *testing.T) {
	for text, possible := range map[string]bool{
		"<1.0.0 >2.0.0": false, ">2.0.0 <1.0.0": false, "<1.0.0 >1.0.0": false, "<1.0.0 >=1.0.0": false, "<=1.0.0 >=1.0.0": true,
		"=1.0.0 =2.0.0": false, "=1.0.0 =1.0.0": true, "=1.0.0 <1.0.0": false, "=1.0.0 <2.0.0": true, "=1.0.0 >0.1.0": true,
		">1.0.0 <2.0.0": true, ">1.0.0 >2.0.0": true, "<1.0.0 <2.0.0": true, ">=1.0.0 <3.0.0 =4.0.0": false, "<1.0.0 || >2.0.0": true,
		"=1.0.0 || <1.0.0 >1.0.0": false, ">=1.0.0-rc.1 <1.0.0": true,
	} {
		if _, err := VersionRange(text); (err == nil) != possible {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzInstant compares the reading of instants with time.Parse, which lets more pass than RFC 3339 does.
func FuzzInstant(f *testing.F) {
	for _, s := range []string{"2026-12-01T09:00:00Z", "2026-12-01T09:00:00.123456789123+01:00", "2024-02-29T23:59:59-23:59", "2023-02-29T00:00:00Z",
		"2026-12-01T09:00:00,5Z", "2026-12-01T9:00:00Z", "0000-01-01T00:00:00Z", "0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999999Z", "2026-12-01T09:00:00", "2026-12-01T24:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := readInstant(s)
		want, err := time.Parse(time.RFC3339, s)
		if valid := err == nil && reInstant.MatchString(s) && inCalendar(want.UTC()); ok != valid {
			t.Fatalf("%q is an instant: %v, want %v (%v)", s, ok, valid, err)
		}
		if ok && !got.Equal(want) {
			t.Fatalf("%q is %v, want %v", s, got, want)
		}
	})
}

// FuzzNetwork compares asking for a network with the standard library alone.
func FuzzNetwork(f *testing.F) {
	for _, s := range []string{"10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "2001:db8::1", "1.2.3", "::", "abc.def", "1:2:3:4:5:6:1.2.3.4", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"} {
		f.Add("10.0.0.0/8", s)
		f.Add("::/0", s)
	}
	f.Fuzz(func(t *testing.T, cidr, s string) {
		n, err := newNetwork(cidr)
		prefix, wantErr := netip.ParsePrefix(cidr)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v, %v", cidr, err, wantErr)
		}
		if err != nil {
			return
		}
		address, err := netip.ParseAddr(s)
		if got, want := n.hasText(s), err == nil && prefix.Contains(address); got != want {
			t.Fatalf("%q in %q: %v", s, cidr, got)
		}
		usual, err := Network(cidr)
		if other, err2 := newNetwork(usual); err != nil || err2 != nil || other.hasText(s) != n.hasText(s) {
			t.Fatalf("%q is usually %q, %v, %v", cidr, usual, err, err2)
		}
	})
}

// FuzzFold compares folding with regular expressions, and the sets with a linear scan.
func FuzzFold(f *testing.F) {
	for _, s := range []string{" Ada@X ", "\t\n\v\f\r", "ÀÉ", "\u00a0k", "\u212a", "A B", strings.Repeat("Ab", 200)} {
		f.Add(s, "ada@x")
	}
	space, upper := regexp.MustCompile(`^[\t\n\v\f\r ]+|[\t\n\v\f\r ]+$`), regexp.MustCompile(`[A-Z]`)
	f.Fuzz(func(t *testing.T, s, other string) {
		want := upper.ReplaceAllStringFunc(space.ReplaceAllString(s, ""), strings.ToLower)
		if got := Fold(s); got != want {
			t.Fatalf("%q is folded %q, want %q", s, got, want)
		}
		set, err := newFolded([]any{Fold(other), "x"})
		if err != nil {
			t.Fatal(err)
		}
		if set.hasText(s) != (want == Fold(other) || want == "x") {
			t.Fatalf("%q among %q: %v", s, other, set.hasText(s))
		}
		sums, err := newDigests([]any{hexSum(other), hexSum("x")})
		if err != nil || sums.hasText(s) != (s == other || s == "x") {
			t.Fatalf("%q among the digests of %q: %v", s, other, err)
		}
	})
}
