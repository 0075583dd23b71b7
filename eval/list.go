package eval

import "reflect"

// hasHolds decides has.
func (t *test) hasHolds(v any) bool {
	n, ok := t.of[0].count(v, 1)
	return ok && n > 0
}

// matchHolds decides matchN.
func (t *test) matchHolds(v any) bool {
	const all = -1
	n, ok := t.of[1].count(v, all)
	return ok && t.of[0].scalarHolds(scalar{kind: kindNumber, num: float64(n)})
}

// count counts the elements of the list v that satisfy t, up to enough of them; ok is false if v is no list. It allocates
// for lists that are neither []any nor []string.
func (t *test) count(v any, enough int) (n int, ok bool) {
	switch list := v.(type) {
	case []any:
		for i := 0; i < len(list) && n != enough; i++ {
			if t.holds(list[i]) {
				n++
			}
		}
		return n, true
	case []string:
		for i := 0; i < len(list) && n != enough; i++ {
			if t.scalarHolds(scalar{kind: kindString, text: list[i]}) {
				n++
			}
		}
		return n, true
	case string, bool, float64, int, map[string]any, nil:
		return 0, false
	}
	list := pointed(reflect.ValueOf(v))
	if k := list.Kind(); k != reflect.Slice && k != reflect.Array {
		return 0, false
	}
	for i := 0; i < list.Len() && n != enough; i++ {
		if t.holds(list.Index(i).Interface()) {
			n++
		}
	}
	return n, true
}
