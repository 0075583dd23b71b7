package render

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
)

func validJSON(t *testing.T, out []byte) {
	t.Helper()
	if !json.Valid(out) || bytes.Contains(out, []byte("##[")) {
		t.Errorf("no JSON, or a command in it: %s", out)
	}
}

func validXML(t *testing.T, out []byte) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(out))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, out)
		}
	}
}

var command = regexp.MustCompile(`^::(error|warning|notice) (file=[^,:]*,(line=\d+,(col=\d+,)?)?)?title=[^,:]*::[^\r\n]*$`)

// onlyCommands demands annotations and nothing else, as a runner would read them.
func onlyCommands(t *testing.T, out []byte) {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSuffix(string(out), "\n"), "\n") {
		if !command.MatchString(line) {
			t.Errorf("not an annotation: %q", line)
		}
	}
}

// noCommands demands that a runner finds nothing to do in a text, in the new form or the old.
func noCommands(t *testing.T, out []byte) {
	t.Helper()
	for line := range strings.SplitSeq(string(out), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") || strings.ContainsAny(line, "\x1b\r\u202e") {
			t.Errorf("a command or an escape: %q", line)
		}
	}
}

// TestSARIF holds the log against the standard's own schema, and against what code scanning demands beyond it.
func TestSARIF(t *testing.T) {
	schema := jsonschema.NewCompiler()
	schema.DefaultDraft(jsonschema.Draft4)
	official, err := schema.Compile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range samples() {
		t.Run(name, func(t *testing.T) {
			out := written(t, SARIF, r, Options{})
			document, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			if err := official.Validate(document); err != nil {
				t.Error(err)
			}
			var log sarifLog
			if err := json.Unmarshal(out, &log); err != nil {
				t.Fatal(err)
			}
			run := log.Runs[0]
			if len(run.Results) != len(Findings(r)) {
				t.Errorf("%d results of %d findings", len(run.Results), len(Findings(r)))
			}
			for _, result := range run.Results {
				if len(result.Locations) == 0 || len(result.Fingerprints) == 0 || result.Index < 0 ||
					run.Tool.Driver.Rules[result.Index].ID != result.Rule {
					t.Errorf("code scanning can't show %+v", result)
				}
			}
		})
	}
}

// TestRules gives each rule of the policy its help.
func TestRules(t *testing.T) {
	for _, name := range []diff.RuleName{
		diff.RuleMaxStep, diff.RuleMinSoak, diff.RuleFreeze, diff.RuleRequireTests, diff.RuleRequireOwner, diff.RuleMaxTargets,
		diff.RuleMaxFlags, diff.RuleMaxAge, diff.RuleDeletion, diff.RuleRebucket, diff.RuleType, diff.RulePolicy,
	} {
		found := sarifOf(Finding{Rule: string(name), Level: Error})
		if found.Index < 0 || rules[found.Index].help == "" {
			t.Errorf("%s has no help", name)
		}
	}
}

// TestFingerprint demands that a finding is known again when its line and figure change, and no other for it.
func TestFingerprint(t *testing.T) {
	f := ofVerdict(stepReport().Verdicts[0])
	moved := f
	moved.Line, moved.Message = 99, "another figure"
	if fingerprint(f) != fingerprint(moved) {
		t.Error("it is another finding on another line")
	}
	moved.At = december
	if fingerprint(f) == fingerprint(moved) {
		t.Error("two boundaries are one finding")
	}
}

// TestAnnotations demands that GitHub shows all annotations there are, and is told of those there is no room for.
func TestAnnotations(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 11, 30} {
		r := &review.Review{}
		for i := range n {
			r.Problems = append(r.Problems, &compile.Error{File: "a.cue", Line: i + 1, Message: "x"})
		}
		out := string(written(t, GitHub, r, Options{}))
		if got := strings.Count(out, "::error "); got != min(n, 10) {
			t.Errorf("%d of %d errors", got, n)
		}
		if told := strings.Contains(out, "more of this level"); told != (n > 10) {
			t.Errorf("with %d errors, said that there are more: %v", n, told)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	if err := Write(io.Discard, "yaml", &review.Review{}, Options{}); err == nil {
		t.Error("it is taken")
	}
}
