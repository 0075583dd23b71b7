package folder

import "testing"

// TestPlaces shows where people are sent to mend what a flag does in an environment, or one rule there.
func TestPlaces(t *testing.T) {
	flag := compileEnvironments(t, `staging: like: "production"
production: {
	rules: [
		{name: "a", share: 5, serve: "on"},
		{name: "b", share: 6, serve: "on"},
	]
	serve: "off"
}`)
	for _, test := range []struct {
		environment string
		rule        int
		want        Position
	}{
		{"production", -1, Position{"flags/team/x.cue", 5, 1}},
		{"production", 0, Position{"flags/team/x.cue", 7, 3}},
		{"production", 1, Position{"flags/team/x.cue", 8, 3}},
		{"production", 2, Position{"flags/team/x.cue", 5, 1}},
		{"staging", -1, Position{"flags/team/x.cue", 4, 1}},
		{"staging", 1, Position{"flags/team/x.cue", 8, 3}},
		{"elsewhere", 0, flag.At},
	} {
		if got := flag.In(test.environment, test.rule); got != test.want {
			t.Errorf("rule %d in %s is at %v, want %v", test.rule, test.environment, got, test.want)
		}
	}
}
