package eval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deep an item's JSON may nest, so that no input exhausts the stack of whoever reads or decides it.
const maxDepth = 64

// reader reads JSON in one pass and keeps two kinds of complaint apart: err, text that is not JSON, which ends the
// reading; and problem, JSON that this engine does not understand, which is passed over so that the rest can be read.
// encoding/json knows only the first kind, and reads custom-made parts twice.
type reader struct {
	data    []byte
	pos     int
	path    []string // keys and indices from the top down to where pos is
	err     error
	problem error // the first one
}

// fail notes that the text is not JSON.
func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("byte %d: %w", r.pos, fmt.Errorf(format, args...))
	}
	r.pos = len(r.data)
}

// note notes that the value at path is not understood.
func (r *reader) note(format string, args ...any) {
	if r.problem != nil {
		return
	}
	r.problem = fmt.Errorf(format, args...)
	if len(r.path) > 0 {
		r.problem = fmt.Errorf("%s: %w", strings.Join(r.path, "."), r.problem)
	}
}

// unfit notes that something else than want stands here, and passes over it.
func (r *reader) unfit(want string) {
	r.note("want %s", want)
	r.any()
}

// peek gives the next byte that is not white space, without taking it; 0 at the end.
func (r *reader) peek() byte {
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

// take takes the byte c, which has to be the next.
func (r *reader) take(c byte) bool {
	if r.peek() != c {
		r.fail("want %q", c)
		return false
	}
	r.pos++
	return true
}

// end requires that nothing but white space is left, and gives the error of the whole text.
func (r *reader) end() error {
	if r.peek(); r.pos < len(r.data) {
		r.fail("text after the end of the value")
	}
	return r.err
}

// object reads an object; each must read exactly one value.
func (r *reader) object(each func(key string)) {
	if r.peek() != '{' {
		r.unfit("an object")
		return
	}
	r.sequence('}', func(int) {
		if r.peek() != '"' {
			r.fail("want a key in quotes")
			return
		}
		key := r.quoted()
		if r.take(':') {
			r.path = append(r.path, key)
			each(key)
			r.path = r.path[:len(r.path)-1]
		}
	})
}

// list reads a list; each must read exactly one value.
func (r *reader) list(each func()) {
	if r.peek() != '[' {
		r.unfit("a list")
		return
	}
	r.sequence(']', func(i int) {
		r.path = append(r.path, strconv.Itoa(i))
		each()
		r.path = r.path[:len(r.path)-1]
	})
}

// sequence reads what stands between an opening bracket, which is the next byte, and its closing one.
func (r *reader) sequence(closing byte, member func(i int)) {
	if r.pos++; len(r.path) >= maxDepth {
		r.fail("nested deeper than %d levels", maxDepth)
		return
	}
	for i := 0; r.err == nil; i++ {
		if i == 0 && r.peek() == closing || i > 0 && r.peek() != ',' {
			r.take(closing)
			return
		}
		if i > 0 {
			r.pos++
		}
		member(i)
	}
}

// text reads a string.
func (r *reader) text() string {
	if r.peek() != '"' {
		r.unfit("a string")
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
	if word, known := words[string(plain)]; known {
		return word
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
	for _, word := range strings.Fields("any at by client condition description enabled expires from kind layer name off " +
		"owner ramp requires rules salt serve share slots split targets type unless until variants when all contains eq " +
		"fields ge gt in le lt match ne noMatch optional prefix segment suffix on true false boolean string number object " +
		"integer list null release experiment ops permission targetingKey email plan country default") {
		m[word] = word
	}
	return m
}()

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
	return n
}

// any reads whatever value comes: nil, bool, string, float64, []any or map[string]any.
func (r *reader) any() any {
	switch c := r.peek(); {
	case c == '{':
		m := map[string]any{}
		r.object(func(key string) { m[key] = r.any() })
		return m
	case c == '[':
		l := []any{}
		r.list(func() { l = append(l, r.any()) })
		return l
	case c == '"':
		return r.quoted()
	case c == '-' || '0' <= c && c <= '9':
		return r.number()
	}
	return r.word()
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
