package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/schema"
)

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Start a flag repository: schema, a sample flag with tests, workflows, CODEOWNERS",
		Long: `Init writes the files of a new flag repository into the folder that --repo names, made if need be. It
overwrites nothing: where a file of the schema or of flags is in the way it writes none. Workflows and a CODEOWNERS file that are
there already stay as they are; in a folder of a larger Git repository they are not written, as they belong at its top.`,
		Example: `  mkdir our-flags && cd our-flags && git init -b main && yardarm init && yardarm check
  yardarm init --repo ./our-flags`,
		Args: noArgs,
		RunE: a.runs(func(*cobra.Command, []string) error { return a.init() }),
	}
}

func (a *app) init() error {
	if info, err := os.Stat(a.repo); err == nil && !info.IsDir() {
		return usagef("--repo %s is a file; name a folder", a.repo)
	}
	files, err := initFiles()
	if err != nil {
		return err
	}
	top, err := gitTop(a.repo)
	if err != nil {
		return err
	}
	files, notes := a.leaveOut(files, top)
	if _, err := writeNew(a.repo, files); err != nil {
		return err
	}
	a.printNames(files)
	fmt.Fprint(a.stderr, notes, a.nextSteps(top != ""))
	return nil
}

// initFiles are the files of a new flag repository, in order of name.
func initFiles() ([]newFile, error) {
	all, err := schema.Files(schema.Language)
	if err != nil {
		return nil, err
	}
	maps.Copy(all, schema.Start())
	for name, template := range map[string]string{
		"flags/example/welcome.cue":           "welcome.cue.tmpl",
		"flags/segments/segments.cue":         "segments.cue.tmpl",
		".github/workflows/flags.yml":         "flags.yml",
		".github/workflows/flags-comment.yml": "flags-comment.yml",
		"CODEOWNERS":                          "CODEOWNERS",
	} {
		if all[name], err = templates.ReadFile("templates/" + template); err != nil {
			return nil, err
		}
	}
	var files []newFile
	for name, text := range all {
		files = append(files, newFile{filepath.FromSlash(name), text})
	}
	slices.SortFunc(files, func(a, b newFile) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// forGitHub are the files that GitHub reads, at the top of a Git repository only.
var forGitHub = []string{".github/workflows/flags.yml", ".github/workflows/flags-comment.yml", "CODEOWNERS"}

// leaveOut drops of what GitHub reads what is there already, or all of it where the top of the Git repository is elsewhere, and
// says so.
func (a *app) leaveOut(files []newFile, top string) (left []newFile, notes string) {
	here, err := filepath.Abs(a.repo)
	if err == nil && top != "" && top != here {
		below, _ := filepath.Rel(top, here) // it is below
		notes = fmt.Sprintf("%s are not written: GitHub reads them at the top of the Git repository only, which is %s.\n"+
			"To have them there, take those that 'yardarm init' writes elsewhere, with 'check --repo %s' in the workflow.\n",
			list(forGitHub), top, filepath.ToSlash(below))
	}
	below := notes != ""
	left = slices.DeleteFunc(files, func(file newFile) bool {
		name := filepath.ToSlash(file.name)
		switch {
		case !slices.Contains(forGitHub, name):
			return false
		case below:
			return true
		case exists(filepath.Join(a.repo, file.name)):
			notes += name + " is there already and stays as it is.\n"
			return true
		}
		return false
	})
	return left, notes
}

// nextSteps tells what to do with a new flag repository.
func (a *app) nextSteps(inGit bool) string {
	repo := ""
	if a.repo != "." {
		repo = " --repo " + a.repo
	}
	text := "\nNext:\n  yardarm check" + repo + "\n  yardarm new checkout.new-payment" + repo + "\n"
	if !inGit {
		text += "  git init -b main " + a.repo + "\n"
	}
	return text + "  git add and commit, then yardarm serve" + repo + "\n"
}

// gitTop is the top of the Git checkout that a folder lies in, "" if none. The folder need not be there yet.
func gitTop(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	for err == nil {
		if exists(filepath.Join(dir, ".git")) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}
