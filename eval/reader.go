package eval

import (
	"fmt"
	"strconv"
	"strings"
)

// maxDepth bounds how deep an item's JSON may nest, so that no input exhausts the stack of whoever reads or decides it.
const maxDepth = 64

// reader reads JSON in one pass and keeps two kinds of complaint apart: err, text that is not JSON, which ends the
// reading; and problem, JSON that this engine does not understand, which is passed over so that the rest can be read.
// encoding/json knows only the first kind, and reads custom-made parts twice.
type reader struct {
	data    []byte
	pos     int
	exact   bool     // an integer that a float64 does not hold is no JSON either
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
