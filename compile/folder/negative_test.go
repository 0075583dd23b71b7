package folder

import (
	"strings"
	"testing"
	"testing/fstest"
)

// looseRule compiles one rule whose attributes are those of the oracle's test, and gives its condition as the engine gets it.
func looseRule(t *testing.T, condition string) (string, []*Error) {
	t.Helper()
	tree := startTree(t)
	tree["schema/context.cue"] = &fstest.MapFile{Data: []byte(oracleContext)}
	tree["flags/segments/people.cue"] = &fstest.MapFile{Data: []byte("package segments\n\n#debt: {n: -1, ...}\n")}
	tree["flags/team/x.cue"] = &fstest.MapFile{Data: []byte("package flags\n\nimport (\n\t\"list\"\n\t\"flags.local/schema\"\n)\n\n" +
		"_used: [list.Contains(1), schema.#Test]\n_debt: -3\n" +
		"flags: x: {description: \"d\", owner: \"o\", kind: \"ops\", environments: production: " +
		"{rules: [{name: \"r\", #when: {" + condition + "}, serve: \"on\"}], serve: \"off\"}}\n")}
	for _, e := range Compile(tree, "flags/segments").Errors {
		t.Error(e)
	}
	r := Compile(tree, "flags/team")
	if len(r.Flags) == 0 {
		return "", r.Errors
	}
	_, line, _ := strings.Cut(string(r.Flags[0].Environments["production"]), `"when":`)
	return line, r.Errors
}

// TestNegative requires that a number with a minus before it is read wherever a constant is.
func TestNegative(t *testing.T) {
	for _, test := range []struct{ cue, want string }{
		{`n: -1`, `{"fields":{"n":{"eq":-1}}}`},
		{`n: -0`, `{"fields":{"n":{"eq":0}}}`},
		{`n: -0.0`, `{"fields":{"n":{"eq":0}}}`},
		{`n: >-0.0`, `{"fields":{"n":{"gt":0}}}`},
		{`n: (-1)`, `{"fields":{"n":{"eq":-1}}}`},
		{`n: -0.5 | 2`, `{"fields":{"n":{"in":[-0.5,2]}}}`},
		{`n: int & -1`, `{"fields":{"n":{"all":[{"eq":-1},{"type":"integer"}]}}}`},
		{`n: !=-1`, `{"fields":{"n":{"ne":-1}}}`},
		{`n: _debt`, `{"fields":{"n":{"eq":-3}}}`},
		{`n: {_debt}`, `{"fields":{"n":{"eq":-3}}}`},
		{`n: {schema.#OneOf, #values: [-1, 2]}`, `{"fields":{"n":{"in":[-1,2]}}}`},
		{`l: list.MatchN(>0, -1)`, `{"fields":{"l":{"matchN":[{"gt":0},{"eq":-1}]}}}`},
		{`l: list.Contains(-1)`, `{"fields":{"l":{"has":-1}}}`},
	} {
		got, problems := looseRule(t, test.cue)
		if len(problems) > 0 || !strings.HasPrefix(got, test.want) {
			t.Errorf("%s:\ngot  %s %v\nwant %s", test.cue, got, problems, test.want)
		}
	}
	for _, refused := range []string{`n: -(-1)`, `n: -_debt`, `n: -(1 + 2)`, `n: -"a"`} {
		if got, problems := looseRule(t, refused); len(problems) == 0 {
			t.Errorf("%s is %s", refused, got)
		}
	}
}

// refusals counts random rules by the forms of which they are made, and those of them that are refused.
type refusals struct{ asked, refused map[string]int }

func (r refusals) count(rules []ruleOf, compiled map[string]ruleOf, key func(i int) string) {
	for i := range rules {
		_, known := compiled[key(i)]
		for form, used := range rules[i].forms() {
			if used {
				r.asked[form]++
			}
			if used && !known {
				r.refused[form]++
			}
		}
	}
}

// check requires that no form is refused more often than contradictions around it explain.
func (r refusals) check(t *testing.T) {
	for form, asked := range r.asked {
		t.Logf("%-20s %6d rules %6d refused", form, asked, r.refused[form])
		if r.refused[form] > asked*7/10 {
			t.Errorf("%s: %d of %d rules with it are refused, want seven in ten at most", form, r.refused[form], asked)
		}
	}
}
