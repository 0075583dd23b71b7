package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/holds"
	"github.com/yardarm-io/yardarm/sync/hub"
	"github.com/yardarm-io/yardarm/sync/keys"
)

// HoldRequest is the body of POST /holds: a flag to keep off.
type HoldRequest struct {
	Environment string `json:"environment"`
	Flag        string `json:"flag"`
	// Reason is for whoever finds the flag off tomorrow.
	Reason string `json:"reason"`
	// For is how long, such as 8h; "": until it is released or a commit takes over.
	For string `json:"for,omitempty"`
	// By is who asks, as they call themselves; "": whoever has the key.
	By string `json:"by,omitempty"`
	// ID and Since make it the same hold at every replica that is told of it; left out, the server chooses. A Since that is far from the
	// server's clock does not count.
	ID    string     `json:"id,omitempty"`
	Since *time.Time `json:"since,omitempty"`
}

// HoldAnswer is the answer to it. The hold is in force when it comes.
type HoldAnswer struct {
	Hold holds.Hold `json:"hold"`
	// At is the position from which on subscribers have it; its revision is "" while nothing of the environment is served.
	At eval.At `json:"at"`
	// Besides are the other holds that keep the flag off, the oldest first: all of them end when it is released.
	Besides []holds.Hold `json:"besides,omitempty"`
	// Unsaved is why a restart of this server would forget it; "": it would not.
	Unsaved string `json:"unsaved,omitempty"`
}

const (
	maxHoldRequest = 16 << 10
	// sinceWithin is how far a client's clock may be from the server's for what it says of the time to count.
	sinceWithin = time.Minute
)

// routeHolds adds the pages of holds.
func (d *Daemon) routeHolds(mux *http.ServeMux) {
	mux.HandleFunc("GET /holds", d.operators(d.holdsPage))
	mux.HandleFunc("POST /holds", d.operators(d.changing(d.placeHold)))
	mux.HandleFunc("POST /holds/release", d.operators(d.changing(d.releaseHold)))
}

// changing is a page that changes something: not for web pages of other origins, nor where the flags are another server's.
func (d *Daemon) changing(do func(r *http.Request) (status int, answer any, err error)) http.HandlerFunc {
	origin := http.NewCrossOriginProtection()
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxHoldRequest)
		err := origin.Check(r)
		if err != nil {
			err = forbidden(err.Error())
		} else {
			err = d.holdsElsewhere()
		}
		var status int
		var answer any
		if err == nil {
			status, answer, err = do(r)
		}
		if denied, ok := errors.AsType[*hub.DeniedError](err); ok {
			denied.Answer(w)
			return
		}
		if err != nil {
			d.config.Logger.Error("a hold could not be changed", "error", err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer)
	}
}

func denied(status int, format string, args ...any) error {
	return &hub.DeniedError{Status: status, Text: fmt.Sprintf(format, args...)}
}

// readRequest reads the body of a request. A field that is not known is refused: it might have narrowed what is asked for.
func readRequest(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return denied(http.StatusBadRequest, "the body: a JSON object is expected: %v", err)
	}
	return nil
}

// asker gives who asks, as they call themselves and as the key says, and the key's name.
func asker(ctx context.Context, by string) (who, key string) {
	k, _ := ctx.Value(operatorKey{}).(*keys.Key)
	if k == nil {
		return cmp.Or(by, "somebody on the server's machine"), ""
	}
	who = k.Name
	if by != "" && by != k.Name {
		who = by + " (" + k.Name + ")"
	}
	return who, fmt.Sprintf("%s (%s)", k.Name, k.ID)
}

// mayChange says why a request may not change an environment; nil: it may.
func (d *Daemon) mayChange(ctx context.Context, environment string) error {
	key, _ := ctx.Value(operatorKey{}).(*keys.Key)
	known := d.hub.Environments()
	switch {
	case len(known) == 0:
		return &hub.DeniedError{Status: http.StatusServiceUnavailable, Text: "no flags have been read yet: try again", RetryAfter: time.Second}
	case key != nil && !key.Reads(environment):
		return forbidden(fmt.Sprintf("this key is not for that environment, but for %s", strings.Join(key.Environments, ", ")))
	case environment == "":
		return denied(http.StatusBadRequest, "environment: name one")
	case !slices.Contains(known, environment):
		if key != nil { // whom it does not concern is not told what else there is
			known = slices.DeleteFunc(slices.Clone(known), func(name string) bool { return !key.Reads(name) })
		}
		return denied(http.StatusNotFound, "there is no environment %.120q; there are %s", environment, strings.Join(known, ", "))
	}
	return nil
}

// placeHold keeps a flag off.
func (d *Daemon) placeHold(r *http.Request) (int, any, error) {
	var asked HoldRequest
	if err := readRequest(r, &asked); err != nil {
		return 0, nil, err
	}
	if err := d.mayChange(r.Context(), asked.Environment); err != nil {
		return 0, nil, err
	}
	if err := d.knowsFlag(asked.Environment, asked.Flag); err != nil {
		return 0, nil, err
	}
	h, err := asked.hold(r.Context(), time.Now().UTC().Truncate(time.Second))
	if err != nil {
		return 0, nil, err
	}
	status := http.StatusCreated
	unsaved, err := d.changeHolds(func(l *holds.Ledger) *holds.Ledger {
		if old, there := l.Hold(h.ID); there {
			h, status = old, http.StatusOK
			return l
		}
		return l.Put(h)
	})
	if err != nil {
		return 0, nil, err
	}
	if h.Environment != asked.Environment || h.Flag != asked.Flag {
		return 0, nil, denied(http.StatusConflict, "there is another hold with the id %s", h.ID)
	}
	return status, HoldAnswer{Hold: h, At: d.shownAt(h.Environment), Besides: d.besides(h), Unsaved: text(unsaved)}, nil
}

// besides gives the other holds of a flag that is held.
func (d *Daemon) besides(h holds.Hold) []holds.Hold {
	return slices.DeleteFunc(d.heldNow(), func(other holds.Hold) bool {
		return other.ID == h.ID || other.Environment != h.Environment || other.Flag != h.Flag
	})
}

// hold makes the hold that is asked for.
func (a HoldRequest) hold(ctx context.Context, now time.Time) (holds.Hold, error) {
	h := holds.Hold{ID: cmp.Or(a.ID, holds.NewID()), Environment: a.Environment, Flag: a.Flag, Reason: strings.TrimSpace(a.Reason), Since: now}
	h.By, h.Key = asker(ctx, strings.TrimSpace(a.By))
	if a.Since != nil && a.Since.Sub(now).Abs() <= sinceWithin {
		h.Since = a.Since.UTC().Truncate(time.Second)
	}
	if a.For != "" {
		period, err := time.ParseDuration(a.For)
		if err != nil || period < time.Second {
			return h, denied(http.StatusBadRequest, "for: a time such as 8h or 30m is expected, not %.50q", a.For)
		}
		until := h.Since.Add(period)
		h.Until = &until
	}
	if err := h.Check(); err != nil {
		return h, denied(http.StatusBadRequest, "%v", err)
	}
	return h, nil
}

// knowsFlag says that there is no such flag, and which one may have been meant. Where nothing of the environment can be served, any
// flag may be held.
func (d *Daemon) knowsFlag(environment, key string) error {
	snapshot := d.serving.given()[environment]
	if snapshot == nil || snapshot.Flag(key) != nil {
		return nil
	}
	var known []string
	for flag := range snapshot.Flags() {
		known = append(known, flag.Key)
	}
	hint := ""
	if near := compile.Nearest(key, known); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	return denied(http.StatusNotFound, "there is no flag %.120q in %s%s", key, environment, hint)
}

// shownAt is the position of an environment as subscribers have it or get it.
func (d *Daemon) shownAt(environment string) eval.At {
	if snapshot := d.serving.all()[environment]; snapshot != nil {
		return snapshot.At()
	}
	return eval.At{}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// holdsElsewhere says where flags are held, if that is not here: what a relay shows is what its upstream shows.
func (d *Daemon) holdsElsewhere() error {
	if d.nats.relay != nil {
		return denied(http.StatusMisdirectedRequest, "this is a relay: hold flags at a daemon that compiles, and it reaches all by NATS")
	}
	if !d.config.relays() {
		return nil
	}
	if d.upstream == nil {
		return denied(http.StatusMisdirectedRequest, "this is a relay: hold flags at the daemons that read the repository and write to %s", d.config.NATS.place())
	}
	return denied(http.StatusMisdirectedRequest, "this is a relay: hold flags at what it follows, %s", strings.Join(d.upstream.Addresses(), " and "))
}
