package daemon

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/hub"
)

// environmentsPage is the handler of /environments, which relays ask.
func (d *Daemon) environmentsPage(w http.ResponseWriter, r *http.Request) {
	revision := r.URL.Query().Get("revision")
	names, at, err := d.hub.Readable(r)
	if err == nil && revision != "" && !hash.MatchString(revision) {
		err = &hub.DeniedError{Status: http.StatusBadRequest, Text: notAHash}
	}
	if err != nil {
		denied, _ := errors.AsType[*hub.DeniedError](err) // it always is one
		denied.Answer(w)
		return
	}
	head := w.Header()
	head.Set("Yardarm-Via", strings.Join(d.via(), ","))
	if at != (eval.At{}) {
		setJSON(head, "Yardarm-At", at)
	}
	if revision != "" {
		setJSON(head, "Yardarm-Asked", d.ask(r.Context(), revision))
	}
	writeJSON(w, names)
}

func setJSON(head http.Header, name string, value any) {
	if text, err := json.Marshal(value); err == nil {
		head.Set(name, string(text))
	}
}

// via names the daemons that the flags come through, this one last.
func (d *Daemon) via() []string {
	if d.upstream != nil {
		return append(slices.Clip(d.upstream.Via()), d.id)
	}
	return []string{d.id}
}
