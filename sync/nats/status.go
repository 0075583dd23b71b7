package nats

import (
	"time"
)

// Status is how things are with NATS.
type Status struct {
	Bucket    string `json:"bucket"`
	Connected bool   `json:"connected"`
	// Server is the one connected to, without credentials.
	Server string `json:"server,omitempty"`
	// Since is when the connection came or went.
	Since time.Time `json:"since"`
	// Error is why there is no connection, or what went wrong last; "": all is well.
	Error string `json:"error,omitempty"`
	// Wrote is when something was last written; nil: nothing yet.
	Wrote *time.Time `json:"wrote,omitempty"`
	// Read is when all was last looked at that somebody said had changed; nil: never yet.
	Read *time.Time `json:"read,omitempty"`
	// Conflicts is how often another compiler was quicker.
	Conflicts uint64 `json:"conflicts,omitempty"`
}

// Status says how things are. Any goroutine may ask.
func (l *link) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

// passed notes how a pass ended, and logs what is news of it.
func (l *link) passed(err error) {
	l.mu.Lock()
	old := l.status.Error
	if err == nil {
		at := now()
		l.status.Read, l.status.Error = &at, ""
	} else {
		l.status.Error = err.Error()
	}
	news := l.status.Error
	l.mu.Unlock()
	switch news {
	case old:
	case "":
		l.config.Logger.Info("NATS can be read and written again")
	default:
		l.config.Logger.Error("what is in NATS can't be kept up with", "bucket", l.config.Bucket, "error", news)
	}
}

func (l *link) noteWrite() {
	at := now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Wrote = &at
}

func (l *link) lost() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Conflicts++
}
