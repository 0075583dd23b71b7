package webhook

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/webhook/signature"
)

const (
	// maxDelivery bounds a delivery, in bytes. GitHub sends up to 25 MB, but of what is heeded here nothing near this.
	maxDelivery = 8 << 20
	// smallDelivery is what is read at once, as nearly every delivery is. Of larger ones maxReading are read at the same time, and
	// another one waits readingWait for its turn: so strangers who send slowly keep none of GitHub's from being heard.
	smallDelivery = 128 << 10
	maxReading    = 8
	readingWait   = 4 * time.Second
	// readWithin bounds how long a delivery may take to arrive: GitHub gives up after 10 s.
	readWithin = 10 * time.Second
)

// answer is a reply to a delivery that could not be taken. GitHub shows its text to the owner of the hook.
type answer struct {
	code int
	text string
}

func (a answer) Error() string { return a.text }

// ServeHTTP takes a delivery: it answers as soon as it knows what is to be done, and has it done later.
func (b *Bot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	text, err := b.receive(w, r)
	if err == nil {
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintln(w, text)
		return
	}
	refused := answer{http.StatusInternalServerError, "the delivery could not be taken; see the log"}
	if !errors.As(err, &refused) {
		b.config.Logger.Error("a delivery could not be taken", "error", err)
	}
	switch refused.code {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "30")
	}
	w.WriteHeader(refused.code)
	fmt.Fprintln(w, refused.text)
}

// receive reads a delivery. Nothing of it is looked into before its signature is known to be good.
func (b *Bot) receive(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.Method != http.MethodPost {
		return "", answer{http.StatusMethodNotAllowed, "deliveries are posted"}
	}
	body, err := b.authentic(w, r)
	if err != nil {
		return "", err
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "application/json" {
		return "", answer{http.StatusUnsupportedMediaType, "set the webhook's content type to application/json"}
	}
	id := r.Header.Get("X-GitHub-Delivery")
	if !b.heard.first(id) {
		return "this delivery was heard already", nil
	}
	text, err := b.hear(r.Header.Get("X-GitHub-Event"), body)
	if err != nil {
		b.heard.forget(id)
	}
	return text, err
}

// authentic reads the body of a delivery and checks its signature.
func (b *Bot) authentic(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	header := r.Header.Get("X-Hub-Signature-256")
	if header == "" {
		return nil, answer{http.StatusUnauthorized, "the delivery has no X-Hub-Signature-256: give the webhook a secret"}
	}
	if r.ContentLength > maxDelivery {
		return nil, errTooLarge
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(b.readWithin)) // where it can't be set, the server's own holds
	body, err := b.read(w, r)
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, errTooLarge
	case errors.As(err, new(answer)):
		return nil, err
	case err != nil:
		return nil, answer{http.StatusBadRequest, "the delivery ends before its end"}
	}
	secrets, err := readSecrets(b.config.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("read the webhook's secret: %w", err)
	}
	if !signature.Good(header, body, secrets) {
		return nil, answer{http.StatusUnauthorized, "the signature does not fit the webhook's secret"}
	}
	return body, nil
}

// read reads the body of a delivery, in its turn where it is large or does not say how large it is.
func (b *Bot) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength < 0 || r.ContentLength > smallDelivery {
		select {
		case b.reading <- struct{}{}:
			defer func() { <-b.reading }()
		case <-time.After(readingWait):
			return nil, answer{http.StatusServiceUnavailable, "too many deliveries at a time; deliver it again"}
		case <-r.Context().Done():
			return nil, answer{http.StatusServiceUnavailable, "the delivery was given up"}
		}
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, maxDelivery))
}

// readSecrets reads the secrets of deliveries as they are now.
func readSecrets(file string) ([][]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	secrets, err := signature.Secrets(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return secrets, nil
}

var errTooLarge = answer{http.StatusRequestEntityTooLarge, fmt.Sprintf("a delivery may have %d bytes", maxDelivery)}

// heard remembers the newest deliveries for a while. One that comes again soon has nothing new to say: what it asked for was looked up
// when it was done, and one that is forgotten does no harm. Later it is an operator who has it delivered again.
type heard struct {
	mu    sync.Mutex
	known map[string]time.Time
	order []string // a ring
	next  int
}

const (
	remembered  = 4096
	rememberFor = 5 * time.Minute
)

// first says whether a delivery was not heard yet. One without an identity always is the first.
func (h *heard) first(id string) bool {
	if id == "" || len(id) > 100 {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	at, known := h.known[id]
	if known && time.Since(at) < rememberFor {
		return false
	}
	if h.known == nil {
		h.known, h.order = map[string]time.Time{}, make([]string, remembered)
	}
	delete(h.known, h.order[h.next])
	h.known[id], h.order[h.next] = time.Now(), id
	h.next = (h.next + 1) % remembered
	return true
}

// forget has a delivery heard when it comes again, since it could not be taken.
func (h *heard) forget(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.known, id)
}
