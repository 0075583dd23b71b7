package eval

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// text reads a string.
func (r *reader) text() string {
	if r.peek() != '"' {
		r.unfit("a string")
		return ""
	}
	return r.quoted()
}

// label reads a string that nothing is decided by; "" for any other value.
func (r *reader) label() string {
	if r.peek() != '"' {
		r.any()
		return ""
	}
	return r.quoted()
}

// quoted reads a string whose opening quote is the next byte.
func (r *reader) quoted() string {
	start, escaped := r.pos, false
	for r.pos++; r.pos < len(r.data); r.pos++ {
		switch c := r.data[r.pos]; {
		case c == '"':
			r.pos++
			return r.unquote(r.data[start:r.pos], escaped)
		case c == '\\':
			escaped = true
			r.pos++
		case c < ' ':
			r.fail("a control character in a string")
			return ""
		}
	}
	r.fail("a string without an end")
	return ""
}

func (r *reader) unquote(quoted []byte, escaped bool) string {
	plain := quoted[1 : len(quoted)-1]
	if !utf8.Valid(plain) {
		r.fail("a string that is not UTF-8")
		return ""
	}
	if len(plain) <= longestWord {
		if word, known := words[string(plain)]; known {
			return word
		}
	}
	if !escaped {
		return string(plain)
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		r.fail("a string with an unknown escape")
	}
	return s
}

// words are strings that items are full of, so that not each of them is kept anew.
var words = func() map[string]string {
	m := map[string]string{}
	for word := range strings.FieldsSeq("any at by client condition description enabled expires from kind layer name off " +
		"owner ramp requires rules salt serve share slots split targets type unless until variants when all contains eq " +
		"fields ge gt in le lt match ne noMatch optional prefix segment suffix cidr has inFold inSHA256 matchN time version " +
		"after before on true false boolean string number object " +
		"integer list null release experiment ops permission targetingKey email plan country default") {
		m[word] = word
	}
	return m
}()

const longestWord = len("targetingKey")

// bool reads true or false.
func (r *reader) bool() bool {
	if c := r.peek(); c != 't' && c != 'f' {
		r.unfit("true or false")
		return false
	}
	b, _ := r.word().(bool)
	return b
}

// word reads true, false or null.
func (r *reader) word() any {
	rest := r.data[r.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("true")):
		r.pos += 4
		return true
	case bytes.HasPrefix(rest, []byte("false")):
		r.pos += 5
		return false
	case bytes.HasPrefix(rest, []byte("null")):
		r.pos += 4
		return nil
	}
	r.fail("want a value")
	return nil
}

// whole reads an integer that a float64 holds exactly.
func (r *reader) whole() int {
	n, ok := r.any().(float64)
	if !ok || math.Abs(n) >= 1<<53 || n != math.Trunc(n) {
		r.note("want a whole number")
		return 0
	}
	return int(n)
}

// number reads a number.
func (r *reader) number() float64 {
	start := r.pos
	for r.pos < len(r.data) && strings.IndexByte("+-.0123456789eE", r.data[r.pos]) >= 0 {
		r.pos++
	}
	literal := string(r.data[start:r.pos])
	if !isNumber(literal) {
		r.fail("%q is not a number", literal)
		return 0
	}
	n, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		r.fail("the number %s is too large", literal)
	}
	if r.exact && !strings.ContainsAny(literal, ".eE") && strconv.FormatFloat(n, 'f', 0, 64) != literal {
		r.fail("the number %s has more digits than a float64 holds; write it as a string", literal)
	}
	return n
}

// scalar reads null, a boolean, a string or a number.
func (r *reader) scalar() any {
	if c := r.peek(); c == '{' || c == '[' {
		r.unfit("null, a boolean, a string or a number")
		return nil
	}
	return r.any()
}

// isNumber reports whether s is a number as JSON writes it.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	if s = s[whole:]; strings.HasPrefix(s, ".") {
		n := digits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if s == "" {
		return true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	if s = s[1:]; s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return s != "" && digits(s) == len(s)
}

// digits counts the decimal digits that s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}
