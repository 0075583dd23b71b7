package daemon

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// state is what a commit is to be served as. It is a function of the commit's history alone, so that every daemon, whatever it
// served before, comes to the same.
type state struct {
	commit  gitrepo.Commit
	out     *compile.Output
	lagging []feed.Lagging // the folders that are not as in the commit
	signer  string         // whose signature the commit has; "": none is required
}

// resolve compiles a commit. Folders that do not compile are taken from the newest commit before it, along first parents, at
// which they did; ones that never did are left out. Where that does not hold together the output is that of the commit itself,
// with its problems, as it is where what is wrong is not a matter of single folders. Of a commit that lacks a signature it is that alone.
func (d *Daemon) resolve(ctx context.Context, repository *gitrepo.Repo, commit gitrepo.Commit) (state, error) {
	signer, problem, err := d.vouched(ctx, repository, commit)
	if problem != nil {
		return state{commit: commit, out: &compile.Output{Problems: []*compile.Error{problem}}}, err // which there is not
	}
	if err != nil {
		return state{}, err
	}
	found, err := d.resolveFolders(ctx, repository, commit)
	found.signer = signer
	return found, err
}

// resolveFolders is resolve of a commit that may be served.
func (d *Daemon) resolveFolders(ctx context.Context, repository *gitrepo.Repo, commit gitrepo.Commit) (state, error) {
	tree, out, err := d.compileCommit(ctx, repository, commit)
	own := state{commit: commit, out: out}
	if err != nil || out.Err() == nil || len(out.Faults.Shared) > 0 || len(out.Faults.Folders) == 0 {
		return own, err
	}
	w := &walk{daemon: d, repository: repository, tip: commit, tree: tree}
	past, err := w.folders(ctx, slices.Sorted(maps.Keys(out.Faults.Folders)))
	if err != nil {
		return own, err
	}
	if past == nil {
		return own, nil
	}
	held, err := d.hold(ctx, tree, commit, past)
	if err != nil {
		return own, err
	}
	if problem := apart(tree, held, past); problem != nil {
		out.Problems = append(out.Problems, problem)
		return own, nil
	}
	return state{commit: commit, out: held, lagging: lagging(out.Faults.Folders, past)}, nil
}

// hold compiles a commit's tree with folders as they were.
func (d *Daemon) hold(ctx context.Context, tree fs.FS, commit gitrepo.Commit, past map[string]*lastGood) (*compile.Output, error) {
	for _, folder := range slices.Sorted(maps.Keys(past)) {
		var err error
		if tree, err = gitrepo.Replace(tree, past[folder].tree, folder); err != nil {
			return nil, err
		}
	}
	out, err := d.compileBy(ctx, d.compiler.CompileMixed, tree, atOf(commit))
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", short(commit.Hash), err)
	}
	return out, nil
}

// apart says why a commit does not hold together with folders as they were; nil: it does.
func apart(tree fs.FS, held *compile.Output, past map[string]*lastGood) *compile.Error {
	problem := &compile.Error{File: slices.Min(slices.Collect(maps.Keys(past)))}
	for _, e := range held.Problems {
		if !e.Warning {
			problem.Message = "the commit does not hold together with the folder as it was when it last compiled: " + e.Error()
			return problem
		}
	}
	if len(held.Flags) == 0 {
		problem.Message = "no folder of flags has ever compiled"
		return problem
	}
	kept := map[string]bool{}
	for _, flag := range held.Flags {
		kept[flag.Key] = true
	}
	for _, folder := range slices.Sorted(maps.Keys(past)) {
		if key := movedInto(tree, folder, past[folder].flags, kept); key != "" {
			problem.File = folder
			problem.Message = fmt.Sprintf("the flag %q was moved into this folder, which does not compile, so it would be lost", key)
			return problem
		}
	}
	return nil
}

// movedInto finds a flag that there was when a folder last compiled, that is gone from where it stood, and that the folder names
// now; "": there is none.
func movedInto(tree fs.FS, folder string, flags []string, kept map[string]bool) string {
	text := ""
	for _, key := range flags {
		if kept[key] {
			continue
		}
		if text == "" {
			text = textOf(tree, folder)
		}
		if label, err := regexp.Compile(`(^|[^\w.-])` + regexp.QuoteMeta(key) + `"?[?!]?\s*:`); err == nil && label.MatchString(text) {
			return key
		}
	}
	return ""
}

// textOf gives the CUE files of a folder and those below it, as far as they can be read.
func textOf(tree fs.FS, folder string) string {
	var text strings.Builder
	_ = fs.WalkDir(tree, folder, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && path.Ext(file) == ".cue" {
			content, _ := fs.ReadFile(tree, file)
			text.Write(content)
		}
		return nil
	})
	return text.String()
}

// lagging tells of each folder held back, and of the first error in it.
func lagging(faults map[string]compile.Errors, past map[string]*lastGood) []feed.Lagging {
	var all []feed.Lagging
	for _, folder := range slices.Sorted(maps.Keys(past)) {
		l := feed.Lagging{Folder: folder, Revision: past[folder].revision, Since: past[folder].since}
		var errors compile.Errors
		for _, fault := range slices.Sorted(maps.Keys(faults)) {
			if inside(fault, folder) {
				errors = append(errors, faults[fault]...)
			}
		}
		l.File, l.Line, l.Column, l.Reason = first(errors)
		all = append(all, l)
	}
	return all
}

// first tells where and what the first of some errors is, and how many more there are.
func first(errors compile.Errors) (file string, line, column int, reason string) {
	e := errors[0]
	reason = e.Message
	if e.Hint != "" {
		reason += "; " + e.Hint
	}
	if more := len(errors) - 1; more > 0 {
		reason += fmt.Sprintf(" (and %d more)", more)
	}
	return e.File, e.Line, e.Column, reason
}

// inside says whether a path is that of a folder or of something in it.
func inside(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }

func atOf(commit gitrepo.Commit) eval.At {
	return eval.At{Revision: commit.Hash, Generation: commit.Generation, Time: commit.Time}
}

// tellLagging says wherever people look which folders lag, and gives what says in the log what is news of that, once it is served.
func (d *Daemon) tellLagging(revision string, lagging []feed.Lagging) (log func()) {
	d.hub.SetLagging(lagging[:min(len(lagging), mostLagging)])
	came, gone := d.board.lag(lagging)
	return func() {
		for _, l := range came {
			d.config.Logger.Error("a folder does not compile and stays behind", "revision", short(revision), "folder", l.Folder, "served", short(l.Revision),
				"since", l.Since, "problem", l.String())
		}
		for _, folder := range gone {
			d.config.Logger.Info("a folder that stayed behind is served as it is", "revision", short(revision), "folder", folder)
		}
	}
}

// mostLagging is how many folders subscribers are told of; /status has all.
const mostLagging = 50
