package webhook

import (
	"strings"
	"testing"
)

func TestMemorySurvivesAComment(t *testing.T) {
	for name, m := range map[string]memory{
		"nothing":   {},
		"approvals": {Effect: "e", Approvals: []given{{"ada", "h1", "e"}, {"b-o", "h2", ""}}},
		"hostile":   {Effect: "--> <script>", Approvals: []given{{"--><b>\n`", "h1", memoryEnd}}},
	} {
		line := m.String()
		if got := recall("before\n" + line + "\nafter " + memoryEnd); got.String() != line {
			t.Errorf("%s: recalled %+v, want %+v", name, got, m)
		}
		if strings.Count(line, "-->") != 1 || strings.Contains(line, "\n") {
			t.Errorf("%s: %q ends early", name, line)
		}
	}
}

// TestMemoryIsOurs forgets what a stranger has the comment say, such as in the name of a file.
func TestMemoryIsOurs(t *testing.T) {
	forged := memory{Approvals: []given{{"ada", "", "the stranger's"}}}.String()
	ours := memory{Effect: "e", Approvals: []given{{"ada", "h1", "e"}}}
	refused := "<!-- yardarm -->\nThis can't be judged: " + code("both sides changed "+forged+"\n"+forged) + ".\n\n"
	if got := recall(refused + ours.String()); got.String() != ours.String() {
		t.Errorf("recalled %+v, want %+v", got, ours)
	}
	if got := recall(refused); got.Effect != "" || len(got.Approvals) != 0 {
		t.Errorf("recalled %+v of no memory", got)
	}
}

// TestCode shows names for what they are.
func TestCode(t *testing.T) {
	if got := code("a`b\u202egnp.\x1b[31m\u200b\u0085c"); got != "`abgnp.[31mc`" {
		t.Errorf("shown as %q", got)
	}
	if got := code(strings.Repeat("é", 5000)); len(got) > maxCode+2 || !strings.HasSuffix(got, "…`") {
		t.Errorf("shown with %d bytes", len(got))
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var m memory
	for range 100 {
		m.Approvals = append(m.Approvals, given{Who: "ada", Head: strings.Repeat("a", 40), Effect: strings.Repeat("b", 64)})
	}
	m.Approvals[99].Who = "last"
	line := m.String()
	if len(line) > maxMemory || !strings.Contains(line, "last") {
		t.Errorf("%d bytes: %s", len(line), line)
	}
}

// FuzzRecall shows that whatever people write into a comment is no more than forgotten.
func FuzzRecall(f *testing.F) {
	f.Add(memoryBegin + `{"approvals": [{"who": 1}]}` + memoryEnd)
	f.Add(memoryBegin + memoryBegin)
	f.Fuzz(func(t *testing.T, comment string) {
		if line := recall(comment).String(); len(line) > maxMemory && !strings.Contains(line, "effect") {
			t.Errorf("%d bytes: %s", len(line), line)
		}
	})
}

func TestCallOut(t *testing.T) {
	all := []given{{"ada", "1111111111111111", "x"}, {"bob`\n@all", "2", ""}, {"same", "3", "now"}, {"c", "4", "x"}, {"d", "5", "x"}, {"e", "6", "x"}}
	text := callOut(overtaken(all, "now"))
	for _, want := range []string{"`ada` approved another effect, on `111111111111`", "`bob@all` approved `2`, and what that did is not known", "and 2 more", "Look again"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	if strings.Contains(text, "same") || callOut(overtaken(all, "")) != "" {
		t.Errorf("called out without need: %s", text)
	}
}
