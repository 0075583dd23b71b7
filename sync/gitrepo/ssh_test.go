package gitrepo_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// An sshHost runs git-upload-pack for whoever has its one key, as a Git host does.
type sshHost struct {
	address string
	key     ssh.Signer // the host's
	client  ed25519.PrivateKey
	command string // the last one asked for
	mu      sync.Mutex
}

func newSSHHost(t *testing.T) *sshHost {
	t.Helper()
	_, hostKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, clientKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h := &sshHost{client: clientKey}
	if h.key, err = ssh.NewSignerFromKey(hostKey); err != nil {
		t.Fatal(err)
	}
	allowed, err := ssh.NewPublicKey(clientKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if meta.User() != "git" || string(key.Marshal()) != string(allowed.Marshal()) {
			return nil, os.ErrPermission
		}
		return nil, nil
	}}
	config.AddHostKey(h.key)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.address = listener.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { h.serve(conn, config) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return h
}

func (h *sshHost) serve(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for wanted := range channels {
		channel, requests, err := wanted.Accept()
		if err != nil {
			return
		}
		for req := range requests {
			var exec struct{ Command string }
			ok := req.Type == "exec" && ssh.Unmarshal(req.Payload, &exec) == nil
			_ = req.Reply(ok, nil)
			if ok {
				h.run(channel, exec.Command)
			}
		}
	}
}

func (h *sshHost) run(channel ssh.Channel, command string) {
	defer channel.Close()
	h.mu.Lock()
	h.command = command
	h.mu.Unlock()
	cmd := exec.Command("sh", "-c", command)
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	status := struct{ Status uint32 }{1}
	stdin, err := cmd.StdinPipe() // a copy that Wait doesn't wait for, since the client may keep its end open
	if err == nil && cmd.Start() == nil {
		go func() {
			_, _ = io.Copy(stdin, channel)
			_ = stdin.Close()
		}()
		if cmd.Wait() == nil {
			status.Status = 0
		}
	}
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(status))
}

// keyFile writes a private key, encrypted when there is a passphrase.
func keyFile(t *testing.T, key ed25519.PrivateKey, passphrase string) string {
	t.Helper()
	var block *pem.Block
	var err error
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return write(t, string(pem.EncodeToMemory(block)))
}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func (h *sshHost) known(t *testing.T, key ssh.PublicKey) string {
	t.Helper()
	return write(t, knownhosts.Line([]string{h.address}, key)+"\n")
}

func TestSSH(t *testing.T) {
	host := newSSHHost(t)
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	config := gitrepo.Config{
		URL:            "ssh://" + host.address + server.Bare,
		SSHKeyFile:     keyFile(t, host.client, ""),
		KnownHostsFile: host.known(t, host.key.PublicKey()),
	}
	r := open(t, config)
	fetch(t, r, tip)
	fetch(t, r, server.Push("two", flagFile("2")))
	if want := "git-upload-pack '" + server.Bare + "'"; host.command != want {
		t.Errorf("command is %q, want %q", host.command, want)
	}

	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	otherKey, err := ssh.NewPublicKey(other.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		edit  func(*gitrepo.Config)
		kind  error
		parts []string
	}{
		{"unknown host", func(c *gitrepo.Config) { c.KnownHostsFile = write(t, "") }, gitrepo.ErrHostKey, []string{"ssh-keyscan"}},
		{"no known hosts", func(c *gitrepo.Config) { c.KnownHostsFile = "/nowhere/known_hosts" }, gitrepo.ErrHostKey, []string{"/nowhere/known_hosts"}},
		{"other host key", func(c *gitrepo.Config) { c.KnownHostsFile = host.known(t, otherKey) }, gitrepo.ErrHostKey, []string{"another", "correct /"}},
		{"other key", func(c *gitrepo.Config) { c.SSHKeyFile = keyFile(t, other, "") }, gitrepo.ErrAuth, []string{"does not accept the ssh key /"}},
		{"other user", func(c *gitrepo.Config) { c.URL = strings.Replace(c.URL, "://", "://ada@", 1) }, gitrepo.ErrAuth, nil},
		{"passphrase", func(c *gitrepo.Config) { c.SSHKeyFile = keyFile(t, host.client, "pass") }, gitrepo.ErrAuth, []string{"passphrase"}},
		{"no key file", func(c *gitrepo.Config) { c.SSHKeyFile = "/nowhere/key" }, gitrepo.ErrAuth, []string{"/nowhere/key"}},
		{"no key", func(c *gitrepo.Config) { c.SSHKeyFile = write(t, "x") }, gitrepo.ErrAuth, nil},
		{"nothing to log in with", func(c *gitrepo.Config) { c.SSHKeyFile = "" }, gitrepo.ErrAuth, []string{"ssh-agent"}},
		{"no repository", func(c *gitrepo.Config) { c.URL += "x's" }, gitrepo.ErrNoRepository, nil},
		{"no branch", func(c *gitrepo.Config) { c.Branch = "trunk" }, gitrepo.ErrNoBranch, []string{"main"}},
		{"nobody there", func(c *gitrepo.Config) { c.URL = "ssh://127.0.0.1:1/x" }, gitrepo.ErrUnreachable, []string{"refused"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := config
			test.edit(&c)
			_, err := open(t, c).Fetch(t.Context())
			requireError(t, err, test.kind, test.parts...)
		})
	}
}

func TestSSHEmptyRepository(t *testing.T) {
	host := newSSHHost(t)
	server := gitrepotest.NewServer(t)
	r := open(t, gitrepo.Config{
		URL:            "ssh://" + host.address + server.Bare,
		SSHKeyFile:     keyFile(t, host.client, ""),
		KnownHostsFile: host.known(t, host.key.PublicKey()),
	})
	_, err := r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrEmpty)
}

func TestSSHAgent(t *testing.T) {
	host := newSSHHost(t)
	server := gitrepotest.NewServer(t)
	tip := server.Push("one", flagFile("1"))
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: host.client}); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "agent") //nolint:usetesting // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { _ = agent.ServeAgent(keys, conn) })
		}
	})
	r := open(t, gitrepo.Config{
		URL:            "ssh://git@" + host.address + server.Bare,
		SSHAgent:       filepath.Join(dir, "s"),
		KnownHostsFile: host.known(t, host.key.PublicKey()),
	})
	fetch(t, r, tip)
	_ = listener.Close()
	serving.Wait() // the agent's connections must have been closed
}

// TestSSHStalls has a host that accepts the connection and says nothing: go-git's own transport would wait for ever.
func TestSSHStalls(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	host := newSSHHost(t)
	r := open(t, gitrepo.Config{
		URL:            "ssh://" + listener.Addr().String() + "/x",
		SSHKeyFile:     keyFile(t, host.client, ""),
		KnownHostsFile: host.known(t, host.key.PublicKey()),
		Timeout:        20 * time.Millisecond,
	})
	_, err = r.Fetch(t.Context())
	requireError(t, err, gitrepo.ErrTimeout, "no answer for 20ms")
}
