package main

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/worktree"
)

func (a *app) checkCommand() *cobra.Command {
	var o judgeOptions
	var watch bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate every flag and run the flag tests",
		Long: `Check compiles the flag files as they lie in the folder, committed or not, and runs the flag tests. Each problem is one
line: file:line:column, what is wrong, and what to write instead. Exit code 1 if there is an error; warnings alone pass.

With --base it also judges what merging them would do, as 'yardarm diff' does: in a workflow this one call is all there is
to run. The flags for that go with it.`,
		Example: `  yardarm check                    this repository
  yardarm check --watch            again whenever a file changes
  yardarm check --format json      for programs
  yardarm check --base main        and what a merge into main would do`,
		Args: noArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			if err := o.checkAlone(cmd); err != nil {
				return err
			}
			root, err := a.flagRoot()
			if err != nil {
				return err
			}
			if watch {
				return a.checkAgain(cmd.Context(), root, o)
			}
			return a.checkOnce(cmd.Context(), root, o)
		}),
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.base, "base", "", "the branch or commit that this is to be merged into")
	cmd.Flags().BoolVar(&watch, "watch", false, "check again whenever a file changes, until interrupted")
	return cmd
}

// checkAlone refuses, without --base, the flags that go with it.
func (o *judgeOptions) checkAlone(cmd *cobra.Command) error {
	if cmd.Flags().Changed("base") {
		if o.base == "" {
			return usagef("--base is empty: name the branch or commit to compare with, such as main")
		}
		return o.check()
	}
	for _, name := range []string{"write", "head", "approvals", "population", "usage", "at"} {
		if cmd.Flags().Changed(name) {
			return usagef("--%s goes with --base, which names the branch that this is to be merged into", name)
		}
	}
	return checkFormat(o.format)
}

// checkOnce checks, with a base by judging what the merge would do.
func (a *app) checkOnce(ctx context.Context, root string, o judgeOptions) error {
	if o.base != "" {
		return a.judge(ctx, root, o)
	}
	return a.check(ctx, root, o.format)
}

// checkReport is what check found, as --format json prints it.
type checkReport struct {
	Flags        int              `json:"flags"`
	Folders      int              `json:"folders"`
	Environments []string         `json:"environments"`
	Tests        int              `json:"tests"`
	Errors       int              `json:"errors"`
	Warnings     int              `json:"warnings"`
	Problems     []*compile.Error `json:"problems"`
}

// check compiles and tests once and prints what it found; errProblems if that includes an error.
func (a *app) check(ctx context.Context, root, format string) error {
	out, err := a.compileRoot(ctx, root, eval.At{})
	if err != nil {
		return err
	}
	problems := out.Problems
	if out.Err() == nil {
		problems = append(problems, out.RunTests()...)
	}
	report := newCheckReport(out, problems)
	if format == "json" {
		err = printJSON(a.stdout, report)
	} else {
		printProblems(a.stdout, problems)
		_, err = fmt.Fprintln(a.stdout, report.summary(paintFor(a.stdout)))
	}
	if err == nil && report.Errors > 0 {
		err = errProblems
	}
	return err
}

func newCheckReport(out *compile.Output, problems []*compile.Error) checkReport {
	failed := errorsIn(problems)
	if problems == nil {
		problems = []*compile.Error{}
	}
	return checkReport{
		Flags: len(out.Flags), Folders: flagFolders(out), Environments: out.Project.Environments, Tests: len(out.Tests),
		Errors: failed, Warnings: len(problems) - failed, Problems: problems,
	}
}

// flagFolders counts the folders that hold flags.
func flagFolders(out *compile.Output) int {
	folders := map[string]bool{}
	for _, flag := range out.Flags {
		folders[path.Dir(flag.At.File)] = true
	}
	return len(folders)
}

// summary is the report's last line for people.
func (r checkReport) summary(paint paint) string {
	text := fmt.Sprintf("%s in %s, %s, %s: ", plural(r.Flags, "flag"), plural(r.Folders, "folder"),
		plural(len(r.Environments), "environment"), plural(r.Tests, "test"))
	switch {
	case r.Errors > 0:
		text += paint.red(plural(r.Errors, "error"))
	default:
		text += paint.green("good")
	}
	if r.Warnings > 0 {
		text += ", " + paint.yellow(plural(r.Warnings, "warning"))
	}
	return text
}

// checkAgain checks at each change of a flag file until ctx ends.
func (a *app) checkAgain(ctx context.Context, root string, o judgeOptions) error {
	return worktree.Watch(ctx, root, func(changed bool) error {
		if !changed {
			return nil
		}
		err := a.checkOnce(ctx, root, o)
		if errors.Is(err, errProblems) {
			return nil
		}
		return err
	})
}
