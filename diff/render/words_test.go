package render

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/yardarm-io/yardarm/diff"
)

func TestPercent(t *testing.T) {
	for p, want := range map[float64]string{
		0: "0 %", 100: "100 %", 25: "25 %", 12.5: "12.5 %", 0.001: "0.001 %", 0.0001: "<0.001 %", 99.9999: ">99.999 %",
		33.333333333: "33.333 %", 0.1 + 0.2: "0.3 %",
	} {
		if got := percent(p); got != want {
			t.Errorf("%v is written %s, want %s", p, got, want)
		}
	}
}

// TestBar demands that only nothing looks like nothing, and only all like all.
func TestBar(t *testing.T) {
	for p, want := range map[float64]string{0: "░░░░", 0.0001: "█░░░", 50: "██░░", 99.9999: "███░", 100: "████", 130: "████"} {
		if got := bar(p, 4); got != want {
			t.Errorf("%v is drawn %s, want %s", p, got, want)
		}
	}
}

// TestNarrow demands that no line is wider than the terminal, however narrow and whatever is in it.
func TestNarrow(t *testing.T) {
	for name, r := range samples() {
		for _, width := range []int{60, 72, 80, 133} {
			for line := range strings.Lines(string(written(t, Text, r, Options{Width: width}))) {
				// A flag test's place may be longer than a line, and the escape of a command adds five letters.
				if n := utf8.RuneCountInString(line) - 1; n > width && !strings.Contains(line, `\u00`) {
					t.Errorf("%s at %d: a line of %d: %s", name, width, n, line)
				}
			}
		}
	}
}

// TestUntimed leaves the instant out of a review that has none, so that the same finding is the same text again.
func TestUntimed(t *testing.T) {
	r := samples()["step"]
	r.At = time.Time{}
	for _, format := range []Format{Text, Markdown} {
		if out := string(written(t, format, r, Options{})); strings.Contains(out, "0001") || strings.Contains(out, "as of") {
			t.Errorf("%s says when: %s", format, out)
		}
	}
}

// TestManyGroups shows the first of many, and says how many more there are.
func TestManyGroups(t *testing.T) {
	report := removedReport()
	step := &report.Environments[0].Flags[0].Steps[0]
	step.Classes = nil
	for i := range 100 {
		step.Classes = append(step.Classes, grows("plan is \"pro\"", 0, 50-float64(i)/10))
	}
	for range 10 {
		step.Classes = append(step.Classes, grows("no plan", 0, 50))
	}
	for format, wants := range map[Format][]string{
		Text: {"and 88 more rows of at most 48.8 % each", "or one of 7 more groups"}, Markdown: {"and 60 more rows", "<br>or one of 7 more groups"},
	} {
		for _, want := range wants {
			if out := string(written(t, format, reviewed(report), Options{})); !strings.Contains(out, want) {
				t.Errorf("%s lacks %q:\n%s", format, want, out)
			}
		}
	}
}

// TestSummaryOfMany names no flag where there are several, and not every environment.
func TestSummaryOfMany(t *testing.T) {
	report := &diff.Report{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		e := removedReport().Environments[0]
		e.Name = name
		e.Flags = append(e.Flags, e.Flags[0])
		e.Flags[1].Key = "other"
		report.Environments = append(report.Environments, e)
	}
	want := "Passes. 2 flags move 100 % of everyone in a, 100 % of everyone in b, 100 % of everyone in c and some in 3 more environments."
	if got := Summary(reviewed(report)); got != want {
		t.Errorf("got:  %s\nwant: %s", got, want)
	}
}

// TestWeighedNobody says of a step that moves nobody of the population just that.
func TestWeighedNobody(t *testing.T) {
	report := removedReport()
	step := &report.Environments[0].Flags[0].Steps[0]
	step.Classes, step.Moved = []diff.Class{grows("plan is \"pro\"", 0, 50)}, 0
	step.Classes[0].Weight = new(0.0)
	out := string(written(t, Text, reviewed(report), Options{}))
	for _, want := range []string{"moves nobody of the population in production", "At the merge, nobody of the population moves:"} {
		if !strings.Contains(out, want) {
			t.Errorf("it lacks %q:\n%s", want, out)
		}
	}
}

// TestManyChanges tells the first of many differences, and how many more there are.
func TestManyChanges(t *testing.T) {
	report := removedReport()
	flag := &report.Environments[0].Flags[0]
	flag.Changes = nil
	for range 40 {
		flag.Changes = append(flag.Changes, diff.Change{Kind: diff.RuleAdded, Text: "the rule is new"})
	}
	if lines := told(*flag); len(lines) != 15 || lines[14] != "and 26 more differences" {
		t.Errorf("it tells %d: %q", len(lines), lines)
	}
}

// TestManySteps shows the first of many steps, and the date of the greatest of the others.
func TestManySteps(t *testing.T) {
	report := removedReport()
	flag := &report.Environments[0].Flags[0]
	flag.Steps = nil
	for i := range 100 {
		step := diff.Step{At: time.Date(2027, 1, 1+i, 9, 0, 0, 0, time.UTC), Classes: []diff.Class{grows("no plan", 0, 1)}, Moved: 1}
		if i == 50 {
			step.Classes[0] = grows("no plan", 0, 60)
		}
		flag.Steps = append(flag.Steps, step)
	}
	const want = "And 91 later steps until 2027-04-10 at 09:00 UTC, of which the one on 2027-02-20 at 09:00 UTC moves the most, up to 60 %"
	for _, format := range []Format{Text, Markdown} {
		if out := strings.Join(strings.Fields(string(written(t, format, reviewed(report), Options{}))), " "); !strings.Contains(out, want) {
			t.Errorf("%s lacks %q:\n%s", format, want, out)
		}
	}
}
