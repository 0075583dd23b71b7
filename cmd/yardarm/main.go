// Command yardarm keeps feature flags as CUE files in a Git repository: it checks them, serves them to subscribers over
// websockets, and answers for people what a service would be told.
//
// One file a command; main.go has what they share. Exit codes: 0 all is well, 1 problems found or something failed,
// 2 the command line or what it names is wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/worker"
	"github.com/yardarm-io/yardarm/sync/gitrepo/pull"
)

func main() {
	worker.Main(map[string]worker.Handler{compile.Worker: compile.Work, pull.Worker: pull.Work})
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once, whatever it waits for
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// The exit codes of every command.
const (
	exitGood     = 0
	exitProblems = 1
	exitUsage    = 2
)

// errProblems ends a command whose findings have been printed already.
var errProblems = errors.New("problems found")

// usageError is a mistake in the command line or in what it names: exit code 2.
type usageError struct{ error }

// Unwrap gives the mistake itself.
func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// app is what the commands share: the standard streams and the flags that every command takes.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	repo           string
	started        bool // a command's own code runs: errors before that are cobra's, about usage
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	var usage usageError
	switch {
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitGood
	case errors.Is(err, errProblems):
		return exitProblems
	case !a.started || errors.As(err, &usage):
		fmt.Fprintf(stderr, "yardarm: %v\n", err)
		if !a.started {
			fmt.Fprintf(stderr, "Try '%s --help'.\n", cmd.CommandPath())
		}
		return exitUsage
	default:
		fmt.Fprintf(stderr, "yardarm: %v\n", err)
		return exitProblems
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "yardarm",
		Short: "Feature flags as CUE files in a Git repository, alive in every service",
		Long: `Yardarm keeps feature flags as CUE files in a Git repository: pull requests change them, ` + "`yardarm check`" + ` validates
them, and ` + "`yardarm serve`" + ` sends each commit to every subscribed service the moment it lands.`,
		Example: `  yardarm init                                  start a flag repository in this folder
  yardarm new checkout.new-payment              write a flag file, with comments that explain it
  yardarm check                                 validate every flag and run the flag tests
  yardarm diff main                             tell whom that affects, before it is merged
  yardarm eval checkout.new-payment --environment production --context '{"targetingKey": "user-1"}'
  yardarm serve                                 send out the commits of this repository
  yardarm watch --environment production ws://127.0.0.1:8080/feed`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetVersionTemplate(versions())
	root.PersistentFlags().StringVar(&a.repo, "repo", ".", "the flag repository: its folder, or one inside it")
	root.AddCommand(a.initCommand(), a.newCommand(), a.checkCommand(), a.diffCommand(), a.fmtCommand(), a.compileCommand(),
		a.evalCommand(), a.serveCommand(), a.relayCommand(), a.watchCommand(), a.statusCommand(), a.waitCommand(), a.logCommand(),
		a.holdCommand(), a.releaseCommand(), a.holdsCommand(), a.benchCommand(), a.keyCommand(),
		a.webhookCommand(), a.upgradeCommand(), a.versionCommand(), a.readyCommand())
	return root
}

// knownCommand refuses arguments that are no command, and names the commands that are near.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("there is no command %q; did you mean %s?", args[0], list(near))
	}
	return fmt.Errorf("there is no command %q", args[0])
}

// runs makes a command's function: from its start on, errors are no longer cobra's.
func (a *app) runs(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		return f(cmd, args)
	}
}
