package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
)

// flagRoot finds the flag repository's root, the folder that holds cue.mod and flags, at --repo or above it.
func (a *app) flagRoot() (string, error) {
	start, err := filepath.Abs(a.repo)
	if err != nil {
		return "", usagef("--repo %s: %w", a.repo, err)
	}
	if info, err := os.Stat(start); err != nil || !info.IsDir() {
		return "", usagef("--repo %s is not a folder", a.repo)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if isDir(filepath.Join(dir, "cue.mod")) && isDir(filepath.Join(dir, "flags")) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", usagef("%s is not a flag repository: no folder from there up has cue.mod and flags; start one with 'yardarm init', or name one with --repo", start)
		}
	}
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// compileRoot compiles the files of a flag repository as they lie in its folder. People at a terminal see how far it is.
func (a *app) compileRoot(ctx context.Context, root string, at eval.At) (*compile.Output, error) {
	progress := newProgress(a.stderr)
	defer progress.erase()
	compiler, err := compile.New(compile.Config{CacheDir: cacheDir("compile"), Progress: progress.tell})
	if err != nil {
		return nil, err
	}
	return compiler.Compile(ctx, os.DirFS(root), at)
}

// compileGood compiles like compileRoot and demands that nothing is wrong.
func (a *app) compileGood(ctx context.Context, at eval.At) (*compile.Output, error) {
	root, err := a.flagRoot()
	if err != nil {
		return nil, err
	}
	out, err := a.compileRoot(ctx, root, at)
	if err != nil {
		return nil, err
	}
	if out.Err() != nil {
		printProblems(a.stderr, out.Problems)
		return nil, errProblems
	}
	return out, nil
}

// environmentOf gives the snapshot of an environment; "" will do where there is only one.
func environmentOf(out *compile.Output, name string) (*eval.Snapshot, error) {
	names := out.Project.Environments
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	if snapshot, ok := out.Snapshots[name]; ok {
		return snapshot, nil
	}
	if name == "" {
		return nil, usagef("say which --environment: %s", list(names))
	}
	return nil, usagef("there is no environment %q; schema/project.cue has %s", name, list(names))
}

// cacheDir is a folder below the person's cache folder, "" where there is none.
func cacheDir(name string) string {
	base, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(base, "yardarm", name)
}

// list writes names as people do: "a", "b" and "c".
func list(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	last := len(quoted) - 1
	if last < 1 {
		return strings.Join(quoted, "")
	}
	return strings.Join(quoted[:last], ", ") + " and " + quoted[last]
}
