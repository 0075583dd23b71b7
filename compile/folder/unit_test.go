package folder

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

func TestParseNumber(t *testing.T) {
	for _, test := range []struct {
		text string
		want float64
		ok   bool
	}{
		{"0", 0, true}, {"18", 18, true}, {"18.0", 18, true}, {"1_000", 1000, true}, {"1K", 1000, true}, {"1.5Ki", 1536, true},
		{"0x10", 16, true}, {"0b101", 5, true}, {"0o17", 15, true}, {"1e3", 1000, true}, {"1E-2", 0.01, true}, {".5", 0.5, true},
		{"9007199254740992", 1 << 53, true}, {"9007199254740993", math.MaxFloat64, true}, {"1e300", math.MaxFloat64, true},
		{"9007199254740992.5", math.MaxFloat64, true}, {"9007199254740992.0", 1 << 53, true}, {"4503599627370495.5", 4503599627370495.5, true},
		{"1e100001", 0, false}, {"1e-1000", 0, false}, {"1e-400", 0, false}, {"0e5", 0, true}, {"0.1e0009", 1e8, true},
		{strings.Repeat("9", 500), 0, false},
	} {
		if got, ok := parseNumber(test.text); got != test.want || ok != test.ok {
			t.Errorf("%s is %v, %v, want %v, %v", test.text, got, ok, test.want, test.ok)
		}
	}
}

// FuzzParseNumber requires that what we take for a number is the number that CUE takes it for.
func FuzzParseNumber(f *testing.F) {
	for _, seed := range []string{"1", "1.5Ki", "0x1F", "1e5", "007", "1_0", "1e999", "-1", "1K1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := parser.ParseExpr("", text)
		lit, isLit := x.(*ast.BasicLit)
		if err != nil || !isLit || lit.Value != text || lit.Kind != token.INT && lit.Kind != token.FLOAT {
			return // the parser gives us nothing else
		}
		got, ok := parseNumber(text)
		if !ok || got == math.MaxFloat64 {
			return
		}
		want, err := cuecontext.New().CompileString(text).Float64()
		if err != nil && !strings.Contains(err.Error(), "rounded") || err == nil && want != got {
			t.Errorf("%q is %v here and %v, %v in CUE", text, got, want, err)
		}
	})
}

func TestThousandths(t *testing.T) {
	for _, test := range []struct {
		text string
		want int
		ok   bool
	}{
		{"100", 100_000, true}, {"33.333", 33_333, true}, {"1E+2", 100_000, true}, {"0.001", 1, true}, {"0.0005", 0, false},
		{"12.5000", 12_500, true}, {"33.3333", 0, false}, {"0", 0, true},
	} {
		if got, ok := thousandths(json.Number(test.text)); got != test.want || ok != test.ok {
			t.Errorf("%s is %d, %v, want %d, %v", test.text, got, ok, test.want, test.ok)
		}
	}
	if got := percent(33_333); got != "33.333" {
		t.Errorf("33333 thousandths are written %s", got)
	}
}

func TestNearest(t *testing.T) {
	fields := []string{"description", "owner", "kind", "expires", "off"}
	for word, want := range map[string]string{
		"decription": "description", "Owner": "owner", "onwer": "owner", "of": "off", "xyz": "", "expiry": "expires", "": "",
	} {
		if got := Nearest(word, fields); got != want {
			t.Errorf("%q is near %q, want %q", word, got, want)
		}
	}
}

func TestOverdue(t *testing.T) {
	flag := Flag{Key: "a.b", Expires: "2026-11-22", ExpiresAt: Position{File: "f.cue", Line: 7, Column: 3}}
	if e := flag.Overdue(time.Date(2026, 11, 22, 23, 59, 0, 0, time.UTC)); e != nil {
		t.Errorf("on the day itself: %v", e)
	}
	e := flag.Overdue(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	want := `f.cue:7:3: warning: the flag "a.b" should be gone since 2026-11-22; remove it, or give it more time`
	if e == nil || !e.Warning || e.Error() != want {
		t.Errorf("the day after: %v", e)
	}
	if e := (&Flag{Key: "a.b"}).Overdue(time.Now()); e != nil {
		t.Errorf("without a day: %v", e)
	}
}

func TestErrorText(t *testing.T) {
	for want, e := range map[string]Error{
		"a.cue:1:2: m; h": {File: "a.cue", Line: 1, Column: 2, Message: "m", Hint: "h"},
		"a.cue:1: m":      {File: "a.cue", Line: 1, Message: "m"},
		"a.cue: m":        {File: "a.cue", Message: "m"},
		"m":               {Message: "m"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestReadProjectWithout(t *testing.T) {
	for _, name := range []string{"schema/project.cue", "schema/context.cue"} {
		tree := startTree(t)
		delete(tree, name)
		if _, problems := ReadProject(tree); len(problems) == 0 || problems[0].File != name {
			t.Errorf("without %s: %v", name, problems)
		}
	}
	if _, problems := ReadProject(fstest.MapFS{}); len(problems) == 0 {
		t.Error("nothing at all is no problem")
	}
	if r := Compile(startTree(t), "flags/nowhere"); len(r.Errors) != 1 {
		t.Errorf("a folder that does not exist: %v", r.Errors)
	}
}

// TestSize requires that what is too large is refused before it is read.
func TestSize(t *testing.T) {
	tree := startTree(t)
	tree["flags/team/x.cue"] = &fstest.MapFile{Data: []byte("package flags\n" + strings.Repeat("// long\n", maxFile/8))}
	if r := Compile(tree, "flags/team"); len(r.Errors) != 1 || !strings.Contains(r.Errors[0].Message, "larger than 256 KB") {
		t.Errorf("errors %v", r.Errors)
	}
}

// FuzzCompile requires that whatever stands in a file, compiling ends without a panic and errors stand in files.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		"flags: x: {description: \"d\", owner: \"o\", kind: \"ops\", environments: production: serve: \"on\"}",
		"flags: x: environments: production: rules: [{name: \"r\", #when: {age: >=18} | {plan: \"a\"}}]",
		"flags: x: _x\n_x: x: _x", "#a: #b\n#b: #a\nflags: x: #a", "tests: t: context: org: tier: 3", "flags: [1, 2]", "flags: x: rules: {}",
		"flags: x: {#when: 3}", "flags: x: environments: production: rules: [3, [], {#any: 3}, {#any: [3]}, {#when: _|_}]", "flags: \"\\u0000\": {}",
		"import \"list\"\nflags: x: environments: production: rules: [{#when: a: list.MatchN(1, {b: 1 & 2})}, {#when: a: list.MatchN()}]",
		"import \"flags.local/schema\"\nflags: x: environments: production: rules: [{#when: age: {schema.#OneOf, #values: [_|_]}}, {#when: schema.#Time & 3}]",
		"import \"flags.local/schema\"\n#v: {schema.#Version, #range: #v}\nflags: x: environments: production: rules: [{#when: {appVersion: #v}}]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		tree := startTree(t)
		tree["flags/team/x.cue"] = &fstest.MapFile{Data: []byte("package flags\n\n" + source)}
		for _, e := range Compile(tree, "flags/team").Errors {
			if e.File == "" || e.Message == "" {
				t.Errorf("an error without place or message: %+v", e)
			}
		}
	})
}

// TestFormHint requires that it has nothing to say of what is no definition of a form, and of no place at all.
func TestFormHint(t *testing.T) {
	for _, where := range [][]string{nil, {}, {"flags"}, {"flags", "#when"}, {"0"}, {"rules", "0"}} {
		if hint := formHint(where); hint != "" {
			t.Errorf("%v: %s", where, hint)
		}
	}
}
