package history_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/history"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// BenchmarkWidened asks a repository of a thousand flags for what its last 50 commits widened: with folders that were compiled before, as
// they are once they were served, and with nothing but what is on disk.
func BenchmarkWidened(b *testing.B) {
	work := gitrepotest.NewCheckout(b)
	files := map[string]string{}
	for path, file := range compiletest.Tree(50, 20) {
		files[path] = string(file.Data)
	}
	work.Commit("start", files)
	for i := range 50 {
		work.Commit(fmt.Sprint("commit ", i), map[string]string{compiletest.File(i, 0): compiletest.Flag(compiletest.Key(i, 0), 1+i)})
	}
	repo, err := gitrepo.Open(b.Context(), gitrepo.Config{URL: work.Dir})
	if err != nil {
		b.Fatal(err)
	}
	defer repo.Close()
	compiler, err := compile.New(compile.Config{CacheDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	widened := func(b *testing.B, since time.Time) {
		b.Helper()
		if _, err := history.New(repo, compiler, work.Head()).Widened(b.Context(), since, minute(100), nil); err != nil {
			b.Fatal(err)
		}
	}
	start := time.Now()
	widened(b, minute(2))
	b.Logf("the first time, %.1f s", time.Since(start).Seconds())
	for name, since := range map[string]time.Time{"50 commits": minute(2), "1 commit": minute(51)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				widened(b, since)
			}
		})
	}
}
