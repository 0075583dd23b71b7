package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/edit"
)

func (a *app) fmtCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt [FILE...]",
		Short: "Format flag files as 'cue fmt' does",
		Long: `Fmt rewrites the files named, or every CUE file below flags and schema, in CUE's standard form and prints the names of those
that it changed. A file that is not valid CUE is left as it is and reported.`,
		Example: `  yardarm fmt
  yardarm fmt --check              change nothing; exit code 1 if a file is not in form`,
		ValidArgsFunction: offerCUE,
		RunE:              a.runs(func(_ *cobra.Command, files []string) error { return a.format(files, check) }),
	}
	cmd.Flags().BoolVar(&check, "check", false, "only name the files that are not in form, and exit with 1 if there are any")
	return cmd
}

func (a *app) format(files []string, check bool) error {
	if err := checkCUEFiles(files); err != nil {
		return err
	}
	if len(files) == 0 {
		root, err := a.flagRoot()
		if err != nil {
			return err
		}
		if files, err = cueFiles(root); err != nil {
			return err
		}
	}
	wrong := false
	for _, file := range files {
		changed, err := formatFile(file, check)
		switch {
		case err != nil:
			fmt.Fprintln(a.stderr, err)
			wrong = true
		case changed:
			fmt.Fprintln(a.stdout, file)
			wrong = wrong || check
		}
	}
	if wrong {
		return errProblems
	}
	return nil
}

// checkCUEFiles refuses what is no CUE file, all of it before one is touched.
func checkCUEFiles(files []string) error {
	for _, file := range files {
		info, err := os.Stat(file)
		switch {
		case err != nil:
			return usageError{err}
		case info.IsDir():
			return usagef("%s is a folder; name CUE files, or none for all of the flag repository's", file)
		case !strings.HasSuffix(file, ".cue"):
			return usagef("%s is left as it is: only files whose name ends in .cue are CUE", file)
		}
	}
	return nil
}

func formatFile(file string, check bool) (changed bool, err error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	formatted, err := edit.Format(file, source)
	if err != nil || bytes.Equal(source, formatted) {
		return false, err
	}
	if check {
		return true, nil
	}
	return true, edit.WriteFile(file, formatted)
}

// cueFiles lists the CUE files of a flag repository, as paths from the working folder where that is shorter.
func cueFiles(root string) ([]string, error) {
	var files []string
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for _, top := range []string{"flags", "schema", "cue.mod"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(name string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() && strings.HasSuffix(name, ".cue") {
				if short, err := filepath.Rel(here, name); err == nil && len(short) < len(name) {
					name = short
				}
				files = append(files, name)
			}
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
	}
	slices.Sort(files)
	return files, nil
}
