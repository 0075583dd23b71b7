package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
)

// A mirror is the folder Config.Dir: "lock", "mirror.git" and, while something is under way, "tmp-...". mirror.git is an
// ordinary bare repository with the one branch, and its remote's URL says what it is a mirror of. So it may be prepared with
// git clone --bare --single-branch --branch BRANCH URL mirror.git
type mirror struct {
	dir  string
	lock *os.File
	wire *wire
}

const (
	mirrorName = "mirror.git"
	tempPrefix = "tmp-"
	originName = "origin"
)

func (m *mirror) path() string { return filepath.Join(m.dir, mirrorName) }

// openMirror locks the folder and takes up the mirror in it if that is of use.
func (r *Repo) openMirror(ctx context.Context) error {
	if r.config.Dir == "" {
		return errors.New("Config.Dir is required for a remote: a folder for its mirror")
	}
	if r.config.Branch == CheckedOut {
		return fmt.Errorf("Config.Branch %q is only for a local checkout; name the remote's branch", CheckedOut)
	}
	wire, err := newWire(r.config, r.at)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.config.Dir, 0o700); err != nil {
		return fmt.Errorf("make the mirror's folder: %w", err)
	}
	lock, err := lockFile(filepath.Join(r.config.Dir, "lock"))
	if err != nil {
		return fmt.Errorf("mirror folder %s: %w", r.config.Dir, err)
	}
	r.remote = &mirror{dir: r.config.Dir, lock: lock, wire: wire}
	r.folder = gitFolder{dot: r.remote.path(), top: r.remote.path()}
	r.remote.sweep()
	r.takeUp(ctx)
	return nil
}

// takeUp opens the mirror on disk when it is of this remote and branch, complete, and its tip can be read. Otherwise it is
// left alone, and replaced by the next fetch. r.reading is held, or nobody else has r yet.
func (r *Repo) takeUp(ctx context.Context) {
	if _, err := os.Stat(r.folder.dot); err != nil {
		return
	}
	r.openStore()
	r.damaged = false
	if r.isMirror() && r.sound(ctx) == nil {
		return
	}
	_ = r.objects.close()
	r.objects = nil
}

// isMirror tells whether the open store is a full mirror of the remote asked for.
func (r *Repo) isMirror() bool {
	cfg, err := r.objects.Config()
	if err != nil || cfg.Remotes[originName] == nil || len(cfg.Remotes[originName].URLs) == 0 {
		return false
	}
	from, err := parseLocation(cfg.Remotes[originName].URLs[0])
	if err != nil || from.name != r.at.name {
		return false
	}
	cuts, err := r.objects.Shallow()
	return err == nil && len(cuts) == 0
}

// sound tells whether the branch's tip and its top folder can be read.
func (r *Repo) sound(ctx context.Context) error {
	tip, err := r.tip()
	if err != nil {
		return err
	}
	if _, err := r.commit(ctx, tip); err != nil {
		return err
	}
	_, err = r.rootTree(tip)
	return err
}

// found makes an empty mirror in a new folder.
func (r *Repo) found(dir string) (*store, error) {
	s := openStore(dir, "", r.config.MaxFileSize)
	if err := s.Init(); err != nil {
		return nil, err
	}
	cfg := config.NewConfig()
	cfg.Core.IsBare = true
	cfg.Remotes[originName] = &config.RemoteConfig{
		Name: originName,
		URLs: []string{r.at.name},
		Fetch: []config.RefSpec{
			config.RefSpec(fmt.Sprintf("+%s:%s", r.config.ref(), r.config.ref())),
		},
	}
	if err := s.SetConfig(cfg); err != nil {
		return nil, err
	}
	return s, s.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, r.config.ref()))
}

// replace puts a finished mirror in the place of the one there, if any. r.reading is held.
func (r *Repo) replace(ctx context.Context, finished string) error {
	if r.objects != nil {
		_ = r.objects.close()
		r.objects = nil
	}
	old := filepath.Join(r.remote.dir, tempPrefix+"old")
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	if err := os.Rename(r.remote.path(), old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(finished, r.remote.path()); err != nil {
		return err
	}
	_ = os.RemoveAll(old) // else at the next start
	r.takeUp(ctx)
	if r.objects == nil {
		return fmt.Errorf("%w: the mirror just made can't be read", ErrCorrupt)
	}
	return nil
}

// sweep removes what a process that died has left half done.
func (m *mirror) sweep() {
	entries, _ := os.ReadDir(m.dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tempPrefix) {
			_ = os.RemoveAll(filepath.Join(m.dir, e.Name()))
		}
	}
	packs, _ := filepath.Glob(filepath.Join(m.path(), "objects", "pack", "tmp_*"))
	for _, p := range packs {
		_ = os.Remove(p)
	}
}

func (m *mirror) close() error {
	m.wire.close()
	return m.lock.Close()
}
