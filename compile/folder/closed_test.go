package folder

import "testing"

// TestClosed requires that what is none of the forms of a condition is refused: what CUE accepts and we cannot read must
// never become a condition that lets everybody in.
func TestClosed(t *testing.T) {
	const top = "_top: 3\n_name: \"age\"\n#closed: {age: 18}\n#loop: {#loop, plan: \"pro\", ...}\n"
	for _, conditions := range []string{
		`#when: {age: ==18}`, `#when: {plan: =="pro" | =="team"}`, `#when: {age: int & ==18}`, `#when: {age: (==18)}`, `#when: {age: _eq}`,
		`#unless: {age: ==18}`, `#any: [{age: ==18}]`, `#when: {org: {seats: ==1}}`, `#when: {age?: ==18}`,
		`#when: segments`, `#when: {segments}`, `#when: strings`, `#when: {email: strings}`, `#when: {org: segments}`, `#any: [segments]`,
		`#when: segments.#staff...`, `#when: {email: strings.HasPrefix}`, `#when: {email: strings.MinRunes(3)}`,
		`#when: {email: strings.HasPrefix("a", "b")}`, `#when: {email: error("x")}`, `#when: {age: and([>3, <5])}`, `#when: {age: or([3, 5])}`,
		`#when: {age: matchN(1, [>3])}`, `#when: {age: len("abc")}`, `#when: close({plan: "pro"})`,
		`#when: {plan: *"pro" | "team"}`, `#when: {age: +5}`, `#when: {age: 3 + 4}`, `#when: {age: 18 == 18}`, `#when: {beta: !true}`,
		`#when: {age: 5 & !=_|_}`, `#when: {age: >"a" | >=null}`, `#when: {beta: !=true}`, `#when: {email: =~3}`, `#when: {age: >int}`,
		`#when: {email: 'abc'}`, `#when: {email: bytes}`, `#when: {age: float}`, `#when: {plan: ["pro"]}`, `#when: {plan: [...string]}`,
		`#when: {plan: "\(_top)"}`, `#when: {plan: {a: "pro"}.a}`, `#when: {age: [18][0]}`, `#when: {plan: "pro"}.plan`,
		`#when: {[string]: string}`, `#when: {plan: "pro", ...string}`, `#when: {plan~X: "pro"}`, `#when: {X=plan: "pro"}`,
		`#when: {if true {plan: "pro"}}`, `#when: {for x in [1] {plan: "pro"}}`, `#when: {let x = 3, age: x}`, `#when: {"\(_name)": 3}`,
		`#when: {plan: "pro", #y: 3}`, `#when: {_x: 3, plan: "pro"}`, `#when: {plan: {"pro", #x: 3}}`, `#whne: {plan: "pro"}`,
		`#when: {plan: "pro"} | {}`, `#when: {plan: "pro"} | _`, `#when: [{plan: "pro"}]`, `#when: "pro"`, `#when: null`, `#when: _|_`, `#when: _top`,
		`#when: {plan: description}`, `#when: {plan: flags.x.owner}`, `#when: #closed`, `#when: #loop`,
		`#when?: {plan: "pro"}`, `#when!: {plan: "pro"}`, `"#when": {plan: "pro"}`, `#any: [...{plan: "pro"}]`, `#any: {plan: "pro"}`,
		`#unless: {}`, `#unless: _`, `#unless: {...}`, `#any: [{}]`, `#any: [{plan: "pro"}, _]`, `#when: segments.staff`,
	} {
		if rule, problems := compileRule(t, conditions, top); len(problems) == 0 {
			t.Errorf("%s is accepted: %+v", conditions, rule)
		}
	}
	if _, problems := compileRule(t, `#when: {age: 18}`, top); len(problems) > 0 { // or all above would be refused for another reason
		t.Errorf("a number is refused: %v", problems)
	}
}
