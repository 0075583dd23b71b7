package daemon

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// StateStatus is what is wrong with the last good state on disk.
type StateStatus struct {
	// Damaged are the files that were left aside when the daemon started. They are replaced with the next commit that is read.
	Damaged []Unread `json:"damaged,omitempty"`
	// Unsaved is why what is served could not be written to disk, Since when; "": it is there.
	Unsaved string     `json:"unsaved,omitempty"`
	Since   *time.Time `json:"since,omitempty"`
}

// String says it for people, a line each.
func (s *StateStatus) String() string {
	var lines []string
	for _, file := range s.Damaged {
		lines = append(lines, fmt.Sprintf("the last good state is left aside: %s: %s", file.File, file.Error))
	}
	if s.Unsaved != "" {
		lines = append(lines, "unsaved: what is served is not on disk: "+s.Unsaved)
	}
	return strings.Join(lines, "\n")
}

// damaged notes a file that is left aside.
func (b *board) damaged(file string, err error) {
	b.changeState(func(s *StateStatus) {
		s.Damaged = append(s.Damaged, Unread{File: file, Error: err.Error(), Since: time.Now().UTC().Truncate(time.Second)})
	})
}

// saved notes whether what is served could be written to disk, and says whether that is news.
func (b *board) saved(err error) (news bool) {
	b.changeState(func(s *StateStatus) {
		if err == nil {
			news = s.Unsaved != ""
			*s = StateStatus{}
			return
		}
		news = s.Unsaved != err.Error()
		now := time.Now().UTC().Truncate(time.Second)
		s.Unsaved, s.Since = err.Error(), cmp.Or(s.Since, &now)
	})
	return news
}

func (b *board) unsaved() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status.State != nil && b.status.State.Unsaved != ""
}

// changeState changes what the status says of the disk, of which readers may have the old.
func (b *board) changeState(change func(*StateStatus)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var state StateStatus
	if b.status.State != nil {
		state = *b.status.State
		state.Damaged = slices.Clone(state.Damaged)
	}
	change(&state)
	b.status.State = &state
	if state.Damaged == nil && state.Unsaved == "" {
		b.status.State = nil
	}
}

// discreet says that something is wrong, without what.
func (s *StateStatus) discreet(why string) *StateStatus {
	told := *s
	told.Damaged = nil
	for _, file := range s.Damaged {
		told.Damaged = []Unread{{File: "a file", Error: why, Since: file.Since}}
	}
	if told.Unsaved != "" {
		told.Unsaved = why
	}
	return &told
}

// seenBy leaves out the files of environments that are hidden; nil: nothing is left, or there was nothing.
func (s *StateStatus) seenBy(hidden func(environment string) bool) *StateStatus {
	if s == nil {
		return nil
	}
	told := *s
	told.Damaged = slices.DeleteFunc(slices.Clone(s.Damaged), func(file Unread) bool {
		name, ok := environmentOf(filepath.Base(file.File))
		return ok && hidden(name)
	})
	if len(told.Damaged) == 0 && told.Unsaved == "" {
		return nil
	}
	return &told
}
