package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// connectOptions are the flags of what asks a daemon: with which key, and how it is known.
type connectOptions struct {
	keyFile, caFile, certFile, certKeyFile string
}

func (o *connectOptions) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.keyFile, "key-file", "", "a file with the key to show to the daemon, where it wants one")
	flags.StringVar(&o.caFile, "ca-file", "", "the certificate authorities of the daemon, as PEM (default: the system's)")
	flags.StringVar(&o.certFile, "cert", "", "the certificate to show to the daemon, as PEM, where it wants one")
	flags.StringVar(&o.certKeyFile, "cert-key", "", "the private key of --cert")
}

// tls reads the files; nil: there are none, and what is usual will do.
func (o *connectOptions) tls() (*tls.Config, error) {
	if o.caFile == "" && o.certFile == "" && o.certKeyFile == "" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.caFile != "" {
		text, err := os.ReadFile(o.caFile)
		if err != nil {
			return nil, usageError{err}
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, usagef("--ca-file: there is no certificate as PEM in %s", o.caFile)
		}
	}
	if o.certFile != "" || o.certKeyFile != "" {
		certificate, err := tls.LoadX509KeyPair(o.certFile, o.certKeyFile)
		if err != nil {
			return nil, usageError{fmt.Errorf("--cert and --cert-key: %w", err)}
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}
