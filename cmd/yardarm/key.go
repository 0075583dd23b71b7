package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/sync/keys"
)

// keyOptions are the flags of key new.
type keyOptions struct {
	name, kind, expires string
	environments, flags []string
	connections         int
}

func (a *app) keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make keys for services and operators",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.keyNewCommand())
	return cmd
}

func (a *app) keyNewCommand() *cobra.Command {
	var o keyOptions
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Make a key, and the line of it for the keys file",
		Long: `New prints two lines: the key, which nobody can print again, for the service that is to use it; and its line for the file that
'yardarm serve --keys' reads, which has the key's hash only. To replace a key add the new line, give the service the new key, and remove
the old line: the daemon reads the file again when it changes.

A server's key gets the flags of its environments: all, or those that --flags names, with the prerequisites and segments that they need.
An operator's gets them all and may ask for /status too. A client's, for browsers and apps, gets answers only, never flags.`,
		Example: `  yardarm key new --name checkout --environment production
  yardarm key new --name search --environment production --environment staging --flags 'search.*' --expires 2027-06-30
  yardarm key new --name on-call --environment '*' --kind operator`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              a.runs(func(*cobra.Command, []string) error { return a.newKey(o) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.name, "name", "", "whose key it is, for people: it stands in the keys file, in logs and in /status")
	flags.StringSliceVar(&o.environments, "environment", nil, "an environment that the key may ask for; '*' for all")
	flags.StringVar(&o.kind, "kind", string(keys.Server), "what the key is for: server, client or operator")
	flags.StringSliceVar(&o.flags, "flags", nil, "a pattern of the flags that the key may see, such as 'checkout.*' (default: all)")
	flags.StringVar(&o.expires, "expires", "", "when it ends to be good, such as 2027-06-30 or 2027-06-30T12:00:00Z (default: never)")
	flags.IntVar(&o.connections, "connections", 0, "how many connections it may have at a time (default: half of what the daemon takes)")
	complete(cmd, "environment", a.offerEnvironments)
	complete(cmd, "flags", a.offerFlags)
	complete(cmd, "kind", offer(string(keys.Server), string(keys.Client), string(keys.Operator)))
	return cmd
}

func (a *app) newKey(o keyOptions) error {
	expires, err := expiry(o.expires)
	if err != nil {
		return err
	}
	key, text, err := keys.New(keys.Key{
		Name: o.name, Kind: keys.Kind(o.kind), Environments: o.environments, Flags: o.flags, Expires: expires, Connections: o.connections,
	})
	if err != nil {
		return usageError{err}
	}
	line, err := key.Line()
	if err != nil {
		return err
	}
	if isTerminal(a.stderr) {
		fmt.Fprintln(a.stderr, "The key, which is shown this once, and its line for the keys file:")
	}
	_, err = fmt.Fprintf(a.stdout, "%s\n%s\n", text, line)
	return err
}

// expiry reads a day, which ends then, or an instant; nil: never.
func expiry(text string) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if day, wrong := time.Parse(time.DateOnly, text); err != nil && wrong == nil {
		at, err = day.AddDate(0, 0, 1), nil
	}
	if err != nil {
		return nil, usagef("--expires %q: write a day such as 2027-06-30, or an instant such as 2027-06-30T12:00:00Z", text)
	}
	if at = at.UTC(); !at.After(time.Now()) {
		return nil, usagef("--expires %s has passed", text)
	}
	return &at, nil
}
