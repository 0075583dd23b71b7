package pull

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// Worker is the name of this package's handler among those of a program's workers.
const Worker = "pull"

// reply is the first part of a worker's answer, before the packed tree.
type reply struct {
	Head      gitrepo.Commit `json:"head"`
	Messages  []string       `json:"messages"`
	MergeHash string         `json:"mergeHash"`
	Base      string         `json:"base"`

	// Error is what went wrong, Kind its name in kinds, and Conflict the files that do.
	Error    string   `json:"error,omitempty"`
	Kind     string   `json:"kind,omitempty"`
	Conflict []string `json:"conflict,omitempty"`
}

// kinds are the errors that are told apart on the other side.
var kinds = map[string]error{
	"big": gitrepo.ErrTooLarge, "branch": gitrepo.ErrNoBranch, "commit": gitrepo.ErrNoCommit, "fetched": gitrepo.ErrNotFetched,
	"auth": gitrepo.ErrAuth, "unreachable": gitrepo.ErrUnreachable, "host": gitrepo.ErrHostKey, "timeout": gitrepo.ErrTimeout,
	"repository": gitrepo.ErrNoRepository, "corrupt": gitrepo.ErrCorrupt, "empty": gitrepo.ErrEmpty,
}

// Work fetches one proposal, in a worker.
func Work(data []byte) ([]byte, error) {
	var r request
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, errors.New("read the request") // what is wrong with it may be a credential
	}
	if r.Token != "" {
		r.Repository.Token = func(context.Context) (string, error) { return r.Token, nil }
	}
	if through, err := url.Parse(r.Proxy); err == nil && r.Proxy != "" {
		r.Repository.Proxy = http.ProxyURL(through)
	}
	p, err := gitrepo.Propose(context.Background(), r.Repository, r.Ref, r.Base, r.MaxBytes)
	if err != nil {
		return encode(failed(err), nil)
	}
	tree, err := gitrepo.PackTree(p.Merge)
	if err != nil {
		return encode(failed(fmt.Errorf("fetch %s: %w", r.Ref, err)), nil)
	}
	return encode(reply{Head: p.Head, Messages: p.Messages, MergeHash: p.MergeHash, Base: p.Base}, tree)
}

func failed(err error) reply {
	r := reply{Error: err.Error()}
	if conflict, ok := errors.AsType[*gitrepo.ConflictError](err); ok {
		r.Conflict = conflict.Files
	}
	for name, kind := range kinds {
		if errors.Is(err, kind) {
			r.Kind = name
		}
	}
	return r
}

// encode writes a length and the reply, and then the tree.
func encode(r reply, tree []byte) ([]byte, error) {
	header, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return append(append(binary.BigEndian.AppendUint64(nil, uint64(len(header))), header...), tree...), nil
}

// decode reads what encode wrote.
func decode(answer []byte) (*Proposal, error) {
	if len(answer) < 8 || binary.BigEndian.Uint64(answer) > uint64(len(answer)-8) {
		return nil, errors.New("the worker's answer is cut off")
	}
	end := 8 + binary.BigEndian.Uint64(answer)
	var r reply
	if err := json.Unmarshal(answer[8:end], &r); err != nil {
		return nil, fmt.Errorf("read the worker's answer: %w", err)
	}
	if r.Error != "" {
		return nil, r.failure()
	}
	tree, err := gitrepo.UnpackTree(answer[end:])
	if err != nil {
		return nil, err
	}
	return &Proposal{Head: r.Head, Messages: r.Messages, Merge: tree, MergeHash: r.MergeHash, Base: r.Base}, nil
}

// A failure is an error of the other side, as one of this side's.
type failure struct {
	text string
	kind error // nil: none that is told apart
}

// Error gives the other side's words.
func (f *failure) Error() string { return f.text }

// Unwrap gives the kind of the error.
func (f *failure) Unwrap() error { return f.kind }

func (r reply) failure() error {
	f := &failure{text: r.Error, kind: kinds[r.Kind]}
	switch {
	case len(r.Conflict) > 0:
		f.kind = &gitrepo.ConflictError{Files: r.Conflict}
	case r.Kind == "big":
		f.kind = ErrTooBig
	}
	return f
}
