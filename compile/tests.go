package compile

import (
	"fmt"

	"github.com/yardarm-io/yardarm/compile/folder"
	"github.com/yardarm-io/yardarm/eval"
)

// RunTests decides every test and gives an error for each that comes out otherwise than it expects, at the test's place,
// sorted. Without snapshots there is nothing to decide from, and it gives nil.
func (o *Output) RunTests() []*Error {
	var failures []*Error
	for i := range o.Tests {
		test := &o.Tests[i]
		if s := o.Snapshots[test.Environment]; s != nil {
			if e := runTest(s, test, o); e != nil {
				failures = append(failures, e)
			}
		}
	}
	return sorted(failures)
}

func runTest(s *eval.Snapshot, test *folder.Test, o *Output) *Error {
	result := s.Decide(test.Flag, eval.Context(test.Context), o.now)
	if result.Variant == test.Expect && result.Reason != eval.ReasonError {
		return nil
	}
	got := variant(result.Variant) + " (" + string(result.Reason)
	if result.ErrorMessage != "" {
		got += ": " + result.ErrorMessage
	}
	return &Error{
		File: test.At.File, Line: test.At.Line, Column: test.At.Column, Path: fmt.Sprintf("tests.%q", test.Name),
		Message: fmt.Sprintf("test %q: %s in %s serves %s), not %s", test.Name, test.Flag, test.Environment, got, variant(test.Expect)),
		Hint:    fmt.Sprintf("`yardarm eval %s --explain` says why", test.Flag),
	}
}

// variant names a variant to people; none is what lets the asking code's own default stand.
func variant(name string) string {
	if name == "" {
		return "the caller's default"
	}
	return fmt.Sprintf("%q", name)
}
