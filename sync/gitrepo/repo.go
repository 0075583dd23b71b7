package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// A Repo follows one branch of a repository. Its methods are safe for concurrent use, and none but Fetch and Watch ever
// waits for the network.
type Repo struct {
	config Config
	at     location
	remote *mirror // nil for a local repository
	base   context.Context
	stop   context.CancelFunc

	fetching gate // held for a whole fetch
	reading  gate // held to use what follows
	folder   gitFolder
	objects  *store // nil: nothing fetched yet, or closed
	closed   bool
	damaged  bool // an object was missing or unreadable: a mirror is to be made anew
	history  history
	last     Commit                     // the tip as last decoded
	tree     *node                      // the newest tree read, to take unchanged parts from
	touched  touched                    // as found for a commit
	proposed storer.EncodedObjectStorer // objects that are in memory only; nil: none
}

// Open prepares to read a repository. It uses no network: a remote's mirror in Config.Dir is taken up if it is there, is of
// that URL and branch, and is sound; else the first Fetch makes it, so a daemon can start while the remote is away.
//
// A local repository must exist, but may be empty. Errors: ErrNoRepository, ErrUnsupported, ErrLocked, or a field of
// Config that is wrong. The caller must Close the Repo.
func Open(ctx context.Context, config Config) (*Repo, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	at, err := parseLocation(config.URL)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	r := &Repo{config: config, at: at, fetching: newGate(), reading: newGate(), history: newHistory()}
	r.base, r.stop = context.WithCancel(context.Background())
	if at.local != "" {
		err = r.openLocal()
	} else {
		err = r.openMirror(ctx)
	}
	if err != nil {
		r.stop()
		return nil, fmt.Errorf("open repository %s: %w", r, err)
	}
	return r, nil
}

func (r *Repo) openLocal() error {
	folder, err := findGitFolder(r.at.local)
	if err != nil {
		return err
	}
	if err := folder.checkFormat(); err != nil {
		return err
	}
	if start, err := filepath.EvalSymlinks(r.at.local); err == nil && r.config.Path == "" {
		if below, err := filepath.Rel(folder.top, start); err == nil && below != "." {
			r.config.Path = filepath.ToSlash(below)
		}
	}
	r.folder = folder
	r.openStore()
	return nil
}

// openStore opens the repository's store, again if need be. r.reading is held, or nobody else has r yet.
func (r *Repo) openStore() {
	if r.objects != nil {
		_ = r.objects.close()
	}
	r.objects = openStore(r.folder.dot, r.folder.common, r.config.MaxFileSize)
}

// String gives the repository's address, without credentials.
func (r *Repo) String() string { return r.at.name }

// Local tells whether the repository is read in place, where a fetch costs microseconds.
func (r *Repo) Local() bool { return r.remote == nil }

// Path gives the folder of the flags inside the repository, with forward slashes: Config.Path or what took its place. "" is the
// root.
func (r *Repo) Path() string { return r.config.Path }

// Close ends a running fetch, waits for running calls, and frees the files. Later calls give ErrClosed.
func (r *Repo) Close() error {
	r.stop()
	_ = r.fetching.lock(context.Background())
	defer r.fetching.unlock()
	_ = r.reading.lock(context.Background())
	defer r.reading.unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	var err error
	if r.objects != nil {
		err = r.objects.close()
		r.objects = nil
	}
	if r.remote != nil {
		err = errors.Join(err, r.remote.close())
	}
	return err
}

// read runs f as the only user of the objects. Its error gets the repository's name and what was attempted.
func (r *Repo) read(ctx context.Context, doing string, f func() error) error {
	if err := r.reading.lock(ctx); err != nil {
		return fmt.Errorf("%s %s: %w", doing, r, err)
	}
	defer r.reading.unlock()
	var err error
	switch {
	case r.closed:
		err = ErrClosed
	case r.objects == nil:
		err = fmt.Errorf("%w; the remote has to answer once", ErrNotFetched)
	default:
		err = f()
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", doing, r, err)
	}
	return nil
}

// load reads an object whole, or only its size above limit (0: none). Where it can't be read the store is opened once more,
// since another process may have repacked. r.reading is held.
func (r *Repo) load(kind plumbing.ObjectType, hash plumbing.Hash, limit int64) ([]byte, int64, error) {
	if r.proposed != nil {
		if obj, err := r.proposed.EncodedObject(kind, hash); err == nil {
			return readObject(obj, limit)
		}
	}
	content, size, err := r.objects.read(kind, hash, limit)
	if err == nil {
		return content, size, nil
	}
	r.openStore()
	return r.objects.read(kind, hash, limit)
}

// must is load for an object that has to be there because another one names it.
func (r *Repo) must(kind plumbing.ObjectType, hash plumbing.Hash, limit int64) ([]byte, int64, error) {
	content, size, err := r.load(kind, hash, limit)
	if err == nil {
		return content, size, nil
	}
	r.damaged = true
	hint := "git fsck tells more; a partial or broken clone has to be fetched anew"
	if r.remote != nil {
		hint = "the next fetch makes the mirror anew"
	}
	return nil, 0, fmt.Errorf("%w: the %s %s can't be read (%w); %s", ErrCorrupt, kind, short(hash), err, hint)
}

// tip gives the branch's commit. r.reading is held.
func (r *Repo) tip() (plumbing.Hash, error) {
	hash, err := r.objects.tip(r.config.ref())
	if err == nil {
		return hash, nil
	}
	if !errors.Is(err, plumbing.ErrReferenceNotFound) {
		return hash, fmt.Errorf("read branch %q: %w", r.config.Branch, err)
	}
	if _, err := os.Stat(filepath.Join(r.folder.dot, "HEAD")); err != nil {
		return hash, fmt.Errorf("%w any more", ErrNoRepository)
	}
	names, err := r.objects.branches()
	if err != nil {
		return hash, fmt.Errorf("list branches: %w", err)
	}
	return hash, noBranch(r.config.Branch, names)
}

// noBranch says why a branch can't be followed, given the names of those that exist.
func noBranch(branch string, names []string) error {
	if branch == CheckedOut {
		return fmt.Errorf("%w on what is checked out; commit something first", ErrEmpty)
	}
	if len(names) == 0 {
		return fmt.Errorf("%w; commit something on the branch %q first", ErrEmpty, branch)
	}
	const most = 10
	list := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return fmt.Errorf("%w: %q; there are: %s", ErrNoBranch, branch, list)
}

// short abbreviates a hash for people.
func short(hash plumbing.Hash) string { return hash.String()[:12] }
