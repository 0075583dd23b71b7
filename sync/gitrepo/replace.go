package gitrepo

import (
	"fmt"
	"io/fs"
)

// Replace gives a tree with a folder as it is in another one: without it, where the other has none. The trees are as those of
// [Merge], and so is the result; neither is changed.
func Replace(tree, other fs.FS, folder string) (fs.FS, error) {
	if !fs.ValidPath(folder) || folder == "." {
		return nil, &fs.PathError{Op: "replace", Path: folder, Err: fs.ErrInvalid}
	}
	root, err := asNode(tree)
	if err != nil {
		return nil, fmt.Errorf("replace %s: %w", folder, err)
	}
	from, err := asNode(other)
	if err != nil {
		return nil, fmt.Errorf("replace %s: %w", folder, err)
	}
	return treeFS{root: root.with(folder, from.at(folder))}, nil
}
