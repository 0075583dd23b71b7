package pull_test

import (
	"testing"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/sync/gitrepo/pull"
)

// BenchmarkFetch fetches a pull request that changes one of a thousand flags, the start of the worker included.
func BenchmarkFetch(b *testing.B) {
	server := gitrepotest.NewServer(b)
	files := map[string]string{}
	for path, file := range compiletest.Tree(50, 20) {
		files[path] = string(file.Data)
	}
	base := server.Push("base", files)
	config := pull.Config{Repository: gitrepo.Config{URL: server.URL, Dir: b.TempDir()}}
	repo, err := gitrepo.Open(b.Context(), config.Repository)
	if err != nil {
		b.Fatal(err)
	}
	defer repo.Close()
	if _, err := repo.Fetch(b.Context()); err != nil {
		b.Fatal(err)
	}
	server.Commit("change", map[string]string{compiletest.File(0, 0): compiletest.Flag(compiletest.Key(0, 0), 7)})
	server.Git("push", "-q", "origin", "HEAD:refs/pull/1/head")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pull.Fetch(b.Context(), config, "pull/1", base); err != nil {
			b.Fatal(err)
		}
	}
}
