package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// position is where the files of the flag repository stand in history: at the commit that is checked out if they are as it
// has them; just after it, as "COMMIT-dirty", if not; "worktree" where there is no commit to speak of.
func (a *app) position(ctx context.Context) (eval.At, error) {
	root, err := a.flagRoot()
	if err != nil {
		return eval.At{}, err
	}
	at, err := headOf(ctx, root)
	if err == nil {
		return at, nil
	}
	for _, none := range []error{gitrepo.ErrNoRepository, gitrepo.ErrEmpty, gitrepo.ErrNoBranch, gitrepo.ErrNoPath, gitrepo.ErrUnsupported} {
		if errors.Is(err, none) {
			return eval.At{Revision: "worktree", Time: time.Now().UTC().Truncate(time.Second)}, nil
		}
	}
	return eval.At{}, err
}

func headOf(ctx context.Context, root string) (eval.At, error) {
	repository, err := gitrepo.Open(ctx, gitrepo.Config{URL: root, Branch: gitrepo.CheckedOut})
	if err != nil {
		return eval.At{}, err
	}
	defer repository.Close()
	head, err := repository.Head(ctx)
	if err != nil {
		return eval.At{}, err
	}
	committed, err := repository.Tree(ctx, head.Hash)
	if err != nil {
		return eval.At{}, err
	}
	at := eval.At{Revision: head.Hash, Generation: head.Generation, Time: head.Time}
	same, err := sameFiles(committed, os.DirFS(root))
	if err != nil || same {
		return at, err
	}
	return eval.At{Revision: head.Hash + "-dirty", Generation: head.Generation + 1, Time: time.Now().UTC().Truncate(time.Second)}, nil
}

// sameFiles says whether two trees have the same flag files.
func sameFiles(a, b fs.FS) (bool, error) {
	files, err := flagFiles(a)
	if err != nil {
		return false, err
	}
	others, err := flagFiles(b)
	return maps.EqualFunc(files, others, bytes.Equal), err
}

// flagFiles reads the CUE files of a flag repository, by path.
func flagFiles(tree fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, top := range []string{"flags", "schema", "cue.mod"} {
		err := fs.WalkDir(tree, top, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() && strings.HasSuffix(name, ".cue") {
				files[name], err = fs.ReadFile(tree, name)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return files, nil
}
