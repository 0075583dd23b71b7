package main

import (
	"bytes"
	"io"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/edit"
	"github.com/yardarm-io/yardarm/sync/feed"
)

func (a *app) compileCommand() *cobra.Command {
	var environment, output string
	cmd := &cobra.Command{
		Use:   "compile",
		Short: "Print an environment's snapshot, as services receive it",
		Long: `Compile prints the snapshot of one environment: a header line, then one line an item. A service can start from it as a
bootstrap file. Files that differ from the last commit give a revision that ends in "-dirty".`,
		Example: `  yardarm compile --environment production
  yardarm compile --environment production --output bootstrap.snapshot`,
		Args: noArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			at, err := a.position(cmd.Context())
			if err != nil {
				return err
			}
			out, err := a.compileGood(cmd.Context(), at)
			if err != nil {
				return err
			}
			snapshot, err := environmentOf(out, environment)
			if err != nil {
				return err
			}
			return a.writeTo(output, func(w io.Writer) error { return feed.WriteSnapshot(w, snapshot) })
		}),
	}
	cmd.Flags().StringVar(&environment, "environment", "", "the environment to compile for")
	complete(cmd, "environment", a.offerEnvironments)
	cmd.Flags().StringVarP(&output, "output", "o", "", "a file to write instead of standard output")
	return cmd
}

// writeTo writes a file, whole or not at all, or to standard output where none is named.
func (a *app) writeTo(file string, write func(io.Writer) error) error {
	if file == "" || file == "-" {
		return write(a.stdout)
	}
	var text bytes.Buffer
	if err := write(&text); err != nil {
		return err
	}
	return edit.WriteFile(file, text.Bytes())
}
