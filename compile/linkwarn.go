package compile

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/yardarm-io/yardarm/compile/folder"
	"github.com/yardarm-io/yardarm/eval"
)

func (l *linker) warn(at folder.Position, path, hint, format string, args ...any) {
	l.out.Problems = append(l.out.Problems, &Error{
		File: at.File, Line: at.Line, Column: at.Column, Path: path, Warning: true, Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// halted warns of flags that are always off in an environment because one that they require is off there.
func (l *linker) halted() {
	for flag := range l.each {
		told := map[string]bool{}
		for _, r := range flag.Requires {
			required, pair := l.flags[r.Key], r.Environment+" "+r.Key
			if required == nil || told[pair] || enabled(required, r.Environment) || !enabled(flag, r.Environment) {
				continue
			}
			told[pair] = true
			l.warn(r.At, flagPath(flag.Key)+".environments."+r.Environment+".requires", fmt.Sprintf("turn %q on in %s, or this flag off", r.Key, r.Environment),
				"in %s the flag %q is off, so this one, which requires it, is off as well", r.Environment, r.Key)
		}
	}
}

func enabled(flag *folder.Flag, environment string) bool {
	var f eval.Flag
	err := json.Unmarshal(flag.Environments[environment], &f)
	return err == nil && f.Enabled
}

// lookalikes warns of flag keys that differ by upper and lower case only.
func (l *linker) lookalikes() {
	first := make(map[string]*folder.Flag, len(l.flags))
	for flag := range l.each {
		folded := strings.ToLower(flag.Key)
		other, taken := first[folded]
		if !taken {
			first[folded] = flag
			continue
		}
		l.warn(flag.At, flagPath(flag.Key), "give one of them another key", "the keys %q and %q differ only by upper and lower case; the other one is in %s:%d",
			flag.Key, other.Key, other.At.File, other.At.Line)
	}
}

// plainKey is a key without what is easily mistaken in it, so that a key that is refused is known again in its test.
func plainKey(key string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" ._-", r) {
			return -1
		}
		return r
	}, strings.ToLower(key))
}
