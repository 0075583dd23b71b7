package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/yardarm-io/yardarm/compile/compiletest"
)

// BenchmarkCheckBase runs the real program, from its start to its end, on a change of one of 1,000 flags in 50 folders, the rest of
// which it has compiled before.
func BenchmarkCheckBase(b *testing.B) {
	dir := b.TempDir()
	if err := os.CopyFS(dir, compiletest.Tree(50, 20)); err != nil {
		b.Fatal(err)
	}
	run := func(name string, args ...string) {
		cmd := exec.Command(name)
		cmd.Args = append([]string{args[0]}, args[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME="+filepath.Join(dir, ".cache"), "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@corp.example", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@corp.example")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%s: %v\n%s", args, err, out)
		}
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	git, err := exec.LookPath("git")
	if err != nil {
		b.Fatal(err)
	}
	run(git, "git", "init", "-q", "-b", "main")
	run(git, "git", "add", "flags", "schema", "cue.mod")
	run(git, "git", "commit", "-q", "-m", "start")
	run(self, "yardarm", "check")
	for i := 0; b.Loop(); i++ {
		text := compiletest.Flag(compiletest.Key(0, 1), 20+i%50) + fmt.Sprintf("// %d\n", i)
		if err := os.WriteFile(filepath.Join(dir, compiletest.File(0, 1)), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
		run(self, "yardarm", "check", "--base", "main")
	}
}
