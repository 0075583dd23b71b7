package gitrepo_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

func TestReplace(t *testing.T) {
	tree := func(files ...string) fstest.MapFS {
		m := fstest.MapFS{}
		for i := 0; i < len(files); i += 2 {
			m[files[i]] = &fstest.MapFile{Data: []byte(files[i+1]), Mode: 0o644}
		}
		return m
	}
	tip := tree("flags/a/x.cue", "new", "flags/a/y.cue", "new", "flags/eu/b/x.cue", "new", "schema/context.cue", "new")
	before := tree("flags/a/x.cue", "old", "flags/eu/c/x.cue", "old", "schema/context.cue", "old")
	for name, tt := range map[string]struct {
		folder string
		want   fstest.MapFS
	}{
		"as it was":      {"flags/a", tree("flags/a/x.cue", "old", "flags/eu/b/x.cue", "new", "schema/context.cue", "new")},
		"not there":      {"flags/eu/b", tree("flags/a/x.cue", "new", "flags/a/y.cue", "new", "schema/context.cue", "new")},
		"there again":    {"flags/eu/c", tree("flags/a/x.cue", "new", "flags/a/y.cue", "new", "flags/eu/b/x.cue", "new", "flags/eu/c/x.cue", "old", "schema/context.cue", "new")},
		"in neither one": {"flags/eu/d", tip},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := gitrepo.Replace(tip, before, tt.folder)
			if err != nil {
				t.Fatal(err)
			}
			want, err := gitrepo.Merge(nil, nil, tt.want)
			if err != nil {
				t.Fatal(err)
			}
			if a, b := hashOf(t, got), hashOf(t, want); a != b {
				t.Errorf("the tree is %s, want %s", a, b)
			}
		})
	}
	if _, err := gitrepo.Replace(tip, before, "../a"); err == nil {
		t.Error("a path that leads out of the tree will do")
	}
}

func hashOf(t *testing.T, tree fs.FS) any {
	t.Helper()
	info, err := fs.Stat(tree, ".")
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys()
}
