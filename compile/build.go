package compile

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
)

// Version is the compiler's version. It is part of each snapshot's meta and of every cache key: it changes when the same
// files compile to something else.
const Version = "1"

const cueModule = "cuelang.org/go"

// build names the code that compiles: the compiler's and CUE's version and, where the program is no release, the program's
// file, so that a developer's rebuilt binary does not answer from what an earlier one cached.
var build = sync.OnceValue(func() string {
	program, cue := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		program = info.Main.Version
		for _, dependency := range info.Deps {
			if dependency.Path == cueModule {
				cue = dependency.Version
			}
		}
	}
	if !released(program) || cue == "" {
		program = executableStamp()
	}
	return strings.Join([]string{Version, cue, program}, " ")
})

func released(version string) bool {
	return version != "" && version != "(devel)" && !strings.Contains(version, "dirty")
}

func executableStamp() string {
	path, err := os.Executable()
	if err != nil {
		return "unknown"
	}
	info, err := os.Stat(path)
	if err != nil {
		return "unknown"
	}
	return fmt.Sprint(info.Size(), info.ModTime().UnixNano())
}
