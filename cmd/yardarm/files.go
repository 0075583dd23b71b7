package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// newFile is a file to write, by its path below the flag repository's root.
type newFile struct {
	name string
	text []byte
}

// exists says whether there is anything at a path, be it a link to nothing.
func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// writeNew writes files that must not exist yet, none of them if one does or cannot be written. The undo removes them again,
// with the folders that were made for them.
func writeNew(root string, files []newFile) (undo func(), err error) {
	var there []string
	for _, file := range files {
		if exists(filepath.Join(root, file.name)) {
			there = append(there, file.name)
		}
	}
	if len(there) > 0 {
		return nil, usagef("nothing was written, because %s would be overwritten; move that away or choose another place", strings.Join(there, ", "))
	}
	var made []string
	undo = func() {
		for _, name := range slices.Backward(made) {
			_ = os.Remove(name) // a folder into which somebody else wrote stays
		}
	}
	for _, file := range files {
		name := filepath.Join(root, file.name)
		made = append(made, missing(filepath.Dir(name))...)
		if err := createFile(name, file.text); err != nil {
			undo()
			return nil, err
		}
		made = append(made, name)
	}
	return undo, nil
}

// missing lists the folder and those above it that are not there, from the outermost.
func missing(dir string) []string {
	var folders []string
	for ; !exists(dir) && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		folders = append(folders, dir)
	}
	slices.Reverse(folders)
	return folders
}

// createFile writes a file that is not there yet, with the folders above it; all of it or nothing.
func createFile(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(name)
	}
	return err
}

// printNames prints the names of the files that were written.
func (a *app) printNames(files []newFile) {
	for _, file := range files {
		fmt.Fprintln(a.stdout, filepath.ToSlash(file.name))
	}
}
