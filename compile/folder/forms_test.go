package folder

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/yardarm-io/yardarm/eval"
)

// compileRule compiles one rule, with helpers at the top of its file, and gives it as the engine gets it.
func compileRule(t *testing.T, conditions, top string) (eval.Rule, []*Error) {
	t.Helper()
	source := "package flags\n\nimport (\n\t\"list\"\n\t\"net\"\n\t\"strings\"\n\n\t\"flags.local/flags/segments\"\n\t\"flags.local/schema\"\n)\n\n" +
		"_used: [strings.Contains(\"\"), net.InCIDR(\"::/0\"), list.Contains(1), segments.#staff, schema.#Test]\n" + top + "\n" +
		"flags: x: {description: \"d\", owner: \"o\", kind: \"ops\", environments: production: " +
		"{rules: [{name: \"r\", " + conditions + ", serve: \"on\"}], serve: \"off\"}}\n"
	tree := startTree(t)
	tree["flags/team/x.cue"] = &fstest.MapFile{Data: []byte(source)}
	r := Compile(tree, "flags/team")
	if len(r.Flags) == 0 {
		return eval.Rule{}, r.Errors
	}
	var flag eval.Flag
	if err := json.Unmarshal(r.Flags[0].Environments["production"], &flag); err != nil {
		t.Fatal(err)
	}
	return flag.Rules[0], r.Errors
}

// TestForms pins what each form of a condition becomes.
func TestForms(t *testing.T) {
	for _, test := range []struct{ cue, want string }{
		{`plan: "pro"`, `{"fields":{"plan":{"eq":"pro"}}}`},
		{`age: 18`, `{"fields":{"age":{"eq":18}}}`},
		{`beta: true`, `{"fields":{"beta":{"eq":true}}}`},
		{`plan: "pro" | "team"`, `{"fields":{"plan":{"in":["pro","team"]}}}`},
		{`plan: "pro" | "pro"`, `{"fields":{"plan":{"eq":"pro"}}}`},
		{`plan: ("pro" | "team") & !="pro"`, `{"fields":{"plan":{"all":[{"in":["pro","team"]},{"ne":"pro"}]}}}`},
		{`email: "a" | =~"b" | "c"`, `{"fields":{"email":{"any":[{"in":["a","c"]},{"match":"b"}]}}}`},
		{`country: !="FR"`, `{"fields":{"country":{"ne":"FR"}}}`},
		{`email: !=null`, `{"fields":{"email":{"ne":null}}}`},
		{`age: >=18 & <65`, `{"fields":{"age":{"all":[{"ge":18},{"lt":65}]}}}`},
		{`age: >18, age: <=65`, `{"fields":{"age":{"all":[{"gt":18},{"le":65}]}}}`},
		{`language: <"m"`, `{"fields":{"language":{"lt":"m"}}}`},
		{`email: =~"@corp\\.example$"`, `{"fields":{"email":{"match":"@corp\\.example$"}}}`},
		{`email: !~#"\d"#`, `{"fields":{"email":{"noMatch":"\\d"}}}`},
		{`email: strings.HasPrefix("a")`, `{"fields":{"email":{"prefix":"a"}}}`},
		{`email: strings.HasSuffix("a")`, `{"fields":{"email":{"suffix":"a"}}}`},
		{`email: strings.Contains("a")`, `{"fields":{"email":{"contains":"a"}}}`},
		{`email: string`, `{"fields":{"email":{"type":"string"}}}`},
		{`age: number`, `{"fields":{"age":{"type":"number"}}}`},
		{`age: int`, `{"fields":{"age":{"type":"integer"}}}`},
		{`age: uint8`, `{"fields":{"age":{"all":[{"ge":0},{"le":255},{"type":"integer"}]}}}`},
		{`beta: bool`, `{"fields":{"beta":{"type":"boolean"}}}`},
		{`email: _`, `{"fields":{"email":{"type":"any"}}}`},
		{`email!: "a"`, `{"fields":{"email":{"eq":"a"}}}`},
		{`age?: >=18`, `{"optional":{"age":{"ge":18}}}`},
		{`age?: _|_`, `{"optional":{"age":{"any":[]}}}`},
		{`plan: "pro", age?: >=18`, `{"all":[{"fields":{"plan":{"eq":"pro"}}},{"optional":{"age":{"ge":18}}}]}`},
		{`org: tier: "gold"`, `{"fields":{"org":{"fields":{"tier":{"eq":"gold"}}}}}`},
		{`org: {}`, `{"fields":{"org":{"type":"object"}}}`},
		{`org: {...}`, `{"fields":{"org":{"type":"object"}}}`},
		{`org?: {tier: "gold", seats?: >5}`, `{"optional":{"org":{"all":[{"fields":{"tier":{"eq":"gold"}}},{"optional":{"seats":{"gt":5}}}]}}}`},
		{`segments.#staff`, `{"segment":"staff"}`},
		{`segments.#staff, age: >=18`, `{"all":[{"fields":{"age":{"ge":18}}},{"segment":"staff"}]}`},
		{`{segments.#staff}`, `{"segment":"staff"}`},
		{`_pro`, `{"fields":{"plan":{"eq":"pro"}}}`},
		{`plan: {#paying}, age: {_limit}`, `{"fields":{"age":{"eq":21},"plan":{"in":["pro","team"]}}}`},
		{`#adults`, `{"fields":{"age":{"ge":18}}}`},
		{`_pro, age: _limit`, `{"all":[{"fields":{"age":{"eq":21}}},{"fields":{"plan":{"eq":"pro"}}}]}`},
		{`age: >=_limit`, `{"fields":{"age":{"ge":21}}}`},
		{`plan: #paying`, `{"fields":{"plan":{"in":["pro","team"]}}}`},
		{`ip: net.InCIDR("10.0.0.0/8")`, `{"fields":{"ip":{"cidr":"10.0.0.0/8"}}}`},
		{`ip: net.InCIDR("10.1.2.3/8") | net.InCIDR("2001:DB8:0::/32")`, `{"fields":{"ip":{"any":[{"cidr":"10.0.0.0/8"},{"cidr":"2001:db8::/32"}]}}}`},
		{`roles: list.Contains("admin")`, `{"fields":{"roles":{"has":"admin"}}}`},
		{`roles?: list.Contains("admin") & list.Contains("owner")`, `{"optional":{"roles":{"all":[{"has":"admin"},{"has":"owner"}]}}}`},
		{`roles: list.MatchN(>0, "admin" | "owner")`, `{"fields":{"roles":{"matchN":[{"gt":0},{"in":["admin","owner"]}]}}}`},
		{`roles: list.MatchN(>=1 & <3, strings.HasPrefix("a"))`, `{"fields":{"roles":{"matchN":[{"all":[{"ge":1},{"lt":3}]},{"prefix":"a"}]}}}`},
		{`roles: list.MatchN(0 | 2, _)`, `{"fields":{"roles":{"matchN":[{"in":[0,2]},{"type":"any"}]}}}`},
		{`roles: list.MatchN(0, #paying)`, `{"fields":{"roles":{"matchN":[{"eq":0},{"in":["pro","team"]}]}}}`},
		{`roles: list.MatchN(>0, {schema.#OneOf, #values: ["a"]})`, `{"fields":{"roles":{"matchN":[{"gt":0},{"eq":"a"}]}}}`},
		{`appVersion: {schema.#Version, #range: ">=2.4.0  <3.0.0||=4.0.0"}`, `{"fields":{"appVersion":{"version":">=2.4.0 <3.0.0 || =4.0.0"}}}`},
		{`appVersion: {schema.#Version, #range: ">=2.4.0"} & !="2.5.0"`, `{"fields":{"appVersion":{"all":[{"ne":"2.5.0"},{"version":">=2.4.0"}]}}}`},
		{`appVersion: {schema.#Version, #range: ">=2.4.0"} | "dev"`, `{"fields":{"appVersion":{"any":[{"eq":"dev"},{"version":">=2.4.0"}]}}}`},
		{`appVersion: #modern`, `{"fields":{"appVersion":{"version":">=3.0.0-0"}}}`},
		{`appVersion: {#modern}`, `{"fields":{"appVersion":{"version":">=3.0.0-0"}}}`},
		{`createdAt: {schema.#Time, #after: "2026-12-01T10:00:00+01:00"}`, `{"fields":{"createdAt":{"time":{"after":"2026-12-01T09:00:00Z"}}}}`},
		{`createdAt: {schema.#Time, #before: "2026-12-01T09:00:00.50Z", #after: "2026-01-01T00:00:00Z"}`,
			`{"fields":{"createdAt":{"time":{"after":"2026-01-01T00:00:00Z","before":"2026-12-01T09:00:00.5Z"}}}}`},
		{`email: {schema.#OneOf, #values: ["b", "a", "b"]}`, `{"fields":{"email":{"in":["a","b"]}}}`},
		{`email: {schema.#OneOf, #values: ["a"]} | "c" | {schema.#OneOf, #values: ["b"]}`, `{"fields":{"email":{"in":["a","c","b"]}}}`},
		{`plan: {schema.#OneOf, #values: ["pro", "team"]}`, `{"fields":{"plan":{"in":["pro","team"]}}}`},
		{`age: {schema.#OneOf, #values: [21, 18, 21]}`, `{"fields":{"age":{"in":[18,21]}}}`},
		{`email: {schema.#OneOf, #fold: true, #values: [" Ada@Corp.Example ", "ada@corp.example", "B"]}`, `{"fields":{"email":{"inFold":["ada@corp.example","b"]}}}`},
		{`email: {schema.#OneOf, #fold: false, #values: ["B"]}`, `{"fields":{"email":{"eq":"B"}}}`},
		{`email: {schema.#OneOf, #values: ["sha256:` + strings.Repeat("ab", 32) + `"]}`, `{"fields":{"email":{"inSHA256":["` + strings.Repeat("ab", 32) + `"]}}}`},
		{`email: {schema.#OneOf, #values: ["x", "sha256:` + strings.Repeat("0", 64) + `"]}`,
			`{"fields":{"email":{"any":[{"eq":"x"},{"inSHA256":["` + strings.Repeat("0", 64) + `"]}]}}}`},
		{`email: {schema.#OneOf, #values: _list}`, `{"fields":{"email":{"in":["x","y"]}}}`},
	} {
		rule, problems := compileRule(t, "#when: {"+test.cue+"}",
			"#adults: {age: >=18, ...}\n_pro: plan: \"pro\"\n_limit: 21\n#paying: \"pro\" | \"team\"\n"+
				"#modern: {schema.#Version, #range: \">=3.0.0-0\"}\n_list: [\"y\", \"x\"]\n")
		if len(problems) > 0 {
			t.Errorf("%s: %v", test.cue, problems)
			continue
		}
		if rule.When == nil {
			t.Errorf("%s: no condition", test.cue)
			continue
		}
		line, err := eval.Line("flag x", rule.When)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimPrefix(string(line), "flag x "); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.cue, got, test.want)
		}
	}
}

// TestRules pins what the parts of a rule become.
func TestRules(t *testing.T) {
	for _, test := range []struct{ cue, want string }{
		{`share: 12.5`, `{"name":"r","serve":"on","share":12500}`},
		{`share: 0.001, salt: "x", by: "email"`, `{"by":"email","name":"r","salt":"x","serve":"on","share":1}`},
		{`share: 1e1`, `{"name":"r","serve":"on","share":10000}`},
		{`#when: {}`, `{"name":"r","serve":"on"}`},
		{`#when: segments.#staff & {age: >=18}`, `{"name":"r","serve":"on","when":{"all":[{"fields":{"age":{"ge":18}}},{"segment":"staff"}]}}`},
		{`#when: segments.#staff & segments.#europe`, `{"name":"r","serve":"on","when":{"all":[{"segment":"europe"},{"segment":"staff"}]}}`},
		{`#any: [{age: 1}, segments.#staff]`, `{"any":[{"fields":{"age":{"eq":1}}},{"segment":"staff"}],"name":"r","serve":"on"}`},
		{`#unless: {age: 1}, #when: plan: "pro"`, `{"name":"r","serve":"on","unless":{"fields":{"age":{"eq":1}}},"when":{"fields":{"plan":{"eq":"pro"}}}}`},
	} {
		rule, problems := compileRule(t, test.cue, "")
		if len(problems) > 0 {
			t.Errorf("%s: %v", test.cue, problems)
			continue
		}
		line, err := eval.Line("flag x", rule)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimPrefix(string(line), "flag x "); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.cue, got, test.want)
		}
	}
}

// TestPositions pins the places that a result names besides those of errors.
func TestPositions(t *testing.T) {
	r := Compile(sampleTree(t), "flags/payments")
	text := func(at Position) string {
		source := string(sampleTree(t)[at.File].Data)
		return strings.Split(source, "\n")[at.Line-1][at.Column-1:]
	}
	for _, flag := range r.Flags {
		if got := text(flag.At); !strings.HasPrefix(got, fmt.Sprintf("%q", flag.Key)) {
			t.Errorf("%s stands at %q", flag.Key, got)
		}
		if flag.Expires != "" && !strings.HasPrefix(text(flag.ExpiresAt), fmt.Sprintf("%q", flag.Expires)) {
			t.Errorf("%s expires at %q", flag.Key, text(flag.ExpiresAt))
		}
		for _, require := range flag.Requires {
			if got := text(require.At); !strings.HasPrefix(got, fmt.Sprintf("%q", require.Variant)) {
				t.Errorf("%s requires at %q", flag.Key, got)
			}
		}
	}
	for _, test := range r.Tests {
		if got := text(test.FlagAt); !strings.HasPrefix(got, fmt.Sprintf("%q", test.Flag)) {
			t.Errorf("%s asks for the flag at %q", test.Name, got)
		}
	}
	if len(r.Flags) < 5 || len(r.Tests) < 5 {
		t.Errorf("%d flags and %d tests", len(r.Flags), len(r.Tests))
	}
}
