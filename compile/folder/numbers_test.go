package folder

import (
	"strings"
	"testing"
	"testing/fstest"
)

// wild are numbers that not every client would read as the same one.
var wild = []string{"9007199254740993", "-9007199254740993", "9_007_199_254_740_993", "0x20000000000001", "0b1" + strings.Repeat("0", 52) + "1",
	"9007199254740993.0", "9007199254740992.5", "-9007199254740992.5", "4503599627370496.25", "0.99999999999999999999", "9.007199254740993e15", "9Pi", "1e22", "1e400", "-1e400", "1e1000", "1e100001", "1E+100001", "1e-400", "1e-100001",
	strings.Repeat("9", 500), "1e" + strings.Repeat("9", 50)}

// numberPlaces are all the places where a number can stand, as @.
var numberPlaces = map[string]string{
	"constant":          `serve: "on", #when: age: @`,
	"bound":             `serve: "on", #when: age: >=@`,
	"alternative":       `serve: "on", #when: age: 18 | @`,
	"optional":          `serve: "on", #when: age?: !=@`,
	"nested":            `serve: "on", #when: org: seats: < @`,
	"one of any":        `serve: "on", #any: [{age: 18}, {age: @}]`,
	"unless":            `serve: "on", #unless: age: @`,
	"long list":         `serve: "on", #when: age: {schema.#OneOf, #values: [18, @]}`,
	"list.Contains":     `serve: "on", #when: roles: list.Contains(@)`,
	"count":             `serve: "on", #when: roles: list.MatchN(< @, "admin")`,
	"element":           `serve: "on", #when: roles: list.MatchN(>0, @)`,
	"share":             `serve: "on", share: @`,
	"slots":             `serve: "on", layer: {name: "l", slots: [0, @]}`,
	"variant":           `serve: "on"}]}, variants: {on: @, off: 1}, _x: {rules: [{name: "x"`,
	"object":            `serve: "on"}]}, variants: {on: {a: [{b: @}]}, off: {}}, _x: {rules: [{name: "x"`,
	"split":             `serve: "on"}], split: {on: @}}, _x: {rules: [{name: "x"`,
	"context of test":   `serve: "on"}]}}, tests: t: {flag: "x", environment: "production", context: age: @, expect: "on", _x: {y: [{name: "x"`,
	"helper":            `serve: "on", #when: #old}]}}, #old: {age: >@, _x: {rules: [{name: "x"`,
	"value of a helper": `serve: "on", #when: age: >=_old}]}}, _old: @, #rest: {a: {rules: [{name: "x"`,
}

// TestNumbers requires that each wild number is refused with advice, wherever it stands.
func TestNumbers(t *testing.T) {
	for place, text := range numberPlaces {
		for _, number := range wild {
			source := "package flags\n\nimport (\n\t\"list\"\n\t\"flags.local/schema\"\n)\n\nflags: x: {description: \"d\", owner: \"o\", kind: \"ops\", environments: production: {serve: \"off\", rules: [{name: \"r\", " +
				strings.Replace(text, "@", number, 1) + "}]}}\n"
			tree := startTree(t)
			tree["flags/team/x.cue"] = &fstest.MapFile{Data: []byte(source)}
			r := Compile(tree, "flags/team")
			found := false
			for _, e := range r.Errors {
				found = found || strings.HasPrefix(e.Message, "the number ") && e.Hint == "write it as a text in quotes"
			}
			if !found || len(r.Flags) > 0 {
				t.Errorf("%s, %.30s: %v", place, number, r.Errors)
			}
		}
	}
}

// TestWideTypes requires that types whose ends are such numbers are refused, and others read.
func TestWideTypes(t *testing.T) {
	for name, wide := range map[string]bool{"int64": true, "uint64": true, "int128": true, "uint128": true, "float64": true, "float32": true,
		"int32": false, "uint32": false, "int8": false, "uint": false, "int": false, "number": false} {
		_, problems := compileRule(t, "#when: {age: "+name+"}", "")
		switch {
		case !wide && len(problems) > 0:
			t.Errorf("%s: %v", name, problems)
		case wide && (len(problems) != 1 || !strings.Contains(problems[0].Message, "beyond 9007199254740992")):
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// TestNumbersInSchema requires that they are refused in the types of attributes too.
func TestNumbersInSchema(t *testing.T) {
	for _, number := range wild {
		tree := startTree(t)
		tree["schema/context.cue"] = &fstest.MapFile{Data: []byte("package schema\n\n#Context: {\n\ttargetingKey?: string\n\tid?: < " + number + "\n}\n")}
		_, problems := ReadProject(tree)
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Message, "the number ") || problems[0].Line != 5 {
			t.Errorf("%.30s: %v", number, problems)
		}
	}
}
