package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/sync/holds"
	"github.com/yardarm-io/yardarm/sync/keys"
)

// keyFor is the header that names the environments of which a ledger has the holds; left out: all.
const keyFor = "Yardarm-Environments"

// holdsPage answers GET /holds with what is held now or, with ?all=true, with all that is known of holds, for other replicas.
func (d *Daemon) holdsPage(w http.ResponseWriter, r *http.Request) {
	key, _ := r.Context().Value(operatorKey{}).(*keys.Key)
	ledger := d.holding.ledger.Load()
	reads := func(environment string) bool { return key == nil || key.Reads(environment) }
	switch {
	case r.URL.Query().Get("all") != "true":
		now := slices.DeleteFunc(d.heldNow(), func(h holds.Hold) bool { return !reads(h.Environment) })
		ledger = (&holds.Ledger{}).Put(now...)
	case key != nil && !key.Reads("*"):
		ledger = ledger.Select(reads)
		w.Header().Set(keyFor, strings.Join(key.Environments, ","))
	}
	page, err := d.holding.page(ledger)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("ETag", page.tag)
	w.Header().Set("Cache-Control", "no-cache")
	if tags(r)[page.tag] {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(page.body)
}

// ledgerPage is a ledger as GET /holds answers it.
type ledgerPage struct {
	ledger *holds.Ledger
	body   []byte
	tag    string
}

// page gives the page of a ledger. That of the whole is made once, as replicas ask for it every second.
func (h *holding) page(l *holds.Ledger) (*ledgerPage, error) {
	if made := h.made.Load(); made != nil && made.ledger == l {
		return made, nil
	}
	body, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	page := &ledgerPage{l, append(body, '\n'), `"` + hex.EncodeToString(sum[:16]) + `"`}
	if l == h.ledger.Load() {
		h.made.Store(page)
	}
	return page, nil
}

// tags are those of If-None-Match.
func tags(r *http.Request) map[string]bool {
	all := map[string]bool{}
	for tag := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		all[strings.TrimSpace(tag)] = true
	}
	return all
}
