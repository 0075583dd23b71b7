package gitrepo_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// importFiles makes a bare repository of folders * perFolder flag files, and then changes to one file each. It gives the
// repository's path and the hashes, the oldest first.
func importFiles(b *testing.B, folders, perFolder, changes int) (string, []string) {
	b.Helper()
	git := gitrepotest.NewCheckout(b)
	dir := filepath.Join(b.TempDir(), "bare.git")
	git.Git("init", "-q", "--bare", "-b", "main", dir)
	var stream strings.Builder
	file := func(folder, n, version int) {
		text := fmt.Sprintf("package flags\n\nflags: \"team%d.flag%d\": {description: %q, version: %d}\n", folder, n, strings.Repeat("words ", 80), version)
		fmt.Fprintf(&stream, "M 100644 inline flags/team%d/flag%d.cue\ndata %d\n%s\n", folder, n, len(text), text)
	}
	for c := range changes + 1 {
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter Ada <ada@corp.example> %d +0000\ndata 1\nx\n", 1_800_000_000+c)
		for i := range folders * perFolder {
			if c == 0 || i == c*7919%(folders*perFolder) {
				file(i%folders, i/folders, c)
			}
		}
	}
	git.GitInput(stream.String(), "-C", dir, "fast-import", "--quiet")
	git.Git("-C", dir, "gc", "-q")
	return dir, strings.Fields(git.Git("-C", dir, "rev-list", "--reverse", "main"))
}

func openBench(b *testing.B, dir string) *gitrepo.Repo {
	b.Helper()
	r, err := gitrepo.Open(b.Context(), gitrepo.Config{URL: dir})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = r.Close() })
	return r
}

// BenchmarkTreeOneChange reads trees that differ in one file of 10,000.
func BenchmarkTreeOneChange(b *testing.B) {
	for _, shape := range []struct{ folders, perFolder int }{{100, 100}, {1, 10_000}} {
		b.Run(strconv.Itoa(shape.folders)+"x"+strconv.Itoa(shape.perFolder), func(b *testing.B) {
			dir, hashes := importFiles(b, shape.folders, shape.perFolder, 200)
			r := openBench(b, dir)
			treeOf(b, r, hashes[0])
			for n := 1; b.Loop(); n++ {
				treeOf(b, r, hashes[n%len(hashes)])
			}
		})
	}
}

// BenchmarkTreeWhole reads a tree of 10,000 files for the first time.
func BenchmarkTreeWhole(b *testing.B) {
	dir, hashes := importFiles(b, 100, 100, 0)
	for b.Loop() {
		r := openBench(b, dir)
		if _, err := fs.Stat(treeOf(b, r, hashes[0]), "flags/team1"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHistory reads the shape of 20,000 commits.
func BenchmarkHistory(b *testing.B) {
	git := gitrepotest.NewCheckout(b)
	dir := filepath.Join(b.TempDir(), "bare.git")
	git.Git("init", "-q", "--bare", "-b", "history", dir)
	importHistory(b, git, dir, 20_000)
	git.Git("-C", dir, "gc", "-q")
	for b.Loop() {
		r, err := gitrepo.Open(b.Context(), gitrepo.Config{URL: dir, Branch: "history"})
		if err != nil {
			b.Fatal(err)
		}
		if c, err := r.Head(b.Context()); err != nil || c.Generation != 20_000 {
			b.Fatal(c, err)
		}
		_ = r.Close()
	}
}

// BenchmarkPollLocal polls a local repository in which nothing changes.
func BenchmarkPollLocal(b *testing.B) {
	dir, _ := importFiles(b, 1, 1, 0)
	r := openBench(b, dir)
	for b.Loop() {
		if _, err := r.Fetch(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPollRemote polls a remote in which nothing changes.
func BenchmarkPollRemote(b *testing.B) {
	server := gitrepotest.NewServer(b)
	server.Push("one", flagFile("1"))
	r := open(b, gitrepo.Config{URL: server.URL})
	for b.Loop() {
		if _, err := r.Fetch(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFetchManyRefs is a poll that finds nothing new, of a remote with 20,000 pull requests: all of its references are told each time.
func BenchmarkFetchManyRefs(b *testing.B) {
	for _, count := range []int{0, 20_000} {
		b.Run(strconv.Itoa(count), func(b *testing.B) {
			server := gitrepotest.NewServer(b)
			tip := server.Push("one", flagFile("1"))
			var refs strings.Builder
			for i := range count {
				fmt.Fprintf(&refs, "create refs/pull/%d/head %s\n", i, tip)
			}
			server.GitInput(refs.String(), "-C", server.Bare, "update-ref", "--stdin")
			server.Git("-C", server.Bare, "pack-refs", "--all")
			r := open(b, gitrepo.Config{URL: server.URL})
			fetch(b, r, tip)
			b.ReportAllocs()
			for b.Loop() {
				fetch(b, r, tip)
			}
		})
	}
}
