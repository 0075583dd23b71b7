package daemon

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yardarm-io/yardarm/sync/hub"
	"github.com/yardarm-io/yardarm/webhook/signature"
)

const (
	// maxRefresh bounds the body of a refresh, in bytes. It is read for its signature alone.
	maxRefresh = 64 << 10
	// refreshBurst is how many refreshes are taken at once; after that, one each refreshEvery.
	refreshBurst = 30
	refreshEvery = 500 * time.Millisecond
)

// refresh is what /hooks/refresh needs to know.
type refresh struct {
	secrets atomic.Pointer[[][]byte] // nil: there is no such hook

	mu    sync.Mutex
	level time.Duration // of a bucket that each refresh fills by refreshEvery, and time empties
	at    time.Time
}

// openRefresh reads the secrets of /hooks/refresh, where there are some.
func (d *Daemon) openRefresh() error {
	if d.config.RefreshSecretFile == "" {
		return nil
	}
	return d.rely("secret of /hooks/refresh", func(texts [][]byte) error {
		secrets, err := signature.Secrets(texts[0])
		if err == nil {
			d.refresh.secrets.Store(&secrets)
		}
		return err
	}, d.config.RefreshSecretFile)
}

// take counts a refresh and says how long to wait before the next where there were too many.
func (f *refresh) take(now time.Time) (wait time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.level, f.at = max(f.level-now.Sub(f.at), 0), now
	if most := (refreshBurst - 1) * refreshEvery; f.level > most {
		return f.level - most
	}
	f.level += refreshEvery
	return 0
}

// refreshPage is the handler of /hooks/refresh: it brings the next look at the source forward, and answers without waiting for it.
// What is posted says nothing of the source; whoever posts again what somebody else has signed causes another look.
func (d *Daemon) refreshPage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "a refresh is posted", http.StatusMethodNotAllowed)
		return
	}
	if err := d.signed(w, r); err != nil {
		err.Answer(w)
		return
	}
	if wait := d.refresh.take(time.Now()); wait > 0 {
		denied := &hub.DeniedError{Status: http.StatusTooManyRequests, Text: "too many refreshes; the next poll looks for what this one is about", RetryAfter: wait}
		denied.Answer(w)
		return
	}
	d.config.Logger.Debug("a hook brings the next look forward", "remote", r.RemoteAddr)
	d.Hint()
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintln(w, "the source is looked at now")
}

// signed checks the signature of a refresh; nil: it is good.
func (d *Daemon) signed(w http.ResponseWriter, r *http.Request) *hub.DeniedError {
	header := r.Header.Get("X-Yardarm-Signature-256")
	if header == "" {
		header = r.Header.Get("X-Hub-Signature-256") // GitHub's and Gitea's webhooks
	}
	if header == "" {
		return &hub.DeniedError{Status: http.StatusUnauthorized,
			Text: "there is no X-Yardarm-Signature-256: sha256= and the HMAC-SHA256 of the body in hexadecimal"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRefresh))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return &hub.DeniedError{Status: http.StatusRequestEntityTooLarge, Text: fmt.Sprintf("a refresh may have %d bytes, and needs none", maxRefresh)}
	}
	if err != nil {
		return &hub.DeniedError{Status: http.StatusBadRequest, Text: "the body ends before its end"}
	}
	if signature.Good(header, body, *d.refresh.secrets.Load()) {
		return nil
	}
	wait, first := d.door.attempts.Fail(r.RemoteAddr, time.Now())
	switch {
	case first:
		d.config.Logger.Warn("many wrong signatures from one address: more of them are not told of", "remote", r.RemoteAddr)
	case wait == 0:
		d.config.Logger.Info("a hook was refused", "reason", "its signature is wrong", "remote", r.RemoteAddr)
	default:
		return &hub.DeniedError{Status: http.StatusTooManyRequests, Text: "too many wrong signatures from this address", RetryAfter: wait}
	}
	return &hub.DeniedError{Status: http.StatusUnauthorized, Text: "the signature fits none of the secrets"}
}
