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
		Short: "Start a flag repository: schema, a sample flag with tests, a workflow, CODEOWNERS",
		Long: `Init writes the files of a new flag repository into the folder that --repo names, made if need be. It overwrites nothing: where a
file is in the way it writes none.`,
		Example: `  mkdir flags && cd flags && git init && yardarm init && yardarm check
  yardarm init --repo ./our-flags`,
		Args: cobra.NoArgs,
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
	if err := os.MkdirAll(a.repo, 0o755); err != nil {
		return err
	}
	if err := a.createFiles(a.repo, files); err != nil {
		return err
	}
	fmt.Fprint(a.stderr, a.nextSteps())
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
		"flags/example/welcome.cue":   "welcome.cue.tmpl",
		"flags/segments/segments.cue": "segments.cue.tmpl",
		".github/workflows/flags.yml": "flags.yml",
		"CODEOWNERS":                  "CODEOWNERS",
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

// nextSteps tells what to do with a new flag repository.
func (a *app) nextSteps() string {
	repo := ""
	if a.repo != "." {
		repo = " --repo " + a.repo
	}
	text := "\nNext:\n  yardarm check" + repo + "\n  yardarm new checkout.new-payment" + repo + "\n"
	if !inGit(a.repo) {
		text += "  git init -b main " + a.repo + "\n"
	}
	return text + "  git add and commit, then yardarm serve" + repo + "\n"
}

// inGit says whether a folder lies in a Git checkout.
func inGit(dir string) bool {
	dir, err := filepath.Abs(dir)
	for err == nil {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return false
}
