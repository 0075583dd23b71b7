package main

import (
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/sync/daemon"
)

// natsOptions are the flags of daemons that write to NATS, or read from it.
type natsOptions struct {
	nats       []string
	natsCreds  string
	natsCA     string
	natsBucket string
}

func (o *natsOptions) flags(cmd *cobra.Command, servers string) {
	flags := cmd.Flags()
	flags.StringSliceVar(&o.nats, "nats", nil, servers)
	flags.StringVar(&o.natsCreds, "nats-creds", "", "a file of NATS credentials, read again at each connection")
	flags.StringVar(&o.natsCA, "nats-ca", "", "the authorities, as PEM, of the NATS servers' certificates (default: the system's)")
	flags.StringVar(&o.natsBucket, "nats-bucket", "yardarm", "the key-value bucket and the object store there; each flag repository needs one of its own")
}

func (o *natsOptions) config() daemon.NATS {
	config := daemon.NATS{CredentialsFile: o.natsCreds, CAFile: o.natsCA, Bucket: o.natsBucket}
	for _, server := range o.nats {
		if !strings.Contains(server, "://") {
			server = "nats://" + server
		}
		config.URLs = append(config.URLs, server)
	}
	return config
}

// natsConfig says how to relay what is in NATS.
func (o *relayOptions) natsConfig(config daemon.Config) daemon.Config {
	config.NATS = o.natsOptions.config()
	config.NATS.Relay, config.NATS.Environments = true, o.environments
	if config.StateDir == "" {
		hosts := []string{o.natsBucket}
		for _, server := range config.NATS.URLs {
			if u, err := url.Parse(server); err == nil {
				hosts = append(hosts, u.Host) // without a password, which may change
			}
		}
		slices.Sort(hosts[1:])
		config.StateDir = cacheDir(stateName("relay", hosts...))
	}
	return config
}
