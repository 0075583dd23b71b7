package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/yardarm-io/yardarm/sync/reread"
)

// rereadEvery is how often the files of keys and certificates are read.
const rereadEvery = 500 * time.Millisecond

// Unread is a file of keys or certificates that changed and can't be taken: what was read before still counts.
type Unread = reread.Unread

// rely takes files of keys or certificates, now and when they change.
func (d *Daemon) rely(what string, take func(texts [][]byte) error, names ...string) error {
	files := &reread.Files{What: what, Names: names, Take: take}
	d.credentials = append(d.credentials, files)
	if err := files.First(); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return nil
}

// rereadCredentials takes files of keys and certificates that change until ctx ends.
func (d *Daemon) rereadCredentials(ctx context.Context) error {
	if len(d.credentials) == 0 {
		return nil
	}
	tick := time.NewTicker(rereadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		for _, files := range d.credentials {
			if files.Again(d.config.Logger) {
				d.hub.Recheck()
			}
		}
	}
}

// unread tells of the files that can't be taken.
func (d *Daemon) unread() (unread []Unread) {
	for _, files := range d.credentials {
		if u := files.Unread(); u != nil {
			unread = append(unread, *u)
		}
	}
	return unread
}
