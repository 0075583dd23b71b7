package hub

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/sync/feed"
)

// atHeader is the response header that tells the position, as JSON, of an answer with and without a body.
const atHeader = "Yardarm-At"

// verifiedHeader is the response header that tells when the origin of the flags was last seen, as heartbeats do.
const verifiedHeader = "Yardarm-Verified-At"

// backHeader is the response header that tells why the answer may be of an older position, as "back" does in a message.
const backHeader = "Yardarm-Back"

// Snapshot is the handler of GET /snapshot?environment=NAME: the newest snapshot message as a text, with the digest for an
// ETag. It answers 503 while there is none.
func (h *Hub) Snapshot() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			answer(w, &httpError{http.StatusMethodNotAllowed, "only GET and HEAD"})
			return
		}
		asked, err := h.request(r)
		if err != nil {
			answer(w, err)
			return
		}
		st := asked.env.latest.Load()
		if st.snapshot == nil {
			answer(w, &httpError{http.StatusServiceUnavailable, "environment " + asked.environment + " has no snapshot yet: try again"})
			return
		}
		astray := h.doubtful(st, asked.revision) && h.config.Unrelated(r.Context(), asked.revision)
		why := ""
		switch {
		case astray:
			why = feed.BackRewritten
		case h.lost(st, asked.revision, asked.overlay, time.Now()):
			why = feed.BackLost
		}
		if seen := h.fresh.Load().verifiedAt; !seen.IsZero() {
			w.Header().Set(verifiedHeader, seen.Format(time.RFC3339Nano))
		}
		// Whoever does not read is dropped, as a subscriber is; a writer that has no deadlines is no network's.
		_ = http.NewResponseController(w).SetWriteDeadline(h.deadline(st.size))
		if err := st.serve(w, r, why); err != nil {
			answer(w, err)
		}
	})
}

// serve answers with the snapshot message, which leads back whoever has to go, and says why. An error means that nothing was written.
func (st *state) serve(w http.ResponseWriter, r *http.Request, why string) error {
	at, err := json.Marshal(st.at)
	if err != nil {
		return err
	}
	body, encoding, back := st.text, "", st.back
	switch {
	case why == feed.BackRewritten:
		body, back = st.backText, why
	case why == feed.BackLost:
		body, back = st.lostText, why
	case acceptsGzip(r.Header.Values("Accept-Encoding")):
		body, encoding = st.zipped, "gzip"
	}
	text, err := body()
	if err != nil {
		return err
	}
	head := w.Header()
	head.Set("ETag", `"`+st.at.Digest+`"`)
	head.Set("Cache-Control", "no-cache")
	head.Set("Vary", "Accept-Encoding, Authorization")
	head.Set(atHeader, string(at))
	if back != "" {
		head.Set(backHeader, back)
	}
	if matches(r.Header.Values("If-None-Match"), st.at.Digest) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	head.Set("Content-Type", feed.ContentType)
	head.Set("Content-Length", strconv.Itoa(len(text)))
	if encoding != "" {
		head.Set("Content-Encoding", encoding)
	}
	_, _ = w.Write(text) // whoever went away needs no answer
	return nil
}

// matches reports whether one of the entity tags in the values of If-None-Match is the digest's.
func matches(values []string, digest string) bool {
	for tag := range tokens(values) {
		if tag = strings.TrimPrefix(tag, "W/"); tag == "*" || tag == `"`+digest+`"` {
			return true
		}
	}
	return false
}

// acceptsGzip reports whether the values of Accept-Encoding name gzip, and not with a weight of zero.
func acceptsGzip(values []string) bool {
	for coding := range tokens(values) {
		name, params, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			_, weight, given := strings.Cut(params, "=")
			q, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
			return !given || err == nil && q > 0
		}
	}
	return false
}

// tokens gives the elements of comma-separated header values.
func tokens(values []string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, value := range values {
			for token := range strings.SplitSeq(value, ",") {
				if !yield(strings.TrimSpace(token)) {
					return
				}
			}
		}
	}
}
