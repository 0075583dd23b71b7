package hub_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/hub"
)

func (s *server) get(t *testing.T, method string, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.http.URL+"/snapshot?environment=production", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestSnapshot(t *testing.T) {
	s := serve(t, hub.Config{Environments: []string{"production"}})
	if resp := s.get(t, "GET"); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("answered %s before there is a snapshot", resp.Status)
	}
	snap := state(t, 1, 40)
	s.publish(t, snap)
	for encoding, accept := range map[string]string{"": "identity", "gzip": "br;q=1.0, gzip;q=0.8"} {
		resp := s.get(t, "GET", "Accept-Encoding", accept)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Encoding") != encoding {
			t.Fatalf("answered %s in encoding %q, want %q", resp.Status, resp.Header.Get("Content-Encoding"), encoding)
		}
		var body io.Reader = resp.Body
		if encoding == "gzip" {
			var err error
			if body, err = gzip.NewReader(body); err != nil {
				t.Fatal(err)
			}
		}
		got, err := feed.ReadSnapshot(body, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.At() != snap.At() {
			t.Errorf("at %+v, want %+v", got.At(), snap.At())
		}
		var at eval.At
		if err := json.Unmarshal([]byte(resp.Header.Get("Yardarm-At")), &at); err != nil || at != snap.At() {
			t.Errorf("Yardarm-At %q, %v", resp.Header.Get("Yardarm-At"), err)
		}
		for name, want := range map[string]string{
			"ETag": `"` + snap.At().Digest + `"`, "Cache-Control": "no-cache", "Content-Type": feed.ContentType, "Vary": "Accept-Encoding, Authorization",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}
}

func TestSnapshotConditions(t *testing.T) {
	s := serve(t, hub.Config{})
	snap := state(t, 1, 40)
	s.publish(t, snap)
	tag := `"` + snap.At().Digest + `"`
	for _, tt := range []struct {
		method, header, value string
		status                int
	}{
		{"GET", "If-None-Match", tag, 304},
		{"GET", "If-None-Match", `"other", W/` + tag, 304},
		{"GET", "If-None-Match", "*", 304},
		{"GET", "If-None-Match", `"other"`, 200},
		{"HEAD", "If-None-Match", `"other"`, 200},
		{"HEAD", "If-None-Match", tag, 304},
		{"POST", "Accept", "*/*", 405},
		{"GET", "Accept-Encoding", "gzip;q=0", 200},
	} {
		resp := s.get(t, tt.method, tt.header, tt.value)
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != tt.status || resp.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s with %s: %s: %s, want %d in no encoding", tt.method, tt.header, tt.value, resp.Status, tt.status)
		}
		if full := tt.status == 200 && tt.method == "GET"; (len(body) > 1000) != full {
			t.Errorf("%s with %s: %s: a body of %d bytes", tt.method, tt.header, tt.value, len(body))
		}
	}
	if resp := s.get(t, "GET", "If-None-Match", tag); resp.Header.Get("Yardarm-Verified-At") != "" {
		t.Error("an origin was seen that was not")
	}
	seen := time.Date(2026, 12, 1, 9, 0, 0, 5e8, time.UTC)
	s.SetFresh(seen, nil)
	if got := s.get(t, "GET", "If-None-Match", tag).Header.Get("Yardarm-Verified-At"); got != "2026-12-01T09:00:00.5Z" {
		t.Errorf("Yardarm-Verified-At %q", got)
	}
	s.publish(t, state(t, 2, 40, 1))
	if resp := s.get(t, "GET", "If-None-Match", tag); resp.StatusCode != http.StatusOK {
		t.Errorf("%s after a change", resp.Status)
	}
}

// deadlines is a response that notes until when it may be written.
type deadlines struct {
	*httptest.ResponseRecorder
	write time.Time
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.write = t
	return nil
}

func TestSnapshotIsNotWrittenForEver(t *testing.T) {
	h, err := hub.New(hub.Config{WriteTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Publish("production", state(t, 1, 1000)); err != nil { // of some 160 KB
		t.Fatal(err)
	}
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	h.Snapshot().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/snapshot?environment=production", nil))
	if left := time.Until(w.write); w.Code != http.StatusOK || left < time.Minute || left > time.Minute+5*time.Second {
		t.Errorf("answered %d with %v to write it, want a minute and some seconds for its size", w.Code, left)
	}
}
