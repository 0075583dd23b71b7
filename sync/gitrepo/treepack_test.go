package gitrepo_test

import (
	"encoding/binary"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// TestTreePackKeepsAll takes a commit's files to bytes and back: names, content, links, bits and hashes.
func TestTreePackKeepsAll(t *testing.T) {
	work := gitrepotest.NewCheckout(t)
	work.Commit("one", map[string]string{
		"flags/a.cue": "package flags\n", "flags/a/b.cue": "\xff\x00 no text", "flags/a-b/c.cue": "", "schema/x.cue": "package schema\n", "flags/large.cue": "too large by far",
	})
	blob := work.GitInput("elsewhere", "hash-object", "-w", "--stdin")
	work.Git("update-index", "--add", "--cacheinfo", "120000,"+blob+",flags/link.cue")
	work.Git("update-index", "--add", "--cacheinfo", "160000,"+work.Head()+",flags/sub")
	work.Git("update-index", "--chmod=+x", "flags/a.cue")
	work.Git("commit", "-q", "-m", "two")
	r := open(t, gitrepo.Config{URL: work.Dir, MaxFileSize: 15})
	tree := treeOf(t, r, work.Head())
	packed, err := gitrepo.PackTree(tree)
	if err != nil {
		t.Fatal(err)
	}
	got, err := gitrepo.UnpackTree(packed)
	if err != nil {
		t.Fatal(err)
	}
	if want := files(t, tree); !slices.Equal(files(t, got), want) {
		t.Fatalf("files are %q, want %q", files(t, got), want)
	}
	for _, name := range append(files(t, tree), ".", "flags", "flags/a", "schema") {
		a, err := fs.Stat(tree, name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := fs.Stat(got, name)
		if err != nil || a.Sys() != b.Sys() || a.Mode() != b.Mode() || a.Size() != b.Size() {
			t.Errorf("%s is %v, %v; want %v", name, b, err, a)
		}
		one, errOne := fs.ReadFile(tree, name)
		other, errOther := fs.ReadFile(got, name)
		if string(one) != string(other) || (errOne == nil) != (errOther == nil) {
			t.Errorf("%s has %q, %v; want %q, %v", name, other, errOther, one, errOne)
		}
	}
}

// FuzzUnpackTree requires that no bytes do harm, and that what is unpacked is a tree.
func FuzzUnpackTree(f *testing.F) {
	packed, err := gitrepo.PackTree(fstest.MapFS{"flags/a/b.cue": {Data: []byte("x")}, "flags/a.cue": {Data: []byte("y")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	for _, header := range []string{
		`[{"path":"flags","size":1},{"path":"flags/a","size":0}]`, `[{"path":"../a"}]`, `[{"path":"a","size":-1}]`, `[{"path":"a"},{"path":"a"}]`,
		`[{"path":"a","mode":2147483648}]`, `[{"path":"a","mode":134218239,"hash":"zz"}]`, `[{"path":"b"},{"path":"a"}]`,
	} {
		f.Add(append(binary.BigEndian.AppendUint64(nil, uint64(len(header))), header+"content"...))
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		tree, err := gitrepo.UnpackTree(packed)
		if err != nil {
			return
		}
		again, err := gitrepo.PackTree(tree)
		if err != nil {
			t.Fatal(err)
		}
		back, err := gitrepo.UnpackTree(again)
		if err != nil || rootHash(t, back) != rootHash(t, tree) {
			t.Fatalf("packed once more it is another tree, %v", err)
		}
	})
}
