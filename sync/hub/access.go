package hub

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// Access is what a request may read, and for how long.
type Access struct {
	// Key names the key that the request came with, without giving it away; "": it has none.
	Key string
	// Connections bounds the subscribers of Key; 0: half of all that the hub takes, and no bound without a key.
	Connections int
	// Scope names a part of an environment: those flags that Match says yes to, with the prerequisites and segments that they
	// need. Whoever has the same Scope shares what is sent, so it must mean the same Match. "": all of it.
	Scope string
	Match func(flag string) bool
	// Still says why what was granted no longer holds: the subscriber is then closed with that reason and the code for a
	// violated policy or, if it is [ErrChanged], sent away to connect again. It must not wait. nil: it holds for ever.
	Still func() error
}

// ErrChanged is why an access no longer holds as it was granted, although another would be.
var ErrChanged = errors.New("what the key may read has changed: connect again")

func (a Access) still() error {
	if a.Still == nil {
		return nil
	}
	return a.Still()
}

// DeniedError is an answer of [Config.Authorize] other than 403.
type DeniedError struct {
	Status int
	Text   string
	// RetryAfter is when to ask again at the earliest, rounded up to seconds; 0: it is not said.
	RetryAfter time.Duration
}

func (d *DeniedError) Error() string { return d.Text }

// Answer writes the denial. The connection is closed, so that whoever tries one key after another makes one anew for each.
func (d *DeniedError) Answer(w http.ResponseWriter) {
	head := w.Header()
	if d.Status == http.StatusUnauthorized {
		head.Set("WWW-Authenticate", "Bearer")
	}
	if d.RetryAfter > 0 {
		head.Set("Retry-After", strconv.Itoa(int((d.RetryAfter + time.Second - 1).Seconds())))
	}
	head.Set("Cache-Control", "no-store")
	head.Set("Connection", "close")
	http.Error(w, d.Text, d.Status)
}

// authorize asks what a request may read.
func (h *Hub) authorize(r *http.Request, environment string) (Access, error) {
	if h.config.Authorize == nil {
		return Access{}, nil
	}
	access, err := h.config.Authorize(r, environment)
	if _, said := errors.AsType[*DeniedError](err); err != nil && !said {
		err = &DeniedError{Status: http.StatusForbidden, Text: err.Error()}
	}
	return access, err
}

// most gives how many subscribers may come with the key.
func (h *Hub) most(a Access) int {
	switch {
	case a.Connections > 0:
		return a.Connections
	case a.Key == "":
		return h.config.MaxConnections
	}
	return max(h.config.MaxConnections/2, 1)
}

// Recheck asks of every subscriber whether what it was granted still holds, and ends those of whom it does not. Scopes that
// nobody uses are forgotten. Call it when keys have changed; each heartbeat asks as well.
func (h *Hub) Recheck() {
	h.each(func(s *subscriber) { s.recheck() })
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, env := range h.environments {
		for scope, part := range env.parts {
			if part.users == 0 {
				delete(env.parts, scope)
			}
		}
	}
}

// recheck ends the subscriber if what it was granted no longer holds, and says whether it does.
func (s *subscriber) recheck() bool {
	err := s.access.still()
	switch {
	case err == nil:
		return true
	case errors.Is(err, ErrChanged):
		s.farewell(goodbye{err.Error(), time.Second})
	default:
		s.expel(err)
	}
	return false
}

// expel closes the connection with the reason, and sends nothing else any more.
func (s *subscriber) expel(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving || s.ended != nil {
		return
	}
	s.leaving, s.expelled = true, true
	s.conn.readUntil(time.Now().Add(farewellTime))
	s.writers.Go(func() {
		s.logger().Info("subscriber closed", "reason", reason.Error())
		s.conn.closing(closePolicy, reason.Error())
	})
}
