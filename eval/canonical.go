package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Line gives the item line named name ("meta", "flag KEY" or "segment NAME") for v: a [Flag], [Segment], [Meta], a
// json.RawMessage or whatever else encoding/json writes as an object. The JSON is canonical: keys in order of their bytes,
// no white space, each character as itself unless JSON demands an escape, each number in the shortest form that reads back
// as the same float64. A number that a float64 cannot hold, such as an integer of twenty digits, is an error, since it
// would arrive as another one.
func Line(name string, v any) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write the item %s: %w", name, err)
	}
	r := reader{data: raw, exact: true}
	tree := r.any()
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("write the item %s: %w", name, err)
	}
	if _, ok := tree.(map[string]any); !ok {
		return nil, fmt.Errorf("write the item %s: want an object, have %s", name, raw)
	}
	return appendCanonical(append([]byte(name), ' '), tree), nil
}

// appendCanonical appends the canonical JSON of a value as [reader.any] gives it.
func appendCanonical(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case float64:
		return appendNumber(b, v)
	case string:
		return appendQuoted(b, v)
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendCanonical(b, e)
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, key), ':')
			b = appendCanonical(b, v[key])
		}
		return append(b, '}')
	}
	panic(fmt.Sprintf("eval: %T is no value of JSON", v))
}

// appendNumber writes n as ECMAScript does (and RFC 8785): plain digits below 1e21, the shortest that read back as n.
func appendNumber(b []byte, n float64) []byte {
	if n == 0 {
		return append(b, '0') // minus zero too
	}
	if abs := max(n, -n); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(b, n, 'f', -1, 64)
	}
	text := strconv.FormatFloat(n, 'e', -1, 64)
	return append(b, strings.Replace(text, "e-0", "e-", 1)...)
}

// appendQuoted writes s with the escapes that JSON demands, in their shortest form, and no others.
func appendQuoted(b []byte, s string) []byte {
	const short = "\b\f\n\r\t\"\\"
	b = append(b, '"')
	for i := range len(s) {
		c := s[i]
		switch at := strings.IndexByte(short, c); {
		case at >= 0:
			b = append(b, '\\', `bfnrt"\`[at])
		case c < ' ':
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

var errName = errors.New(`want "meta", "flag KEY" or "segment NAME"`)

// checkName requires that name is the name of an item.
func checkName(name string) error {
	kind, rest, named := strings.Cut(name, " ")
	switch {
	case kind == "meta" && !named:
		return nil
	case !named || kind != "flag" && kind != "segment":
		return fmt.Errorf("the item name %q: %w", name, errName)
	case !isKey(rest):
		return fmt.Errorf("the item name %q: a key is 1 to 100 letters, digits, dots, hyphens and underscores, "+
			"the first of them a letter or digit", name)
	}
	return nil
}

// isKey reports whether s can be a flag key or a segment's name.
func isKey(s string) bool {
	if len(s) == 0 || len(s) > 100 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && (i == 0 || c != '.' && c != '-' && c != '_') {
			return false
		}
	}
	return true
}
