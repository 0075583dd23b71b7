package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, and the versions of what must agree between programs",
		Example: "  yardarm version",
		Args:    noArgs,
		RunE: a.runs(func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(a.stdout, versions())
			return err
		}),
	}
}

// versions is what the command version, and the flag --version, print.
func versions() string {
	return fmt.Sprintf("yardarm %s\ncompiler %s, format %d, bucketing %s, protocol %s\n%s %s/%s\n",
		version(), compile.Version, eval.Format, eval.Bucketing, feed.Subprotocol, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// version is the module's version as the Go toolchain recorded it, "devel" for a build from a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
