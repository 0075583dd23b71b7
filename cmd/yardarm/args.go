package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// noArgs refuses arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments, but here is %q", cmd.Name(), args[0])
	}
	return nil
}

// oneArg demands an argument and says what it is, with an example: "name a flag, such as checkout.new-payment".
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return fmt.Errorf("%s", what)
		case 1:
			return nil
		}
		return fmt.Errorf("%s takes one argument, but here are %d: %s", cmd.Name(), len(args), list(args))
	}
}
