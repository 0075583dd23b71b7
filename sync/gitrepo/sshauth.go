package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// clientConfig says who we are and whom we trust. Files are read anew.
func (s *sshSession) clientConfig(ctx context.Context, config Config, host, user string) (*ssh.ClientConfig, error) {
	known, err := knownHosts(config.KnownHostsFile)
	if err != nil {
		return nil, err
	}
	auth, err := s.sshAuth(ctx, config)
	if err != nil {
		return nil, err
	}
	if user == "" {
		user = "git"
	}
	return &ssh.ClientConfig{
		User:              user,
		Auth:              []ssh.AuthMethod{auth},
		HostKeyCallback:   known.HostKeyCallback(),
		HostKeyAlgorithms: known.HostKeyAlgorithms(host),
	}, nil
}

// knownHosts reads the hosts to trust. There is no trust on first use.
func knownHosts(file string) (*knownhosts.HostKeyDB, error) {
	if file == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, fmt.Errorf("%w: name a known hosts file: %w", ErrHostKey, err)
		}
		file = filepath.Join(home, ".ssh", "known_hosts")
	}
	db, err := knownhosts.NewDB(file)
	if err != nil {
		return nil, fmt.Errorf("%w: read the known hosts: %w; ssh-keyscan HOST makes the lines, compare them with what the host publishes", ErrHostKey, err)
	}
	return db, nil
}

func (s *sshSession) sshAuth(ctx context.Context, config Config) (ssh.AuthMethod, error) {
	if config.SSHKeyFile != "" {
		return keyFile(config.SSHKeyFile)
	}
	if config.SSHAgent == "" {
		return nil, fmt.Errorf("%w: an ssh remote needs a key file or an ssh-agent", ErrAuth)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", config.SSHAgent)
	if err != nil {
		return nil, fmt.Errorf("%w: reach the ssh-agent: %w", ErrAuth, err)
	}
	s.agent = conn
	return ssh.PublicKeysCallback(agent.NewClient(conn).Signers), nil
}

func keyFile(file string) (ssh.AuthMethod, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: read the ssh key: %w", ErrAuth, err)
	}
	signer, err := ssh.ParsePrivateKey(pem)
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		return nil, fmt.Errorf("%w: the ssh key %s has a passphrase; use a deploy key without one, or an ssh-agent", ErrAuth, file)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the ssh key %s: %w", ErrAuth, file, err)
	}
	return ssh.PublicKeys(signer), nil
}
