package compile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/compile/folder"
)

// Error is one mistake in a tree's files, at the place to mend; it may be a warning.
type Error = folder.Error

// Errors is what keeps a tree from compiling: at least one error, sorted by place, and no warnings.
type Errors []*Error

// Error gives one line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each error to [errors.As].
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// sorted orders problems by place and drops those said twice: what folders share is found by each of them.
func sorted(problems []*Error) []*Error {
	slices.SortFunc(problems, func(a, b *Error) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Message, b.Message), cmp.Compare(a.Path, b.Path),
		)
	})
	return slices.CompactFunc(problems, func(a, b *Error) bool {
		return a.At() == b.At() && a.Message == b.Message
	})
}

func firm(problems []*Error) Errors {
	var errors Errors
	for _, p := range problems {
		if !p.Warning {
			errors = append(errors, p)
		}
	}
	return errors
}
