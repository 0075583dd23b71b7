package gitrepotest

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/http/cgi"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A Server is a Git host with one repository, flags.git. Its methods may be called from any goroutine, but those of the
// embedded Checkout only from one.
type Server struct {
	// Checkout is a clone; Push sends what it commits to the server.
	*Checkout
	// URL is the address of the repository, without credentials.
	URL string
	// Bare is the folder of the repository itself.
	Bare string

	backend http.Handler
	address string

	mu       sync.Mutex
	server   *http.Server // nil when stopped
	active   sync.WaitGroup
	user     string
	password string
	stalled  chan struct{} // closed to go on; nil: not stalled
	requests int
}

// NewServer starts a server with an empty repository. It is stopped when the test ends.
func NewServer(t testing.TB) *Server {
	t.Helper()
	root := t.TempDir()
	s := &Server{Checkout: newCheckout(t), Bare: filepath.Join(root, "flags.git"), address: "127.0.0.1:0"}
	s.Git("init", "-q", "--bare", "-b", "main", s.Bare)
	s.Git("-C", s.Bare, "config", "http.receivepack", "true")
	s.Git("init", "-q", "-b", "main")
	s.Git("remote", "add", "origin", s.Bare)
	s.backend = &cgi.Handler{
		Path:   filepath.Join(s.Git("--exec-path"), "git-http-backend"),
		Dir:    root,
		Stderr: s.t.Output(),
		Env:    append(environment(s.home, s.clock), "GIT_PROJECT_ROOT="+root, "GIT_HTTP_EXPORT_ALL=1"),
	}
	s.Start()
	s.URL = "http://" + s.address + "/flags.git"
	t.Cleanup(s.Stop)
	return s
}

// Push commits files, as Checkout.Commit does, and pushes the branch that is checked out. It gives the commit's hash.
func (s *Server) Push(message string, files map[string]string) string {
	s.t.Helper()
	hash := s.Commit(message, files)
	s.Git("push", "-q", "origin", "HEAD")
	return hash
}

// ForcePush makes the server's branch main point to a revision of the checkout, whatever it pointed to, and checks it out.
func (s *Server) ForcePush(revision string) string {
	s.t.Helper()
	s.Git("reset", "-q", "--hard", revision)
	s.Git("push", "-q", "--force", "origin", "HEAD:refs/heads/main")
	return s.Head()
}

// DeleteBranch removes a branch from the server.
func (s *Server) DeleteBranch(name string) {
	s.t.Helper()
	s.Git("-C", s.Bare, "update-ref", "-d", "refs/heads/"+name)
}

// RequireAuth demands basic authentication from now on. With an empty user it demands none.
func (s *Server) RequireAuth(user, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user, s.password = user, password
}

// Stall makes requests from now on hang until Unstall, or until the client gives up.
func (s *Server) Stall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stalled == nil {
		s.stalled = make(chan struct{})
	}
}

// Unstall lets all requests go on.
func (s *Server) Unstall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stalled != nil {
		close(s.stalled)
		s.stalled = nil
	}
}

// Requests counts the requests received so far, refused ones too.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Stop closes the port and all connections, as when the host goes away. It waits until requests have ended.
func (s *Server) Stop() {
	s.Unstall()
	s.mu.Lock()
	server := s.server
	s.server = nil
	s.mu.Unlock()
	if server != nil {
		_ = server.Close()
		s.active.Wait()
	}
}

// Start serves again, on the same port as before.
func (s *Server) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return
	}
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		s.t.Fatalf("listen again: %v", err)
	}
	s.address = listener.Addr().String()
	server := &http.Server{Handler: http.HandlerFunc(s.serve)}
	s.server = server
	s.active.Go(func() { _ = server.Serve(listener) }) // until Stop
}

func (s *Server) serve(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	if s.server == nil { // stopped just now
		s.mu.Unlock()
		return
	}
	s.active.Add(1)
	defer s.active.Done()
	s.requests++
	user, password, stalled := s.user, s.password, s.stalled
	s.mu.Unlock()
	if stalled != nil {
		select {
		case <-stalled:
		case <-req.Context().Done():
			return
		}
	}
	if user != "" && !authorized(req, user, password) {
		w.Header().Set("WWW-Authenticate", `Basic realm="flags"`)
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	s.backend.ServeHTTP(w, req)
}

// authorized accepts basic authentication, and the password alone as a bearer token.
func authorized(req *http.Request, user, password string) bool {
	if bearer, found := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer "); found {
		return subtle.ConstantTimeCompare([]byte(bearer), []byte(password)) == 1
	}
	u, p, _ := req.BasicAuth()
	return u == user && subtle.ConstantTimeCompare([]byte(p), []byte(password)) == 1
}
