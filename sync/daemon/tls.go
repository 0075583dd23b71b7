package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
)

// secured is a listener that speaks TLS as the files say at each handshake, where there are such files.
func (d *Daemon) secured(listener net.Listener) net.Listener {
	if d.config.TLSCertFile == "" {
		return listener
	}
	return tls.NewListener(listener, &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return d.tls.Load(), nil },
	})
}

// readCertificates reads the files of TLS, where there are some.
func (d *Daemon) readCertificates() error {
	if d.config.TLSCertFile == "" {
		return nil
	}
	files := []string{d.config.TLSCertFile, d.config.TLSKeyFile}
	if d.config.TLSClientCAFile != "" {
		files = append(files, d.config.TLSClientCAFile)
	}
	return d.rely("certificates", func(texts [][]byte) error {
		config, err := tlsConfig(texts)
		if err == nil {
			d.tls.Store(config)
		}
		return err
	}, files...)
}

// tlsConfig gives what the texts of a certificate, its key and, perhaps, the authorities of clients' certificates say.
func tlsConfig(texts [][]byte) (*tls.Config, error) {
	certificate, err := tls.X509KeyPair(texts[0], texts[1])
	if err != nil {
		return nil, err
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate},
		NextProtos: []string{"http/1.1"}, // a websocket is none of HTTP/2's
	}
	if len(texts) > 2 {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(texts[2]) {
			return nil, errors.New("there is no certificate of an authority for clients, as PEM")
		}
	}
	return config, nil
}
