package folder

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// Texts that the forms of the schema and net.InCIDR are asked of. Some only look like what they are not.
var (
	versions = []string{"1.0.0", "2.4.0-rc", "2.4.0-rc.1", "2.4.0-rc.2", "2.4.0-rc.10", "2.4.0-rc.1.x", "2.4.0", "2.4.0+build.7", "2.10.0",
		"3.0.0-0", "3.0.0", "10.0.0", "2.4", "v2.4.0", "02.4.0", "2.4.0-01", "2.4.0-", "2.4.0.0"}
	instants = []string{"2000-01-01T00:00:00Z", "2026-12-01T08:59:59.999999999Z", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00+01:00",
		"2026-12-01T09:00:00.000000001Z", "2026-12-31T23:30:00-00:45", "2027-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
		"2026-12-01", "2026-02-30T00:00:00Z", "2026-12-01T24:00:00Z", "2026-12-01 09:00:00Z", "2026-12-01T09:00:00"}
	addresses = []string{"10.0.0.1", "10.200.255.255", "11.0.0.1", "192.0.2.7", "::ffff:10.0.0.1", "2001:db8::1", "2001:DB8:0:0::1",
		"2001:db9::1", "fe80::1%eth0", "::1", "10.0.0", "010.0.0.1", "10.0.0.1/8"}
	networks = []string{"10.0.0.0/8", "10.1.2.3/9", "192.0.2.7/32", "0.0.0.0/0", "2001:db8::/32", "::/0", "::ffff:10.0.0.0/104"}
	people   = []string{"ada@x", "Ada@X", " ada@x", "ADA@x\n", "ada@x.", "grace@x", "GRACE@X\t", "\u00a0ada@x", "\u212a", "K", "k"}
)

// among writes the texts for which a form holds as an expression that matches them alone, so that CUE can decide it within
// whatever stands around it. Were they alternatives, CUE would find more contradictions than there are in what the author
// wrote.
func among(holds func(text string) bool) string {
	var found []string
	for _, text := range slices.Concat(texts, versions, instants, addresses, people) {
		if holds(text) {
			found = append(found, regexp.QuoteMeta(text))
		}
	}
	if found == nil {
		return `=~"a^"` // nothing
	}
	return "=~" + quoted("^(?:"+strings.Join(found, "|")+")$")
}

// formOfText makes a leaf about a text that is read as something else.
func (g generator) formOfText() *constraint {
	switch g.IntN(6) {
	case 0:
		network := quoted(one(g, networks))
		// CUE also takes a list of 4 or 16 bytes for an address, and the engine does not; no list here is as long.
		return &constraint{form: "net.InCIDR", text: "net.InCIDR(" + network + ")", likely: anys(addresses)}
	case 1:
		return g.version()
	case 2:
		return g.time()
	}
	return g.oneOf()
}

func anys(texts []string) []any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}

func (g generator) version() *constraint {
	valid := slices.DeleteFunc(slices.Clone(versions), func(v string) bool { return !isVersion(v) || strings.Contains(v, "+") })
	low, high := one(g, valid), one(g, valid)
	if semver.Compare("v"+low, "v"+high) > 0 {
		low, high = high, low
	}
	bounds := fmt.Sprintf(one(g, []string{">=%s", ">%s", "<%[2]s", "<=%[2]s", ">=%s <=%s", "=%s || =%s", "<%s || >%s", ">=%s  <=%s||=1.0.0"}), low, high)
	bounds, _, _ = strings.Cut(bounds, "%!")
	return &constraint{form: "#Version", text: fmt.Sprintf("{schema.#Version, #range: %s}", quoted(bounds)), likely: anys(versions),
		inCUE: among(func(text string) bool { return inRange(text, bounds) })}
}

// The expression that semver.org suggests.
var reVersion = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)` +
	`(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$`)

func isVersion(text string) bool { return reVersion.MatchString(text) }

// inRange decides #Version by means of others: the expression of semver.org and the comparison of Go's modules.
func inRange(text, bounds string) bool {
	if !isVersion(text) {
		return false
	}
	return slices.ContainsFunc(strings.Split(bounds, "||"), func(alternative string) bool {
		for bound := range strings.FieldsSeq(alternative) {
			version := strings.TrimLeft(bound, "<>=")
			c := semver.Compare("v"+text, "v"+version)
			if !map[string]bool{"<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0, "=": c == 0}[strings.TrimSuffix(bound, version)] {
				return false
			}
		}
		return true
	})
}

func (g generator) time() *constraint {
	valid := slices.DeleteFunc(slices.Clone(instants), func(text string) bool { return !isInstant(text) })
	after, before := one(g, valid), one(g, valid)
	if instant(after).After(instant(before)) {
		after, before = before, after
	}
	switch g.IntN(3) {
	case 0:
		after = ""
	case 1:
		before = ""
	}
	text := "schema.#Time"
	if after != "" {
		text += ", #after: " + quoted(after)
	}
	if before != "" {
		text += ", #before: " + quoted(before)
	}
	return &constraint{form: "#Time", text: "{" + text + "}", likely: anys(instants), inCUE: among(func(text string) bool {
		return isInstant(text) && (after == "" || !instant(text).Before(instant(after))) && (before == "" || instant(text).Before(instant(before)))
	})}
}

func isInstant(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}

func instant(text string) time.Time {
	t, _ := time.Parse(time.RFC3339, text) // isInstant has looked at it
	return t
}

func (g generator) oneOf() *constraint {
	from := one(g, [][]string{people, people, texts, versions})
	values := []string{one(g, from), one(g, from), one(g, from)}[:1+g.IntN(3)]
	leaf := func(form, format string, values []string, inCUE string) *constraint {
		return &constraint{form: form, text: fmt.Sprintf(format, quoted(values)), likely: anys(from), inCUE: inCUE}
	}
	switch g.IntN(3) {
	case 0:
		return leaf("#OneOf", "{schema.#OneOf, #values: %s}", values, among(func(text string) bool { return slices.Contains(values, text) }))
	case 1:
		return leaf("#OneOf #fold", "{schema.#OneOf, #fold: true, #values: %s}", values, inAnyCase(values))
	}
	mixed := slices.Clone(values)
	for i, value := range mixed {
		if i == 0 || g.IntN(2) == 0 {
			sum := sha256.Sum256([]byte(value))
			mixed[i] = "sha256:" + hex.EncodeToString(sum[:])
		}
	}
	return leaf("#OneOf sha256", "{schema.#OneOf, #values: %s}", mixed, among(func(text string) bool { return slices.Contains(values, text) }))
}

// inAnyCase writes what texts mean under #fold as a regular expression of CUE.
func inAnyCase(values []string) string {
	const space = `[ \t\n\v\f\r]*`
	patterns := make([]string, len(values))
	for i, value := range values {
		var b strings.Builder
		for _, r := range strings.Trim(value, " \t\n\v\f\r") {
			lower, upper := r, r
			if r < 0x80 {
				lower, upper = []rune(strings.ToLower(string(r)))[0], []rune(strings.ToUpper(string(r)))[0]
			}
			b.WriteString("(?:" + regexp.QuoteMeta(string(lower)) + "|" + regexp.QuoteMeta(string(upper)) + ")")
		}
		patterns[i] = b.String()
	}
	return "=~" + quoted("^"+space+"(?:"+strings.Join(patterns, "|")+")"+space+"$")
}

// list makes a leaf about a list.
func (g generator) list(depth int) *constraint {
	if g.IntN(3) == 0 {
		v := one(g, []any{"a", "ab", "", 18.0, 18.5, 3.0, true, nil})
		return &constraint{form: "list.Contains", text: "list.Contains(" + quoted(v) + ")",
			likely: []any{[]any{v}, []any{"x", v}, []any{v, v, "a"}, []any{}, []any{"x", 18.0}}}
	}
	element := g.element(depth)
	n := g.IntN(3)
	count := one(g, []string{fmt.Sprint(n), fmt.Sprintf(">=%d", n), ">0", fmt.Sprintf("<=%d", n), fmt.Sprintf("!=%d", n), "(0 | 2)", "(>=1 & <3)", "int"})
	c := &constraint{form: "list.MatchN", parts: []*constraint{{form: "count", text: count}, element}}
	for range 4 {
		c.likely = append(c.likely, g.elements(element))
	}
	return c
}

// element makes a condition on the elements of a list.
func (g generator) element(depth int) *constraint {
	if depth < 2 && g.IntN(4) == 0 {
		c := g.block(depth + 1)
		c.form = "nested in a list"
		return c
	}
	return g.value("x", depth+1)
}

// elements makes a list of which some elements may satisfy a constraint.
func (g generator) elements(c *constraint) []any {
	list := make([]any, g.IntN(4))
	for i := range list {
		switch {
		case c.fields != nil:
			object := map[string]any{}
			g.fill(object, c)
			list[i] = object
		case len(c.likely) > 0 && g.IntN(5) > 0:
			list[i] = one(g, c.likely)
		default:
			list[i] = g.odd()
		}
	}
	return list
}
