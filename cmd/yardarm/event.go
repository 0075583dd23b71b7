package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// event is a line of watch --format json.
type event struct {
	Time        time.Time `json:"time"`
	Environment string    `json:"environment"`
	Type        string    `json:"type"` // snapshot, delta, current or status
	Revision    string    `json:"revision,omitempty"`
	Generation  uint64    `json:"generation,omitempty"`
	Digest      string    `json:"digest,omitempty"`
	Back        string    `json:"back,omitempty"` // why this is an older position than the one before: rewritten
	Bytes       int       `json:"bytes,omitempty"`
	Flags       int       `json:"flags,omitempty"` // how many the snapshot has
	Added       []string  `json:"added,omitempty"` // items: flag KEY, segment NAME, meta
	Changed     []string  `json:"changed,omitempty"`
	Removed     []string  `json:"removed,omitempty"`
	Affected    []string  `json:"affected,omitempty"` // flags that may answer differently, dependents included
	// Held are the flags that are held as of now, Released those that no longer are, by key.
	Held     map[string]*eval.Held `json:"held,omitempty"`
	Released []string              `json:"released,omitempty"`
	State    client.State          `json:"state,omitempty"`
	Error    string                `json:"error,omitempty"`
	Refused  *feed.Refused         `json:"refused,omitempty"`
	Lagging  []feed.Lagging        `json:"lagging,omitempty"`
}

// eventPrinter writes events, a line each, whichever goroutine they come from.
type eventPrinter struct {
	mu    sync.Mutex
	out   io.Writer
	paint paint
	json  bool
	width int             // of the longest environment name
	told  map[string]told // by environment
}

// told is what of a client's status people have been told.
type told struct {
	state   client.State // "": nothing yet
	trouble bool
	refused feed.Refused // zero: none
	lagging []feed.Lagging
}

// message prints a message. It says by itself that the client is ready and connected, before the client's status does.
func (p *eventPrinter) message(environment string, m client.Message) {
	e := event{Time: time.Now().UTC(), Environment: environment, Type: m.Type, Back: m.Back, Bytes: m.Size, Flags: m.After.Len()}
	at := m.After.At()
	e.Revision, e.Generation, e.Digest = at.Revision, at.Generation, at.Digest
	if m.Type == feed.TypeDelta {
		e.Added, e.Changed, e.Removed, e.Affected = m.Added(), m.Changed(), m.Unset, m.Affected()
	}
	e.Held, e.Released = heldBetween(m.Before, m.After)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told[environment] = told{state: client.Ready, refused: p.told[environment].refused, lagging: p.told[environment].lagging}
	p.print(e, e.text(p.paint))
}

// status prints what people have not been told of the client's status. It asks for that itself, as what a callback was handed
// may be older than the message printed last.
func (p *eventPrinter) status(environment string, current func() client.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := current()
	was, now := p.told[environment], told{state: s.State, trouble: s.Err != "", lagging: s.Lagging}
	if s.Refused != nil {
		now.refused = *s.Refused
		now.refused.Since = time.Time{} // the server's clock may be set
	}
	if was.state == "" && !now.trouble {
		was.state = now.state // a message will say so
	}
	p.told[environment] = now
	if text := statusText(was, now, s, p.paint); text != "" && s.State != client.Closed {
		p.print(event{Time: time.Now().UTC(), Environment: environment, Type: "status", State: s.State, Error: s.Err, Refused: s.Refused, Lagging: s.Lagging}, text)
	}
}

func (p *eventPrinter) print(e event, text string) {
	if p.json {
		line, err := json.Marshal(e)
		if err == nil {
			fmt.Fprintln(p.out, string(line))
		}
		return
	}
	fmt.Fprintf(p.out, "%s %-*s %s\n", p.paint.dim(e.Time.Local().Format("15:04:05.000")), p.width, e.Environment, text)
}

// statusText is what has become of a client's status, for people; "": nothing.
func statusText(was, now told, s client.Status, paint paint) string {
	var parts []string
	if was.state != now.state || was.trouble != now.trouble {
		parts = append(parts, stateText(s, paint))
	}
	switch r := now.refused; r {
	case was.refused:
	case feed.Refused{}:
		parts = append(parts, paint.green("refusal over"))
	default:
		place := compile.Error{File: r.File, Line: r.Line, Column: r.Column, Message: r.Reason}
		parts = append(parts, paint.red("refused commit "+short(r.Revision)+": "+place.Error()))
	}
	return strings.Join(append(parts, laggingText(was.lagging, now.lagging, paint)...), "; ")
}

// laggingText says which folders stay behind now, or for another reason, and which no longer do.
func laggingText(was, now []feed.Lagging, paint paint) (parts []string) {
	for _, l := range now {
		if !slices.Contains(was, l) {
			parts = append(parts, paint.yellow(l.String()))
		}
	}
	for _, l := range was {
		if !slices.ContainsFunc(now, func(other feed.Lagging) bool { return other.Folder == l.Folder }) {
			parts = append(parts, paint.green(l.Folder+" has caught up"))
		}
	}
	return parts
}

func stateText(s client.Status, paint paint) string {
	text := string(s.State)
	switch s.State {
	case client.NotReady:
		text = "not connected"
	case client.Stale:
		text = "stale, still answering"
	case client.Ready:
		if s.Err == "" {
			return paint.green(text)
		}
		text = "connection lost, still answering"
		if s.Connected {
			text = "trouble, still answering"
		}
	}
	if s.Err != "" {
		text += ": " + s.Err
	}
	return paint.yellow(text)
}

// text is what a message brings, for people.
func (e event) text(paint paint) string {
	parts := []string{plural(e.Flags, "flag")}
	if e.Type == feed.TypeDelta {
		parts = e.changes(paint)
	}
	parts = append(parts, e.held(paint)...)
	if e.Back == feed.BackRewritten {
		parts = append(parts, "back: history was rewritten")
	} else if e.Back != "" {
		parts = append(parts, "back: "+e.Back)
	}
	parts = append(parts, size(e.Bytes))
	return paint.dim(short(e.Revision)) + " " + paint.bold(e.Type) + " " + strings.Join(parts, ", ")
}

// longList is how many items of a delta people are shown.
const longList = 10

// changes are the items that a delta changes, and the flags that it changes the answers of without naming them.
func (e event) changes(paint paint) []string {
	var parts []string
	named := map[string]bool{}
	for _, part := range []struct {
		items []string
		text  func(string) string
	}{{e.Added, func(s string) string { return paint.green("+ " + s) }}, {e.Changed, func(s string) string { return paint.yellow("~ " + s) }},
		{e.Removed, func(s string) string { return paint.red("- " + s) }}} {
		for _, item := range part.items {
			key, isFlag := strings.CutPrefix(item, "flag ")
			named[key] = isFlag
			if told := e.Held[key] != nil || slices.Contains(e.Released, key); !isFlag || !told {
				parts = append(parts, part.text(key))
			}
		}
	}
	if len(parts) > longList {
		parts = append(parts[:longList], fmt.Sprintf("and %d more", len(parts)-longList))
	}
	others := slices.DeleteFunc(slices.Clone(e.Affected), func(key string) bool { return named[key] })
	switch told := len(e.Held)+len(e.Released) > 0; {
	case len(parts) == 0 && len(others) == 0 && !told:
		return []string{"no effect here"}
	case len(parts) == 0 && len(others) > 0:
		return []string{"affects " + some(others)}
	case len(others) > 0:
		parts[len(parts)-1] += ": affects " + some(others)
	}
	return parts
}

// heldBetween gives the flags that are held in after as they were not in before, which may be nil, and those that no longer are.
func heldBetween(before, after *eval.Snapshot) (held map[string]*eval.Held, released []string) {
	was := map[string]string{}
	if before != nil {
		for f := range before.Flags() {
			if f.Held != nil {
				was[f.Key] = f.Held.ID
			}
		}
	}
	for f := range after.Flags() {
		id, known := was[f.Key]
		switch {
		case f.Held == nil && known:
			released = append(released, f.Key)
		case f.Held != nil && (!known || id != f.Held.ID):
			if held == nil {
				held = map[string]*eval.Held{}
			}
			held[f.Key] = f.Held
		}
	}
	return held, released
}

// held says what is held now and what no longer is.
func (e event) held(paint paint) (parts []string) {
	for _, key := range slices.Sorted(maps.Keys(e.Held)) {
		parts = append(parts, paint.red(key+" is "+e.Held[key].String()))
	}
	for _, key := range e.Released {
		parts = append(parts, paint.green(key+" is released"))
	}
	if len(parts) > longList {
		parts = append(parts[:longList], fmt.Sprintf("and %d more", len(parts)-longList))
	}
	return parts
}

// some names a few of many.
func some(names []string) string {
	last := len(names) - 1
	switch {
	case last == 0:
		return names[0]
	case last < 3:
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return fmt.Sprintf("%s, %s and %d more", names[0], names[1], len(names)-2)
}

// short is a revision as people read it.
func short(revision string) string { return revision[:min(len(revision), 10)] }

// size is a number of bytes as people read it.
func size(bytes int) string {
	if bytes < 1000 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f KB", float64(bytes)/1000)
}
