package diff

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTooMuch compares flags that would take for ever to look at wholly: the comparison ends soon, and says that it is not
// complete.
func TestTooMuch(t *testing.T) {
	list := func(n int, item func(i int) string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = item(i)
		}
		return strings.Join(items, ",")
	}
	partial := func(i int) string {
		return fmt.Sprintf(`{"name":"r%d","serve":"on","share":50000,"salt":"s%[1]d","when":{"fields":{"a%[1]d":{"eq":"x"}}}}`, i)
	}
	pattern := func(i int) string {
		return fmt.Sprintf(`{"name":"r%d","serve":"on","share":1000,"when":{"fields":{"a":{"match":"(a|b)[ab]{%d}a.{%d}$"}}}}`, i, 90+i, 200+i)
	}
	for _, c := range []struct{ name, rules string }{
		{"partial rules", list(40, partial)},
		{"patterns", list(13, pattern)},
		{"prefixes", list(2000, func(i int) string {
			return fmt.Sprintf(`{"name":"r%d","serve":"on","share":1000,"when":{"fields":{"a":{"contains":"k%[1]d"}}}}`, i)
		})},
		{"counts", list(20, func(i int) string {
			return fmt.Sprintf(`{"name":"r%d","serve":"on","share":1000,"when":{"fields":{"a":{"matchN":[{"ge":%d},{"prefix":"p%[1]d"}]}}}}`, i, 1000+i)
		})},
		{"digests", list(14, func(i int) string {
			return fmt.Sprintf(`{"name":"r%d","serve":"on","share":1000,"when":{"fields":{"a":{"all":[{"contains":"k%[1]d"},{"inSHA256":["%064d"]}]}}}}`, i, i)
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := snapshot(t, onOff("f", `"serve":"off"`))
			after := snapshot(t, onOff("f", `"serve":"off","rules":[`+c.rules+`]`))
			start := time.Now()
			step := Compare("e", before, after, Options{Now: testNow}).Flags[0].Steps[0]
			t.Logf("%v, %d classes", time.Since(start), len(step.Classes))
			if !step.Incomplete || step.Moved != 100 || step.Counted != 100 {
				t.Errorf("have %+v", step)
			}
			if c.name != "digests" { // the others take longer
				return
			}
			if off := Compare("e", after, before, Options{Now: testNow}).Flags[0].Steps[0]; off.Counted != 0 {
				t.Errorf("turning it off counts %v", off.Counted)
			}
		})
	}
}

// TestMuch compares flags that are large and still looked at wholly.
func TestMuch(t *testing.T) {
	var rules, equal []string
	for i := range 11 {
		rules = append(rules, fmt.Sprintf(`{"name":"r%d","serve":"on","share":50000,"salt":"s%[1]d","when":{"fields":{"a%[1]d":{"eq":"x"}}}}`, i))
	}
	for i := range 1000 {
		equal = append(equal, fmt.Sprintf(`{"name":"r%d","serve":"on","when":{"fields":{"a":{"eq":"k%[1]d"}}}}`, i))
	}
	for name, rules := range map[string][]string{"partial rules": rules, "constants": equal} {
		before, after := snapshot(t, onOff("f", `"serve":"off"`)), snapshot(t, onOff("f", `"serve":"off","rules":[`+strings.Join(rules, ",")+`]`))
		start := time.Now()
		step := Compare("e", before, after, Options{Now: testNow}).Flags[0].Steps[0]
		t.Logf("%s: %v, %d classes", name, time.Since(start), len(step.Classes))
		if step.Incomplete {
			t.Errorf("%s: incomplete", name)
		}
	}
}
