package compile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
)

// TestHostileFiles has CUE of a few lines that hangs or takes all memory when it is evaluated. Each ends within its
// budget in a refusal at its folder, and takes nothing from the others.
func TestHostileFiles(t *testing.T) {
	const budget = 3 * time.Second
	c := newCompiler(t, compile.Config{Timeout: budget, MemoryLimit: 256 << 20})
	good(t, c, small())
	for name, body := range bombs() {
		t.Run(name, func(t *testing.T) {
			tree := small()
			compiletest.Set(tree, "flags/bomb/bomb.cue", "package flags\n\n"+body)
			start := time.Now()
			out := mustCompile(t, c, tree)
			if took := time.Since(start); took > budget+2*time.Second {
				t.Errorf("took %s", took)
			}
			list := out.Err()
			if list == nil {
				t.Fatal("it compiles")
			}
			for line := range strings.Lines(list.Error()) {
				if !strings.HasPrefix(line, "flags/bomb") {
					t.Errorf("an error elsewhere: %s", line)
				}
			}
			if len(out.Flags) < 5 {
				t.Errorf("only %d flags are left of the others", len(out.Flags))
			}
			t.Logf("%s: %.300s", time.Since(start).Round(time.Millisecond), list)
		})
	}
}

// TestManyHostileFolders has more bombs than workers; no more than a few go off.
func TestManyHostileFolders(t *testing.T) {
	const budget = time.Second
	c, tree := newCompiler(t, compile.Config{Timeout: budget, Workers: 2}), small()
	good(t, c, tree)
	for i := range 12 {
		compiletest.Set(tree, fmt.Sprintf("flags/bomb%02d/bomb.cue", i), "package flags\n\n"+bombs()["laughs in objects"])
	}
	start := time.Now()
	out := mustCompile(t, c, tree)
	if took := time.Since(start); took > 4*budget {
		t.Errorf("took %s", took)
	}
	list := compile.Errors{}
	if !errors.As(out.Err(), &list) || len(list) != 12 || len(out.Flags) != 5 {
		t.Errorf("%d flags are left, and: %v", len(out.Flags), out.Err())
	}
}

// TestHostileSegments has a bomb that every folder would take in.
func TestHostileSegments(t *testing.T) {
	c, tree := newCompiler(t, compile.Config{MemoryLimit: 256 << 20}), compiletest.Tree(12, 1)
	compiletest.Set(tree, "flags/segments/bomb.cue", "package segments\n\n#bomb: "+strings.Repeat("a: ", 60_000)+"1\n")
	out := mustCompile(t, c, tree)
	if err := out.Err(); err == nil || !strings.HasPrefix(err.Error(), "flags/segments: the folder ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line at flags/segments", err)
	}
	if out.Compiled != 2 {
		t.Errorf("%d folders compiled, want the schema and the segments", out.Compiled)
	}
}

// bombs are files without their package clause.
func bombs() map[string]string {
	repeat := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format+"\n", i, i+1)
		}
		return b.String()
	}
	ten := func(ref string) string { return "[" + strings.Repeat(ref+", ", 10) + "]" }
	return map[string]string{
		"laughs": "l0: [1]\n" + repeat(8, "l%[2]d: "+ten("l%[1]d")) + "flags: a: variants: x: l8\n",
		"laughs in objects": `flags: a: {description: "x", owner: "x", kind: "ops", off: "a", environments: {}, variants: {a: #l9}}` + "\n#l0: {x: 1}\n" +
			repeat(9, "#l%[2]d: {a: #l%[1]d, b: #l%[1]d, c: #l%[1]d, d: #l%[1]d, e: #l%[1]d, f: #l%[1]d, g: #l%[1]d, h: #l%[1]d, i: #l%[1]d, j: #l%[1]d}"),
		"strings":        `s0: "aaaaaaaaaaaaaaaaaaaa"` + "\n" + repeat(40, `s%[2]d: "\(s%[1]d)\(s%[1]d)"`),
		"range":          "import \"list\"\nflags: a: variants: x: list.Range(0, 200000000, 1)\n",
		"comprehension":  "import \"list\"\nr: list.Range(0, 1000, 1)\nx: [for a in r for b in r for c in r {a + b + c}]\n",
		"let":            "p: {x: 1}\n" + repeat(16, "#x%[2]d: {let l = {a: #x%[1]d, b: #x%[1]d, c: #x%[1]d & {}}, l}") + "#x0: p\nflags: a: variants: x: #x16\n",
		"definitions":    "#x0: {x: 1}\n" + repeat(16, "#x%[2]d: {a: #x%[1]d, b: #x%[1]d, c: #x%[1]d & {}}") + "flags: a: variants: x: #x16\n",
		"disjunctions":   "x: " + strings.TrimSuffix(strings.Repeat("({a: 1} | {b: 1}) & ", 20), "& ") + "\n",
		"template":       "import \"text/template\"\nx: template.Execute(\"{{range 2000000000}}{{end}}\", {})\n",
		"concat":         "import \"list\"\nx: list.Concat(list.Repeat([list.Range(0, 1000, 1)], 1000000))\n",
		"many fields":    "flags: a: variants: v: {\n" + repeat(12_000, "f%[2]d: 1") + "}\n",
		"conjuncts":      "#a: {x: 1}\nflags: a: variants: v: #a" + strings.Repeat(" & #a", 40_000) + "\n",
		"deep path":      "flags: a: variants: v: " + strings.Repeat("a: ", 60_000) + "1\n",
		"deep nesting":   "flags: a: variants: v: " + strings.Repeat("{a: ", 9_000) + "1" + strings.Repeat("}", 9_000) + "\n",
		"parentheses":    "flags: a: variants: v: " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + "\n",
		"self reference": "#a: {b: #a}\nflags: a: variants: v: #a\n",
		"embed":          "@extern(embed)\nflags: a: variants: v: _ @embed(file=\"../../../etc/passwd\")\n",
		"exec":           "import \"tool/exec\"\nflags: a: variants: v: exec.Run & {cmd: \"id\"}\n",
	}
}
