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
	var format string
	var watch bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate every flag and run the flag tests",
		Long: `Check compiles the flag files as they lie in the folder, committed or not, and runs the flag tests. Each problem is one
line: file:line:column, what is wrong, and what to write instead. Exit code 1 if there is an error; warnings alone pass.`,
		Example: `  yardarm check                    this repository
  yardarm check --watch            again whenever a file changes
  yardarm check --format json      for programs`,
		Args: noArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			root, err := a.flagRoot()
			if err != nil {
				return err
			}
			if watch {
				return a.checkAgain(cmd.Context(), root, format)
			}
			return a.check(cmd.Context(), root, format)
		}),
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	complete(cmd, "format", offer("text", "json"))
	cmd.Flags().BoolVar(&watch, "watch", false, "check again whenever a file changes, until interrupted")
	return cmd
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
func (a *app) checkAgain(ctx context.Context, root, format string) error {
	return worktree.Watch(ctx, root, func(changed bool) error {
		if !changed {
			return nil
		}
		err := a.check(ctx, root, format)
		if errors.Is(err, errProblems) {
			return nil
		}
		return err
	})
}
