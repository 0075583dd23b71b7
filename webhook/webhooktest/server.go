package webhooktest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// enterprise is where a GitHub Enterprise server has its API.
const enterprise = "/api/v3/"

// maxBody bounds a request.
const maxBody = 1 << 20

// A Server is a GitHub with one repository, an App that is installed there, and a user with a token.
type Server struct {
	// URL is the address of the API, EnterpriseURL the same as a GitHub Enterprise server has it. Both end with a slash.
	URL, EnterpriseURL string
	// CAFile holds the certificate to trust, in PEM form.
	CAFile string
	// Repository is the full name of the repository: acme/flags.
	Repository string
	// TokenFile holds the token of TokenUser.
	TokenFile, TokenUser string
	// AppID and AppKeyFile are those of an App, Installation is its id in Repository, and AppUser who comments for it.
	AppID, Installation int64
	AppKeyFile, AppUser string
	// TokenLife is how long a token of the installation is good. It is an hour, as GitHub's.
	TokenLife time.Duration

	t           testing.TB
	description *description
	key         *rsa.PrivateKey

	mu sync.Mutex
	state
}

// appKey is made once: it takes a while.
var appKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// NewServer starts a server; it ends with the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	description, err := described()
	if err != nil {
		t.Fatal(err)
	}
	key, err := appKey()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{
		Repository: "acme/flags", TokenUser: "yardarm-bot", AppID: 4711, Installation: 815, AppUser: "yardarm[bot]", TokenLife: time.Hour,
		t: t, description: description, key: key,
	}
	s.state = state{
		last: 1000, pulls: map[int]Pull{}, reviews: map[int][]Review{}, teams: map[string][]string{}, users: map[string]string{},
		grants: map[string]grant{},
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that trust nobody are a test of their own
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	s.URL = server.URL + "/"
	s.EnterpriseURL = server.URL + enterprise
	s.writeFiles(server.Certificate())
	return s
}

func (s *Server) writeFiles(certificate *x509.Certificate) {
	dir := s.t.TempDir()
	write := func(name string, content []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, content, 0o600); err != nil {
			s.t.Fatal(err)
		}
		return name
	}
	s.CAFile = write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
	s.AppKeyFile = write("app.pem", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(s.key)}))
	token := "ghp_" + rand.Text()
	s.users[token] = s.TokenUser
	s.TokenFile = write("token", []byte(token+"\n"))
}

// lock locks the state; what it gives unlocks it.
func (s *Server) lock() func() {
	s.mu.Lock()
	return s.mu.Unlock
}

func (s *Server) now() time.Time { return time.Now().Add(s.ahead) }

// reply is an answer; its body is written as JSON, and nil is none.
type reply struct {
	status int
	body   any
	header map[string]string
}

func problem(status int, format string, args ...any) reply {
	return reply{status: status, body: map[string]any{
		"message": fmt.Sprintf(format, args...), "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status),
	}}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.t.Errorf("%s %s: read the request: %v", r.Method, r.URL.Path, err)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	unlock := s.lock()
	s.requests = append(s.requests, Request{Method: r.Method, Path: r.URL.RequestURI(), Body: string(body), Header: r.Header.Clone()})
	fault := s.fault(r)
	unlock()
	if fault != nil && !fault.After {
		s.misbehave(w, r, fault)
		return
	}
	answer := s.answer(r, body)
	if fault != nil {
		s.misbehave(w, r, fault)
		return
	}
	write(w, answer)
}

// answer checks the request, carries it out, and checks the reply.
func (s *Server) answer(r *http.Request, body []byte) reply {
	base := "https://" + r.Host + "/"
	if strings.HasPrefix(r.URL.Path, enterprise) {
		base += enterprise[1:]
		r.URL.Path = "/" + strings.TrimPrefix(r.URL.Path, enterprise)
	}
	route, params := find(r)
	if route == nil {
		s.t.Errorf("%s %s is a request that no one is known to make", r.Method, r.URL.Path)
		return problem(http.StatusNotFound, "Not Found")
	}
	if err := s.description.checkRequest(r, body, route, params); err != nil {
		s.t.Errorf("%s %s %s: the request is not as GitHub describes it: %v", r.Method, r.URL.RequestURI(), body, err)
		return problem(http.StatusUnprocessableEntity, "Validation Failed")
	}
	answer := s.carryOut(&call{request: r, params: params, body: body, base: base}, route)
	if err := s.description.checkReply(route, answer); err != nil {
		s.t.Errorf("%s %s: the reply is not as GitHub describes it: %v", r.Method, r.URL.RequestURI(), err)
	}
	return answer
}

func (s *Server) carryOut(c *call, route *route) reply {
	defer s.lock()()
	if c.request.Header.Get("User-Agent") == "" {
		return problem(http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header")
	}
	var ok bool
	if c.who, ok = s.authenticate(c.request); !ok || !strings.Contains(route.who, c.who.kind) {
		return problem(http.StatusUnauthorized, "Bad credentials")
	}
	if owner, repo := c.params["owner"], c.params["repo"]; owner != "" && owner+"/"+repo != s.Repository {
		return problem(http.StatusNotFound, "Not Found")
	}
	return route.serve(s, c)
}

// misbehave answers as a fault says. What it says in JSON is GitHub's error, too.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, fault *Fault) {
	if fault.Until != nil {
		select {
		case <-fault.Until:
		case <-r.Context().Done():
		}
	}
	if fault.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	if strings.HasPrefix(fault.Body, "{") {
		var body any
		if err := json.Unmarshal([]byte(fault.Body), &body); err != nil {
			s.t.Errorf("a fault's body: %v", err)
		} else if err := s.description.checkError(body); err != nil {
			s.t.Errorf("a fault's body is not as GitHub describes it: %v", err)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	for name, value := range fault.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(fault.Status)
	_, _ = io.WriteString(w, fault.Body) // the client may be gone
}

func write(w http.ResponseWriter, answer reply) {
	for name, value := range answer.header {
		w.Header().Set(name, value)
	}
	if answer.body == nil {
		w.WriteHeader(answer.status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(answer.status)
	_ = json.NewEncoder(w).Encode(answer.body) // the client may be gone
}
