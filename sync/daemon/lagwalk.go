package daemon

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// lagBack is how many first parents of a commit are looked through for one at which a folder compiles.
const lagBack = 10_000

// lastGood is a folder as it was when it last compiled.
type lastGood struct {
	tip      string    // the commit for which it was looked up
	revision string    // the commit at which it did; "": it is new and never did
	tree     fs.FS     // of that commit; nil where there is none
	flags    []string  // that there were then, in all folders
	since    time.Time // the time of the oldest commit from which on it does not compile
	steps    int       // commits looked at from tip on
}

// lags remembers how folders were, so that each commit on top of one that was looked at costs one step.
type lags struct {
	mu    sync.Mutex
	known map[string]*lastGood // by folder
}

func (l *lags) get(folder string) *lastGood {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[folder]
}

func (l *lags) put(folder string, good *lastGood) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = map[string]*lastGood{}
	}
	l.known[folder] = good
}

// keep forgets all folders but those that lag.
func (l *lags) keep(lagging []feed.Lagging) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.known, func(folder string, _ *lastGood) bool {
		return !slices.ContainsFunc(lagging, func(l feed.Lagging) bool { return l.Folder == folder })
	})
}

// walk looks through the history of a commit for folders as they were when they last compiled.
type walk struct {
	daemon     *Daemon
	repository *gitrepo.Repo
	tip        gitrepo.Commit
	tree       fs.FS // of tip
}

// folders looks up folders that do not compile at the tip; nil: one of them could not be found within lagBack commits.
func (w *walk) folders(ctx context.Context, roots []string) (map[string]*lastGood, error) {
	past := map[string]*lastGood{}
	for len(roots) > 0 {
		folder := roots[0]
		roots = roots[1:]
		if slices.ContainsFunc(slices.Collect(maps.Keys(past)), func(wider string) bool { return inside(folder, wider) }) {
			continue
		}
		good, wider, err := w.folder(ctx, folder)
		switch {
		case err != nil:
			return nil, err
		case wider != "":
			maps.DeleteFunc(past, func(narrow string, _ *lastGood) bool { return inside(narrow, wider) })
			roots = append(roots, wider)
		case good == nil:
			return nil, nil
		default:
			good.tip = w.tip.Hash
			w.daemon.lags.put(folder, good)
			past[folder] = good
		}
	}
	return past, nil
}

// folder looks up one folder. Where it shared files with the folders around it, wider names the one that holds them all.
func (w *walk) folder(ctx context.Context, folder string) (good *lastGood, wider string, err error) {
	known := w.daemon.lags.get(folder)
	broken, seen := w.tip, fingerprint(w.tree, folder)
	steps := 0
	for commit, err := range w.repository.Touching(ctx, w.tip.Hash) {
		if err != nil {
			return nil, "", err
		}
		if steps++; steps == 1 {
			continue // the tip itself
		}
		if steps > lagBack {
			return nil, "", nil
		}
		if known != nil && known.tip == commit.Hash {
			again := *known
			again.steps += steps - 1
			return near(&again), "", nil
		}
		good := &lastGood{since: broken.Time, steps: steps}
		if good.tree, err = w.repository.Tree(ctx, commit.Hash); err != nil && !noFlags(err) {
			return nil, "", err
		}
		now := fingerprint(good.tree, folder)
		if now == seen {
			broken = commit
			continue
		}
		if _, problem, err := w.daemon.vouched(ctx, w.repository, commit); err != nil {
			return nil, "", err
		} else if problem != nil { // one before it may have the same, signed
			broken = commit
			continue
		}
		seen = now
		if wider := above(good.tree, folder); wider != "" {
			return nil, wider, nil
		}
		if decided, err := w.decides(ctx, commit, folder, good); err != nil || decided {
			return near(good), "", err
		}
		broken = commit
	}
	return near(&lastGood{since: broken.Time, steps: steps}), "", nil // it is as old as the history
}

// near gives nil for what took too many commits to find.
func near(good *lastGood) *lastGood {
	if good.steps > lagBack {
		return nil
	}
	return good
}

// decides says whether a folder compiles at a commit, or is not there: it is then as in the commit.
func (w *walk) decides(ctx context.Context, commit gitrepo.Commit, folder string, good *lastGood) (bool, error) {
	if good.tree == nil {
		return true, nil
	}
	out, err := w.daemon.compile(ctx, good.tree, atOf(commit))
	if noFlags(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("compile %s: %w", short(commit.Hash), err)
	}
	for _, flag := range out.Flags {
		good.flags = append(good.flags, flag.Key)
	}
	if !exists(good.tree, folder) {
		return true, nil
	}
	if len(out.Faults.Shared) > 0 {
		return false, nil
	}
	for fault := range out.Faults.Folders {
		if inside(fault, folder) || inside(folder, fault) {
			return false, nil
		}
	}
	good.revision = commit.Hash
	return true, nil
}

func exists(tree fs.FS, name string) bool {
	_, err := fs.Stat(tree, name)
	return err == nil
}

// fingerprint changes whenever what a folder compiles to, by itself, does.
func fingerprint(tree fs.FS, folder string) string {
	if tree == nil {
		return ""
	}
	var text strings.Builder
	note := func(dir string, wanted func(fs.DirEntry) bool) {
		entries, _ := fs.ReadDir(tree, dir) // none of a folder that is not there
		for _, entry := range entries {
			if info, err := entry.Info(); err == nil && wanted(entry) {
				fmt.Fprintf(&text, "%s %v\n", path.Join(dir, entry.Name()), info.Sys())
			}
		}
	}
	note(".", func(e fs.DirEntry) bool { return e.Name() != "flags" })
	note("flags", func(e fs.DirEntry) bool { return !e.IsDir() || e.Name() == "segments" })
	for dir := path.Dir(folder); inside(dir, "flags") && dir != "flags"; dir = path.Dir(dir) {
		note(dir, func(e fs.DirEntry) bool { return !e.IsDir() })
	}
	note(path.Dir(folder), func(e fs.DirEntry) bool { return e.Name() == path.Base(folder) })
	return text.String()
}

// above gives the topmost folder around a folder that has CUE files of its own, below flags/; "": there is none.
func above(tree fs.FS, folder string) (topmost string) {
	if tree == nil {
		return ""
	}
	for dir := path.Dir(folder); inside(dir, "flags") && dir != "flags"; dir = path.Dir(dir) {
		entries, _ := fs.ReadDir(tree, dir)
		if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !e.IsDir() && strings.EqualFold(path.Ext(e.Name()), ".cue") }) {
			topmost = dir
		}
	}
	return topmost
}
