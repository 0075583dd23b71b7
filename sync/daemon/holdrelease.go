package daemon

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/holds"
)

// ReleaseRequest is the body of POST /holds/release: the hold of an id, or all that somebody placed on a flag.
type ReleaseRequest struct {
	Environment string `json:"environment,omitempty"`
	Flag        string `json:"flag,omitempty"`
	ID          string `json:"id,omitempty"`
	Reason      string `json:"reason,omitempty"`
	By          string `json:"by,omitempty"` // as of [HoldRequest]
}

// ReleaseAnswer is the answer to it.
type ReleaseAnswer struct {
	Released []holds.Hold `json:"released"`
	// Still are the holds that keep the flag off all the same.
	Still   []holds.Hold `json:"still,omitempty"`
	At      eval.At      `json:"at"`
	Unsaved string       `json:"unsaved,omitempty"`
}

// releaseHold ends holds.
func (d *Daemon) releaseHold(r *http.Request) (int, any, error) {
	var asked ReleaseRequest
	if err := readRequest(r, &asked); err != nil {
		return 0, nil, err
	}
	if h, found := d.holding.ledger.Load().Hold(asked.ID); found && asked.ID != "" {
		asked.Environment, asked.Flag = cmp.Or(asked.Environment, h.Environment), cmp.Or(asked.Flag, h.Flag)
	}
	if err := d.mayChange(r.Context(), asked.Environment); err != nil {
		return 0, nil, err
	}
	ending, still := asked.choose(d.heldNow())
	if len(ending) == 0 {
		return 0, nil, nothingToRelease(asked, still)
	}
	ended := holds.Ended{At: time.Now().UTC().Truncate(time.Second), Why: holds.Released, Reason: strings.TrimSpace(asked.Reason)}
	ended.By, _ = asker(r.Context(), strings.TrimSpace(asked.By))
	probe := holds.Hold{ID: "probe", Environment: "e", Flag: "f", Reason: "r", Since: ended.At, Ended: &ended}
	if err := probe.Check(); err != nil {
		return 0, nil, denied(http.StatusBadRequest, "%v", err)
	}
	var ids []string
	for _, h := range ending {
		ids = append(ids, h.ID)
	}
	unsaved, err := d.changeHolds(func(l *holds.Ledger) *holds.Ledger { return l.End(ended, ids...) })
	if err != nil {
		return 0, nil, err
	}
	for i, id := range ids {
		ending[i], _ = d.holding.ledger.Load().Hold(id)
	}
	return http.StatusOK, ReleaseAnswer{Released: ending, Still: still, At: d.shownAt(asked.Environment), Unsaved: text(unsaved)}, nil
}

// choose parts the holds in effect of the flag asked about into those to end and the rest: what the server holds for a commit ends by
// its id only.
func (a ReleaseRequest) choose(held []holds.Hold) (ending, still []holds.Hold) {
	for _, h := range held {
		switch {
		case h.Environment != a.Environment || h.Flag != a.Flag:
		case a.ID == h.ID, a.ID == "" && h.Commit == "":
			ending = append(ending, h)
		default:
			still = append(still, h)
		}
	}
	return ending, still
}

func nothingToRelease(asked ReleaseRequest, still []holds.Hold) error {
	switch {
	case asked.ID != "":
		return denied(http.StatusNotFound, "there is no hold %.80q, or it has ended", asked.ID)
	case len(still) > 0:
		return denied(http.StatusConflict, "%s: nobody holds it but the server, until a commit is published that the policy allows. "+
			"To have it on all the same release the hold by its id, %s", still[0].String(), still[0].ID)
	}
	return denied(http.StatusNotFound, "%.120q is not held in %.120s", asked.Flag, asked.Environment)
}
