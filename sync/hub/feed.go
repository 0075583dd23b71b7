package hub

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yardarm-io/yardarm/sync/feed"
)

// maxName is the longest name in bytes that a client may give itself.
const maxName = 200

// hello is what a client says of itself in the URL.
type hello struct {
	environment       string
	service, instance string
	have              string // digest, or ""
	revision          string // that the client is at, or ""
	overlay           uint64 // that it saw of that revision
}

func (h hello) client() string { return strings.TrimSuffix(h.service+"/"+h.instance, "/") }

// httpError is an answer other than the one asked for.
type httpError struct {
	status int
	text   string
}

func (e *httpError) Error() string { return e.text }

func badRequest(format string, args ...any) error {
	return &httpError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// answer writes err as a plain text.
func answer(w http.ResponseWriter, err error) {
	if denial, ok := errors.AsType[*DeniedError](err); ok {
		denial.Answer(w)
		return
	}
	var e *httpError
	if !errors.As(err, &e) {
		e = &httpError{http.StatusInternalServerError, err.Error()}
	}
	if e.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, e.text, e.status)
}

// Feed is the handler of GET /feed, which makes a websocket of the request: docs/protocol.md has the parameters, messages
// and errors. It returns once the subscriber is connected; the rest is Run's to wait for.
func (h *Hub) Feed() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isUpgrade(r) {
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Connection", "Upgrade")
			answer(w, &httpError{http.StatusUpgradeRequired,
				"this is a websocket (ws:// or wss://, subprotocol " + feed.Subprotocol + "); for plain HTTP use /snapshot?environment=NAME"})
			return
		}
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close") // and the body is not waited for
			answer(w, badRequest("a websocket handshake has no body"))
			return
		}
		asked, err := h.request(r)
		if err == nil {
			err = h.admit(&asked)
		}
		if err != nil {
			answer(w, err)
			return
		}
		h.connect(w, r, asked)
	})
}

// connect turns an admitted request into a subscriber.
func (h *Hub) connect(w http.ResponseWriter, r *http.Request, asked request) {
	c, err := h.upgrader.upgrade(w, r)
	if err != nil {
		h.config.Logger.Info("websocket handshake failed", "error", err, "remote", r.RemoteAddr)
		h.discharge(asked.env, asked.access)
		return
	}
	s := newSubscriber(h, asked, c, r.RemoteAddr)
	s.logger().Debug("subscriber connected", "have", asked.have)
	s.env.roster.add(s)
	h.changed()
	s.env.follow() // a part that had no subscribers may have missed a state
	h.greet(s)
	// In a goroutine of its own, so that the buffers and the stack of the HTTP server are freed.
	go s.run()
}

// greet tells a subscriber who came in while the door was closing; whoever closed it may not have seen it.
func (h *Hub) greet(s *subscriber) {
	h.mu.Lock()
	phase, gone := h.phase, s.env.gone
	if s.env.whole != nil {
		gone = s.env.whole.gone
	}
	h.mu.Unlock()
	switch {
	case phase == stopped:
		s.end(errStopped)
	case phase == draining:
		s.farewell(restarting(1))
	case gone:
		s.farewell(goneGoodbye(s.env.name))
	default:
		s.recheck()
	}
}

// leave is the end of a subscriber: its connection is closed and its writer over.
func (h *Hub) leave(s *subscriber) {
	s.env.roster.remove(s)
	h.relays.leave(s)
	h.changed()
	if ordinaryEnd(s.ended) || errors.Is(s.ended, errStopped) {
		s.logger().Debug("subscriber disconnected")
	} else {
		s.logger().Info("subscriber lost", "error", s.ended)
	}
	h.stats.ended(s.ended)
	h.discharge(s.env, s.access)
}

// request is what a request asks for, and may have.
type request struct {
	hello
	env    *environment
	access Access
}

// request reads the parameters of a request and finds what it asks for.
func (h *Hub) request(r *http.Request) (request, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return request{}, badRequest("the query of the URL is malformed: %v", err)
	}
	asked := hello{environment: query.Get("environment"), have: query.Get("have"), revision: query.Get("revision")}
	asked.service, asked.instance, _ = strings.Cut(query.Get("client"), "/")
	if overlay := query.Get("overlay"); overlay != "" {
		if asked.overlay, err = strconv.ParseUint(overlay, 10, 64); err != nil {
			return request{}, badRequest("overlay: a count is expected, not %.40q", overlay)
		}
	}
	if err := asked.check(query.Get("client")); err != nil {
		return request{}, err
	}
	access, err := h.authorize(r, asked.environment)
	if err != nil {
		return request{}, err
	}
	env, err := h.find(asked.environment, access)
	if err != nil {
		return request{}, err
	}
	return request{asked, h.part(env, access), access}, nil
}

func (h hello) check(client string) error {
	switch {
	case !isName(client):
		return badRequest("client: a name such as checkout/pod-7 is expected, of at most %d printable bytes", maxName)
	case h.have != "" && !feed.ValidDigest(h.have):
		return badRequest("have: a digest of 64 lower-case hexadecimal digits is expected, not %.80q", h.have)
	case !isName(h.revision):
		return badRequest("revision: a commit is expected, of at most %d printable bytes", maxName)
	}
	return nil
}

func isName(s string) bool {
	return len(s) <= maxName && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// find gives the environment served under name. Those that there are it tells only where there are no keys.
func (h *Hub) find(name string, access Access) (*environment, error) {
	if env := h.lookup(name); env != nil {
		return env, nil
	}
	known := h.Environments()
	switch {
	case len(known) == 0:
		return nil, &httpError{http.StatusServiceUnavailable, "no flags have been read yet: try again"}
	case access.Key != "":
		return nil, &httpError{http.StatusNotFound, fmt.Sprintf("there is no environment %q", name)}
	case name == "":
		return nil, badRequest("the parameter environment is missing: one of %s", strings.Join(known, ", "))
	}
	return nil, &httpError{http.StatusNotFound, fmt.Sprintf("there is no environment %q: one of %s", name, strings.Join(known, ", "))}
}

// admit counts a subscriber in; discharge counts it out.
func (h *Hub) admit(asked *request) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.phase != serving {
		return &httpError{http.StatusServiceUnavailable, "the server is shutting down"}
	}
	if h.connections >= h.config.MaxConnections {
		return &httpError{http.StatusServiceUnavailable, fmt.Sprintf("the limit of %d subscribers is reached", h.config.MaxConnections)}
	}
	key := asked.access.Key
	if most := h.most(asked.access); h.byKey[key] >= most {
		return &DeniedError{http.StatusTooManyRequests, fmt.Sprintf("the limit of %d subscribers with this key is reached", most), time.Second}
	}
	h.connections++
	h.byKey[key]++
	asked.env = asked.env.occupy()
	h.readers.Add(1)
	return nil
}

func (h *Hub) discharge(env *environment, a Access) {
	h.mu.Lock()
	h.connections--
	env.users--
	if h.byKey[a.Key]--; h.byKey[a.Key] == 0 {
		delete(h.byKey, a.Key)
	}
	h.mu.Unlock()
	h.readers.Done()
}
