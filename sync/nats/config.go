package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

// DefaultBucket is the bucket where a [Link] names none.
const DefaultBucket = "yardarm"

// Link says where NATS is, and what of it is ours.
type Link struct {
	// URLs are the servers, such as nats://flags.example:4222 or tls://…; any one of them will do.
	URLs []string
	// CredentialsFile is a file of NATS credentials, read again at each connection; "": none but what the URLs have.
	CredentialsFile string
	// CAFile has the authorities of the servers' certificates, as PEM; "": the system's.
	CAFile string
	// Bucket is the name of the key-value bucket and the object store; "": [DefaultBucket].
	Bucket string
	// Name is who connects, for people; "": nameless.
	Name string
	// Logger receives what happens; nil: nothing is logged.
	Logger *slog.Logger

	// For tests; zero: as below.
	pollEvery, freshEvery, skew, grace, request time.Duration
	inline                                      int
}

// CompilerConfig says what a [Compiler] writes, and asks of the branch.
type CompilerConfig struct {
	Link
	// Source is what is compiled. A bucket has the flags of one source.
	Source Source
	// Precedes says whether a revision is a later one, or the later one comes from it; false where either is unknown.
	Precedes func(ctx context.Context, earlier, later string) (bool, error)
	// Unrelated says whether a revision has no place in the branch, for sure: after a fetch that was made for the question.
	Unrelated func(ctx context.Context, revision string) bool
	// Behind is told that another compiler has written what this one does not have: it is time to fetch. It does not wait.
	Behind func()
	// Answer answers questions of relays, at most a few at a time and in a goroutine of its own; nil: nothing does.
	Answer func(ctx context.Context, question []byte) []byte
	// Holds are those of all daemons; the zero value: there are none.
	Holds Holds
}

// RelayConfig says what a [Relay] reads, and whom it tells. Its functions are called by the goroutine of [Relay.Run].
type RelayConfig struct {
	Link
	// Environments are those to read; none: all there are.
	Environments []string
	// Have gives what is in force, by environment.
	Have func() map[string]*eval.Snapshot
	// Publish takes what is to be in force from now on, by environment, and which folders lag in it.
	Publish func(snapshots map[string]*eval.Snapshot, lagging []feed.Lagging) error
	// Fresh is told how fresh that is, when there is news of it.
	Fresh func(Fresh)
	// Failed is told why nothing can be read, at each attempt.
	Failed func(error)
	// Holds are those of all daemons; the zero value: there are none.
	Holds Holds
}

// Source is a flag repository, or a part of one. The repository's address has no credentials.
type Source struct {
	Repository string `json:"repository"`
	Branch     string `json:"branch"`
	Path       string `json:"path,omitempty"`
}

// How often things happen, and how large they may be.
const (
	pollEvery  = 5 * time.Second  // looks, where nobody said that there is news
	fullEvery  = time.Minute      // looks at everything
	freshEvery = 5 * time.Second  // the least between two writes of how fresh the flags are
	skew       = 30 * time.Second // by how much clocks may differ, and how late news may be
	grace      = 5 * time.Minute  // for which an object that nothing refers to is left for who still reads it
	request    = 5 * time.Second  // the longest wait for an answer
	inline     = 512 << 10        // bytes, compressed, of the largest snapshot that is no object
)

// bucketName is what both a bucket and a part of a subject may be called.
var bucketName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

func (l Link) withDefaults() (Link, error) {
	l.Bucket = cmp.Or(l.Bucket, DefaultBucket)
	l.pollEvery, l.freshEvery = cmp.Or(l.pollEvery, pollEvery), cmp.Or(l.freshEvery, freshEvery)
	l.skew, l.grace, l.request, l.inline = cmp.Or(l.skew, skew), cmp.Or(l.grace, grace), cmp.Or(l.request, request), cmp.Or(l.inline, inline)
	if l.Logger == nil {
		l.Logger = slog.New(slog.DiscardHandler)
	}
	if len(l.URLs) == 0 {
		return l, errors.New("NATS: no URL of a server is given, such as nats://localhost:4222")
	}
	for _, text := range l.URLs {
		if u, err := url.Parse(text); err != nil || u.Host == "" {
			return l, errors.New("NATS: a URL such as nats://localhost:4222 is expected") // without it: it may hold a password
		}
	}
	if !bucketName.MatchString(l.Bucket) {
		return l, fmt.Errorf("NATS: bucket %q: letters, digits, '-' and '_' are expected", l.Bucket)
	}
	return l, nil
}
