package folder

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// longListTree has one flag, whose rule asks for one of n values.
func longListTree(t testing.TB, n int, attribute, format string) fstest.MapFS {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf(format, i)
	}
	tree := startTree(t)
	tree["flags/segments/beta.cue"] = &fstest.MapFile{Data: []byte("package segments\n\n#beta: [" + strings.Join(values, ", ") + "]\n")}
	tree["flags/team/x.cue"] = &fstest.MapFile{Data: []byte("package flags\n\nimport (\n\t\"flags.local/flags/segments\"\n\t\"flags.local/schema\"\n)\n\n" +
		"flags: x: {description: \"d\", owner: \"o\", kind: \"ops\", environments: production: {rules: [{name: \"r\", " +
		"#when: {" + attribute + ": {schema.#OneOf, #values: segments.#beta}}, serve: \"on\"}], serve: \"off\"}}\n")}
	return tree
}

// TestLongList requires that the time for a long list grows with its length, where alternatives take the square of it.
func TestLongList(t *testing.T) {
	for attribute, format := range map[string]string{"email": `"u%d@corp.example"`, "country": `"A%d"`, "service": `"sha256:%064x"`} {
		least := func(n int) time.Duration {
			tree, best := longListTree(t, n, attribute, format), time.Hour
			for range 3 {
				start := time.Now()
				r := Compile(tree, "flags/team")
				best = min(best, time.Since(start))
				if attribute != "country" && len(r.Flags) != 1 || attribute == "country" && len(r.Errors) != 1 {
					t.Fatalf("%d flags, errors %v", len(r.Flags), r.Errors)
				}
			}
			return best
		}
		short, long := least(300), least(3000)
		if long > 40*short {
			t.Errorf("%s: 300 values take %v, 3,000 take %v", attribute, short, long)
		}
	}
}

// BenchmarkLongList compiles a flag with a list of so many values.
func BenchmarkLongList(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		tree := longListTree(b, n, "email", `"u%d@corp.example"`)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if r := Compile(tree, "flags/team"); len(r.Flags) != 1 {
					b.Fatal(r.Errors)
				}
			}
		})
	}
}
