package compile

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/yardarm-io/yardarm/compile/folder"
)

// linker holds what folders say against each other.
type linker struct {
	out        *Output
	flags      map[string]*folder.Flag
	segments   map[string]bool
	excused    map[string]bool // flags that other problems keep from being known
	incomplete bool            // other problems may hide any flag or segment
}

// link gathers what the units hold and checks what only all of them together show.
func (b *batch) link() {
	n := 0
	for _, u := range b.units {
		n += len(u.result.Flags)
	}
	b.out.Flags = slices.Grow(b.out.Flags, n)
	l := &linker{out: b.out, flags: make(map[string]*folder.Flag, n), segments: map[string]bool{}, excused: map[string]bool{}}
	l.excuse(b.out.Problems)
	l.excuse(b.source.problems)
	for _, u := range b.units {
		b.out.Flags = append(b.out.Flags, u.result.Flags...)
		b.out.Tests = append(b.out.Tests, u.result.Tests...)
		for _, segment := range u.result.Segments {
			l.segments[segment.Name] = true
		}
	}
	slices.SortFunc(b.out.Flags, func(x, y folder.Flag) int { return cmp.Or(cmp.Compare(x.Key, y.Key), compareAt(x.At, y.At)) })
	slices.SortFunc(b.out.Tests, func(x, y folder.Test) int { return cmp.Or(compareAt(x.At, y.At), cmp.Compare(x.Name, y.Name)) })
	l.keys()
	l.requirements()
	l.cycles()
	l.halted()
	l.lookalikes()
	if !b.mixed {
		l.tests()
	}
	l.reach(b.units)
	l.exempt()
	l.layers()
	l.expiries()
}

// excuse notes what problems hide: the flags that they are about, or anything. What a hidden flag leads to is no news.
func (l *linker) excuse(problems []*Error) {
	for _, e := range firm(problems) {
		if key, ok := keyOf(e.Path); ok {
			l.excused[plainKey(key)] = true
		} else if !strings.HasPrefix(e.Path, "tests.") {
			l.incomplete = true
		}
	}
}

// keyOf finds the flag that a path such as flags."a.b".owner or flags.a leads into.
func keyOf(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "flags.")
	if !ok {
		return "", false
	}
	if quoted, err := strconv.QuotedPrefix(rest); err == nil {
		key, err := strconv.Unquote(quoted)
		return key, err == nil
	}
	key, _, _ := strings.Cut(rest, ".")
	return key, true
}

func compareAt(a, b folder.Position) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

func (l *linker) report(at folder.Position, path, hint, format string, args ...any) {
	l.out.Problems = append(l.out.Problems, &Error{
		File: at.File, Line: at.Line, Column: at.Column, Path: path, Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// keys requires that a flag stands in one folder only.
func (l *linker) keys() {
	for i := range l.out.Flags {
		flag := &l.out.Flags[i]
		if first, twice := l.flags[flag.Key]; twice {
			l.report(flag.At, flagPath(flag.Key), "give one of them another key, or remove it",
				"the flag %q is already in %s:%d", flag.Key, first.At.File, first.At.Line)
			continue
		}
		l.flags[flag.Key] = flag
	}
}

// each gives the flags in order of key, of those with one key the first.
func (l *linker) each(yield func(*folder.Flag) bool) {
	for i := range l.out.Flags {
		if flag := &l.out.Flags[i]; l.flags[flag.Key] == flag && !yield(flag) {
			return
		}
	}
}

// requirements requires that prerequisites, and the variants asked of them, exist.
func (l *linker) requirements() {
	for _, flag := range l.out.Flags {
		for _, r := range flag.Requires {
			path := fmt.Sprintf("%s.environments.%s.requires", flagPath(flag.Key), r.Environment)
			l.known(r.Key, r.Variant, r.At, r.At, path, "requires")
		}
	}
}

// tests requires that tests speak of flags, environments and variants that exist.
func (l *linker) tests() {
	for i := range l.out.Tests {
		test := &l.out.Tests[i]
		path := fmt.Sprintf("tests.%q", test.Name)
		variant := ""
		if test.Expect.Variant != nil {
			variant = *test.Expect.Variant
		}
		l.known(test.Flag, variant, test.FlagAt, test.Expect.VariantAt, path, "tests")
		if test.Expect.Shares != nil && l.flags[test.Flag] != nil {
			for _, share := range test.Expect.Shares.Of {
				l.known(test.Flag, share.Variant, test.FlagAt, share.At, path, "tests")
			}
		}
		for _, environment := range test.Environments {
			if environments := l.out.Project.Environments; !slices.Contains(environments, environment) {
				l.report(test.At, path, choices(environment, environments), "there is no environment %q", environment)
			}
		}
	}
}

// known requires that a flag exists and, unless it is "", its variant.
func (l *linker) known(key, variant string, keyAt, variantAt folder.Position, path, verb string) {
	flag := l.flags[key]
	switch {
	case flag == nil && !l.incomplete && !l.excused[plainKey(key)]:
		l.report(keyAt, path, choices(key, sortedKeys(l.flags)), "this %s the flag %q, which does not exist", verb, key)
	case flag != nil && variant != "" && !slices.Contains(flag.Variants, variant):
		l.report(variantAt, path, choices(variant, flag.Variants), "the flag %q has no variant %q", key, variant)
	}
}

// reach requires that the segments which flags and segments refer to exist.
func (l *linker) reach(units []*unit) {
	for _, u := range units {
		for _, it := range u.items {
			for _, name := range it.Uses {
				if !l.segments[name] && !l.incomplete {
					l.report(u.at(it), "", choices(name, sortedKeys(l.segments)), "there is no segment %q", name)
				}
			}
		}
	}
}

// exempt requires that the segments which the policy names exist.
func (l *linker) exempt() {
	for _, m := range l.out.Project.Exempt {
		if !l.segments[m.Segment] && !l.incomplete {
			l.report(m.At, m.Path, choices(m.Segment, sortedKeys(l.segments)), "there is no segment %q", m.Segment)
		}
	}
}

// expiries warns of flags and rules whose time is over.
func (l *linker) expiries() {
	for i := range l.out.Flags {
		l.out.Problems = append(l.out.Problems, l.out.Flags[i].Over(l.out.now)...)
		if e := l.out.Flags[i].Overdue(l.out.now); e != nil {
			l.out.Problems = append(l.out.Problems, e)
		}
	}
}

func flagPath(key string) string { return fmt.Sprintf("flags.%q", key) }
