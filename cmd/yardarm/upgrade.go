package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/edit"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/schema"
)

func (a *app) upgradeCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "Move a flag repository to this Yardarm's version of the flag language",
		Long: `Upgrade brings the product's files in a flag repository (schema/, flags/tie.cue, cue.mod/module.cue) and the language version in
schema/project.cue to what this Yardarm has. It compiles the flags before and after and says what services would be told
differently: nothing, or exactly which flags and segments of which environments. What does not compile is left as it is.`,
		Example: `  yardarm upgrade
  yardarm upgrade --check          change nothing; exit code 1 if there is something to do`,
		Args: noArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error { return a.upgrade(cmd.Context(), check) }),
	}
	cmd.Flags().BoolVar(&check, "check", false, "only say what would change, and exit with 1 if anything would")
	return cmd
}

func (a *app) upgrade(ctx context.Context, check bool) error {
	root, err := a.flagRoot()
	if err != nil {
		return err
	}
	before, err := a.compileGood(ctx, eval.At{})
	if err != nil {
		return err
	}
	files, err := flagFiles(os.DirFS(root))
	if err != nil {
		return err
	}
	steps, err := planUpgrade(files, before.Project.Language, schema.Language, schema.Files)
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		fmt.Fprintf(a.stdout, "nothing to do: language %d, with this Yardarm's files\n", schema.Language)
		return nil
	}
	if err := checkSteps(root, steps); err != nil {
		return err
	}
	after, err := a.compileUpgraded(ctx, files, steps)
	if err != nil {
		return err
	}
	for _, step := range steps {
		fmt.Fprintf(a.stdout, "%s: %s\n", step.file, step.why)
	}
	for _, effect := range effects(before, after) {
		fmt.Fprintln(a.stdout, effect)
	}
	if check {
		return errProblems
	}
	return applySteps(root, steps)
}

// step is a file to write, or to remove where text is nil.
type step struct {
	file, why string
	text      []byte
}

// planUpgrade says what to do to a repository's files to bring it from one version of the language to another, in order of
// name. Product gives a version's files.
func planUpgrade(files map[string][]byte, from, to int, product func(int) (map[string][]byte, error)) ([]step, error) {
	old, err := product(from)
	if err != nil {
		return nil, err
	}
	own, err := product(to)
	if err != nil {
		return nil, err
	}
	var steps []step
	for file, text := range own {
		switch have, there := files[file]; {
		case !there:
			steps = append(steps, step{file, "is missing", text})
		case !bytes.Equal(have, text):
			steps = append(steps, step{file, "differs from this Yardarm's", text})
		}
	}
	for file := range old {
		if _, there := files[file]; there && own[file] == nil {
			steps = append(steps, step{file, fmt.Sprintf("is no part of language %d", to), nil})
		}
	}
	if from < to {
		const project = "schema/project.cue"
		text, err := edit.SetLanguage(project, files[project], to)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step{project, fmt.Sprintf("language %d becomes %d", from, to), text})
	}
	slices.SortFunc(steps, func(a, b step) int { return strings.Compare(a.file, b.file) })
	return steps, nil
}

// compileUpgraded compiles a copy of the files in which the steps are taken, and demands that nothing is wrong.
func (a *app) compileUpgraded(ctx context.Context, files map[string][]byte, steps []step) (*compile.Output, error) {
	dir, err := os.MkdirTemp("", "yardarm-upgrade-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	copied := make([]step, 0, len(files)+len(steps))
	for file, text := range files {
		copied = append(copied, step{file: file, text: text})
	}
	if err := applySteps(dir, append(copied, steps...)); err != nil {
		return nil, err
	}
	out, err := a.compileRoot(ctx, dir, eval.At{})
	if err == nil && out.Err() != nil {
		printProblems(a.stderr, out.Problems)
		fmt.Fprintf(a.stderr, "yardarm: nothing was changed: this is what language %d finds wrong\n", schema.Language)
		err = errProblems
	}
	return out, err
}

// checkSteps refuses what cannot be replaced by a file, before anything is written.
func checkSteps(root string, steps []step) error {
	for _, step := range steps {
		info, err := os.Lstat(filepath.Join(root, filepath.FromSlash(step.file)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case info.IsDir():
			return fmt.Errorf("%s is a folder where Yardarm's own file goes: move it away; nothing was changed", step.file)
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is not a plain file, as Yardarm's own is: move it away; nothing was changed", step.file)
		}
	}
	return nil
}

func applySteps(root string, steps []step) error {
	for _, step := range steps {
		name := filepath.Join(root, filepath.FromSlash(step.file))
		if step.text == nil {
			if err := os.Remove(name); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := edit.WriteFile(name, step.text); err != nil {
			return err
		}
	}
	return nil
}

// effects says what services are told differently after than before, item by item.
func effects(before, after *compile.Output) []string {
	var all []string
	environments := slices.Compact(slices.Sorted(slices.Values(slices.Concat(before.Project.Environments, after.Project.Environments))))
	for _, environment := range environments {
		old, now := linesOf(before.Snapshots[environment]), linesOf(after.Snapshots[environment])
		both := maps.Clone(old)
		maps.Copy(both, now)
		for _, name := range slices.Sorted(maps.Keys(both)) {
			switch {
			case now[name] == "":
				all = append(all, fmt.Sprintf("effect in %s: %s goes", environment, name))
			case old[name] == "":
				all = append(all, fmt.Sprintf("effect in %s: %s comes", environment, name))
			case old[name] != now[name]:
				all = append(all, fmt.Sprintf("effect in %s: %s changes", environment, name))
			}
		}
	}
	if all == nil {
		return []string{"no effect: every flag stays as it is in " + list(environments)}
	}
	return all
}

// linesOf gives a snapshot's items by name; none of a snapshot that is nil.
func linesOf(s *eval.Snapshot) map[string]string {
	lines := map[string]string{}
	if s != nil {
		for name, line := range s.Items() {
			lines[name] = string(line)
		}
	}
	return lines
}
