package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh"
)

// An sshSession runs git-upload-pack or git-receive-pack on the remote over one connection. go-git has an ssh transport too, but that connects
// without regard to a context, reads ~/.ssh/config and the environment, and shares its agent process-wide.
type sshSession struct {
	conn    net.Conn
	client  *ssh.Client
	session *ssh.Session
	stdin   io.WriteCloser
	stdout  io.Reader
	stderr  *firstLine
	unhook  func() bool
	agent   io.Closer // nil without an agent
}

// dialSSH connects and starts the command of a service. Everything ends when ctx does.
func dialSSH(ctx context.Context, config Config, at location, service string) (_ *sshSession, err error) {
	port := at.endpoint.Port
	if port == 0 {
		port = 22
	}
	host := net.JoinHostPort(strings.Trim(at.endpoint.Host, "[]"), strconv.Itoa(port))
	s := &sshSession{stderr: new(firstLine)}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	client, err := s.clientConfig(ctx, config, host, at.user)
	if err != nil {
		return nil, err
	}
	if err := s.connect(ctx, host, client, sshCommand(service, at.endpoint.Path)); err != nil {
		return nil, &remoteError{err}
	}
	return s, nil
}

func (s *sshSession) connect(ctx context.Context, host string, config *ssh.ClientConfig, command string) (err error) {
	if s.conn, err = new(net.Dialer).DialContext(ctx, "tcp", host); err != nil {
		return err
	}
	s.unhook = context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	conn, channels, requests, err := ssh.NewClientConn(s.conn, host, config)
	if err != nil {
		return err
	}
	s.client = ssh.NewClient(conn, channels, requests)
	return s.start(command)
}

func (s *sshSession) start(command string) (err error) {
	if s.session, err = s.client.NewSession(); err != nil {
		return err
	}
	if s.stdin, err = s.session.StdinPipe(); err != nil {
		return err
	}
	if s.stdout, err = s.session.StdoutPipe(); err != nil {
		return err
	}
	s.session.Stderr = s.stderr
	return s.session.Start(command)
}

func sshCommand(service, path string) string {
	if strings.HasPrefix(path, "/~") {
		path = path[1:] // ssh://host/~user/repository, as git has it
	}
	return service + " " + shellQuote(path)
}

// shellQuote quotes as git does: for any POSIX shell, with ! also kept from csh.
func shellQuote(s string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(s) + "'"
}

// AdvertisedReferences implements [transport.Session].
func (s *sshSession) AdvertisedReferences() (*packp.AdvRefs, error) {
	return s.AdvertisedReferencesContext(context.Background())
}

// AdvertisedReferencesContext implements [transport.Session]. The context is dialSSH's.
func (s *sshSession) AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error) {
	refs := packp.NewAdvRefs()
	err := refs.Decode(s.stdout)
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && refs.IsEmpty():
		return nil, transport.ErrEmptyRemoteRepository
	case errors.Is(err, packp.ErrEmptyInput):
		_ = s.stdin.Close()
		_ = s.session.Wait() // until stderr is read
		return nil, refusal(s.stderr.String())
	case err != nil:
		return nil, err
	}
	transport.FilterUnsupportedCapabilities(refs.Capabilities)
	return refs, nil
}

// refusal reads what a server says on stderr in place of an answer.
func refusal(line string) error {
	for _, phrase := range []string{"not found", "does not exist", "does not appear to be a git repository", "could not be found", "no such repository"} {
		if strings.Contains(strings.ToLower(line), phrase) {
			return transport.ErrRepositoryNotFound
		}
	}
	if line == "" {
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("the server says %q", line)
}

// UploadPack implements [transport.UploadPackSession]. The context is dialSSH's.
func (s *sshSession) UploadPack(_ context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	if req.IsEmpty() {
		return nil, transport.ErrEmptyUploadPackRequest
	}
	var text bytes.Buffer
	if err := req.UploadRequest.Encode(&text); err != nil {
		return nil, err
	}
	if err := req.UploadHaves.Encode(&text, true); err != nil {
		return nil, err
	}
	if err := pktline.NewEncoder(&text).EncodeString("done\n"); err != nil {
		return nil, err
	}
	if _, err := s.stdin.Write(text.Bytes()); err != nil {
		return nil, err
	}
	if err := s.stdin.Close(); err != nil {
		return nil, err
	}
	res := packp.NewUploadPackResponse(req)
	return res, res.Decode(io.NopCloser(s.stdout))
}

// ReceivePack implements [transport.ReceivePackSession]. The context is dialSSH's.
func (s *sshSession) ReceivePack(_ context.Context, req *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	if err := req.Encode(s.stdin); err != nil {
		return nil, err
	}
	if err := s.stdin.Close(); err != nil {
		return nil, err
	}
	report := packp.NewReportStatus()
	if err := report.Decode(s.stdout); err != nil {
		return nil, err
	}
	return report, report.Error()
}

// Close implements [io.Closer].
func (s *sshSession) Close() error {
	if s.unhook != nil {
		s.unhook()
	}
	if s.agent != nil {
		_ = s.agent.Close()
	}
	if s.client != nil {
		return s.client.Close()
	}
	if s.conn != nil {
		return s.conn.Close()
	}
	return nil
}

// A firstLine keeps the first line that is written to it, cut to a sensible length and printable.
type firstLine struct {
	mu   sync.Mutex
	text []byte
}

// Write implements [io.Writer]; it never fails.
func (f *firstLine) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = append(f.text, p[:min(len(p), max(0, 300-len(f.text)))]...)
	return len(p), nil
}

func (f *firstLine) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	line, _, _ := strings.Cut(strings.TrimSpace(string(f.text)), "\n")
	return line
}
