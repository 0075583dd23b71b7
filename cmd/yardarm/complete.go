package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
)

// complete has the shell offer values for a flag of a command.
func complete(cmd *cobra.Command, flag string, values cobra.CompletionFunc) {
	_ = cmd.RegisterFlagCompletionFunc(flag, values) // it fails for a flag that is not there, of which nothing is to be offered
}

// offer completes one of the values given.
func offer(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

// offerFlags completes the key of a flag, as the only argument.
func (a *app) offerFlags(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	var keys []string
	if out := a.compileQuietly(cmd); out != nil && len(args) == 0 {
		for _, flag := range out.Flags {
			if strings.HasPrefix(flag.Key, begun) {
				keys = append(keys, flag.Key)
			}
		}
	}
	return keys, cobra.ShellCompDirectiveNoFileComp
}

// offerEnvironments completes the name of an environment.
func (a *app) offerEnvironments(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	if out := a.compileQuietly(cmd); out != nil {
		return out.Project.Environments, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// offerCUE completes the names of CUE files.
func offerCUE(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"cue"}, cobra.ShellCompDirectiveFilterFileExt
}

// compileQuietly compiles the flag repository, with errors or not; nil where there is none to compile.
func (a *app) compileQuietly(cmd *cobra.Command) *compile.Output {
	root, err := a.flagRoot()
	if err != nil {
		return nil
	}
	compiler, err := compile.New(compile.Config{CacheDir: cacheDir("compile")})
	if err != nil {
		return nil
	}
	out, err := compiler.Compile(cmd.Context(), os.DirFS(root), eval.At{})
	if err != nil {
		return nil
	}
	return out
}
