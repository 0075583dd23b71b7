package diff

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
)

// variants tells how what the flag can serve differs. Where a value becomes one of another sort, code that reads it breaks,
// and that is told as a change of type.
func (c *comparison) variants() {
	if was, will := c.old.Type, c.now.Type; was != will {
		c.add(TypeChanged, "its values are %s instead of %s: code that asks for %s gets its own default", typeWords[will], typeWords[was], typeWords[was])
	}
	if c.old.Type == eval.Number && c.now.Type == eval.Number && allWhole(c.old) && !allWhole(c.now) {
		c.add(TypeChanged, "its values are no longer all whole numbers: code that asks for whole numbers gets its own default")
	}
	for _, name := range union(c.old.Variants, c.now.Variants) {
		was, old := c.old.Variants[name]
		will, now := c.now.Variants[name]
		switch {
		case !old:
			c.add(VariantAdded, "the variant %q is new: %s", name, valueWords(will))
		case !now:
			c.add(VariantRemoved, "the variant %q is gone; it was %s", name, valueWords(was))
		case reflect.DeepEqual(was, will):
		default:
			c.add(VariantChanged, "the variant %q %s", name, differenceWords(was, will))
			if shape := shapeWords("", was, will); len(shape) > 0 && c.old.Type == c.now.Type {
				c.add(TypeChanged, "in the variant %q %s", name, listed(shape, "and"))
			}
		}
	}
}

// allWhole tells whether code may ask for the flag's values as whole numbers.
func allWhole(f *eval.Flag) bool {
	for _, v := range f.Variants {
		if n, is := number(v).(float64); !is || n != math.Trunc(n) {
			return false
		}
	}
	return true
}

var typeWords = map[eval.Type]string{eval.Boolean: "true or false", eval.String: "texts", eval.Number: "numbers", eval.Object: "objects"}

// differenceWords says how two values differ: of two objects, the fields that do.
func differenceWords(was, will any) string {
	old, ok := was.(map[string]any)
	now, also := will.(map[string]any)
	if !ok || !also {
		return fmt.Sprintf("is %s instead of %s", valueWords(will), valueWords(was))
	}
	const most = 5
	parts := fieldWords("", old, now)
	if more := len(parts) - most; more > 0 {
		parts = append(parts[:most], fmt.Sprintf("%d more differences", more))
	}
	return "has " + listed(parts, "and")
}

func fieldWords(above string, was, will map[string]any) []string {
	var parts []string
	for _, name := range union(was, will) {
		old, had := was[name]
		now, has := will[name]
		older, ok := old.(map[string]any)
		newer, also := now.(map[string]any)
		switch {
		case reflect.DeepEqual(old, now) && had == has:
		case !had:
			parts = append(parts, fmt.Sprintf("%s %s", above+name, valueWords(now)))
		case !has:
			parts = append(parts, fmt.Sprintf("no %s, which was %s", above+name, valueWords(old)))
		case ok && also:
			parts = append(parts, fieldWords(above+name+".", older, newer)...)
		default:
			parts = append(parts, fmt.Sprintf("%s %s instead of %s", above+name, valueWords(now), valueWords(old)))
		}
	}
	return parts
}

// shapeWords says what in a value is of another sort, or gone. What is new in an object breaks nobody.
func shapeWords(path string, was, will any) []string {
	old, now := sortOf(was), sortOf(will)
	if old != now {
		return []string{fmt.Sprintf("%s is %s instead of %s", strings.TrimPrefix(path, "."), now, old)}
	}
	var parts []string
	switch was := was.(type) {
	case map[string]any:
		will := will.(map[string]any)
		for _, name := range sortedKeys(was) {
			if value, has := will[name]; has {
				parts = append(parts, shapeWords(path+"."+name, was[name], value)...)
			} else {
				parts = append(parts, strings.TrimPrefix(path+"."+name, ".")+" is gone")
			}
		}
	case []any:
		will := will.([]any)
		if old, now := elementsOf(was), elementsOf(will); len(was) > 0 && len(will) > 0 && !subset(now, old) {
			parts = append(parts, fmt.Sprintf("%s is a list of %s instead of %s", strings.TrimPrefix(path, "."), listed(now, "and"), listed(old, "and")))
		}
	}
	return parts
}

func sortOf(v any) string {
	switch v.(type) {
	case bool:
		return "true or false"
	case string:
		return "a text"
	case float64:
		return "a number"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	return "null"
}

var plurals = map[string]string{"a text": "texts", "a number": "numbers", "an object": "objects", "a list": "lists"}

// elementsOf gives the sorts of a list's elements, in order.
func elementsOf(list []any) []string {
	sorts := map[string]bool{}
	for _, v := range list {
		sorts[cmp.Or(plurals[sortOf(v)], sortOf(v))] = true
	}
	return slices.Sorted(maps.Keys(sorts))
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}
