package eval

import (
	"os"
	"strings"
	"testing"
)

// TestDocument holds docs/evaluation.md to its examples and to the forms and reasons that there are.
func TestDocument(t *testing.T) {
	data, err := os.ReadFile("../docs/evaluation.md")
	if err != nil {
		t.Fatal(err)
	}
	document := string(data)
	var lines []string
	for line := range strings.Lines(document) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "meta {") || strings.HasPrefix(line, "flag ") || strings.HasPrefix(line, "segment ") {
			lines = append(lines, line)
		}
	}
	s, err := New(At{}, toLines(lines), nil)
	if err != nil {
		t.Fatalf("the items of the document: %v", err)
	}
	if got := s.Decide("checkout.payment", nil, benchNow); got.Value != true || got.Reason != ReasonStatic {
		t.Errorf("checkout.payment answers %v", got)
	}
	for _, op := range []Op{OpFields, OpOptional, OpAll, OpAny, OpSegment, OpType, OpEq, OpIn, OpNe, OpLt, OpLe, OpGt, OpGe,
		OpMatch, OpNoMatch, OpPrefix, OpSuffix, OpContains, OpCIDR, OpVersion, OpTime, OpInSHA256, OpInFold, OpHas, OpMatchN} {
		if !strings.Contains(document, "`"+string(op)+"`") && !strings.Contains(document, `{"`+string(op)+`":`) {
			t.Errorf("the form %s is not in the document", op)
		}
	}
	for _, reason := range []Reason{ReasonStatic, ReasonDefault, ReasonTargetingMatch, ReasonSplit, ReasonDisabled, ReasonError} {
		if !strings.Contains(document, string(reason)) {
			t.Errorf("the reason %s is not in the document", reason)
		}
	}
}
