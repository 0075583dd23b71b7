package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/sync/daemon"
)

// listenOptions are the flags of every daemon, wherever its flags come from: where it listens and to whom, and what it keeps.
type listenOptions struct {
	listen          string
	hosts           []string
	keys            string
	tlsCert, tlsKey string
	tlsClientCA     string
	insecure        bool
	maxSubscribers  int
}

func (o *listenOptions) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "the address to listen on; port 0 picks a free one")
	flags.StringSliceVar(&o.hosts, "host", nil, "a name that requests may ask for besides localhost, such as that of a proxy in front")
	flags.StringVar(&o.keys, "keys", "", "the file of the keys that may ask, a line each as 'yardarm key new' prints it (default: whoever can connect may)")
	flags.StringVar(&o.tlsCert, "tls-cert", "", "the certificate for TLS, as PEM")
	flags.StringVar(&o.tlsKey, "tls-key", "", "the private key of the certificate, as PEM")
	flags.StringVar(&o.tlsClientCA, "tls-client-ca", "", "the authorities, as PEM, of the certificate that whoever connects must then have")
	flags.IntVar(&o.maxSubscribers, "max-subscribers", 10_000, "how many may be connected at a time; each takes a file descriptor: see ulimit -n")
	flags.BoolVar(&o.insecure, "insecure", false, "listen off the loopback interface although there are no keys or no TLS: whoever can connect, or listen in, can read every flag")
}

// config says what every daemon is told. The state's folder is the one given or, for services of systemd, its.
func (o *listenOptions) config(a *app, stateDir string) daemon.Config {
	return daemon.Config{
		Listen: o.listen, Insecure: o.insecure, MaxSubscribers: o.maxSubscribers, Hosts: o.hosts, Version: version(), Logger: slog.New(slog.NewTextHandler(a.stderr, nil)),
		StateDir: cmp.Or(stateDir, os.Getenv("STATE_DIRECTORY")),
		KeysFile: o.keys, TLSCertFile: o.tlsCert, TLSKeyFile: o.tlsKey, TLSClientCAFile: o.tlsClientCA,
	}
}

// hint says how to subscribe to what listens at an address.
func (o *listenOptions) hint(command, address string) string {
	feed, key := "ws://"+address+"/feed", ""
	if o.tlsCert != "" {
		feed = "wss://" + address + "/feed"
	}
	if o.keys != "" {
		key = " --key-file FILE"
	}
	return fmt.Sprintf("yardarm %s: subscribe at %s, for example\n  yardarm watch --environment production%s %s\n", command, feed, key, feed)
}
