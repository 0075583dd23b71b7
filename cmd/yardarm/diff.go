package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) diffCommand() *cobra.Command {
	var o judgeOptions
	cmd := &cobra.Command{
		Use:   "diff BASE [HEAD]",
		Short: "Tell whom a change affects, and whether the policy allows it",
		Long: `Diff compares the tip of BASE with what it becomes once HEAD is merged: who moves from which variant to which, at once and at
every later step of a ramp, and what the project's policy says to that. BASE and HEAD are branches, tags or commits; without
HEAD it takes the files as they lie in the folder, committed or not.

What BASE gained meanwhile is no part of the change. The policy is the one of BASE. Exit code 1 if a file has a mistake, a
flag test or the policy fails, or the two cannot be merged.`,
		Example: `  yardarm diff main                            what lies here, against main
  yardarm diff main checkout-step-2            a branch
  yardarm diff v1.4.0 --environment production
  yardarm diff main --at 2026-12-24T09:00:00Z  as if it were merged on Christmas Eve
  yardarm diff origin/main --format github --write markdown=summary.md --write sarif=flags.sarif`,
		Args: oneOrTwoRevisions,
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			o.base = args[0]
			if len(args) > 1 {
				o.head = args[1]
			}
			if err := o.check(); err != nil {
				return err
			}
			root, err := a.flagRoot()
			if err != nil {
				return err
			}
			return a.judge(cmd.Context(), root, o)
		}),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.environment, "environment", "", "look at this environment only")
	complete(cmd, "environment", a.offerEnvironments)
	return cmd
}

func oneOrTwoRevisions(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return fmt.Errorf("name the branch or commit to compare with, such as main")
	case len(args) > 2 || args[0] == "" || args[len(args)-1] == "":
		return fmt.Errorf("%s takes one revision or two, but here are %d: %s", cmd.Name(), len(args), list(args))
	}
	return nil
}
