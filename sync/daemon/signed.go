package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/signers"
)

// vouching knows whose signatures count.
type vouching struct {
	set   atomic.Pointer[signers.Set] // nil: commits need none
	by    *signers.Set                // by which the tip was judged last; of the goroutine that follows the source
	noted []string                    // the revisions that the state on disk may be of; likewise, and of New
}

// signedFile names, in the state folder, the revisions whose signatures were found good, newest first: what else lies there is not
// served where signatures are required.
const signedFile = "signed"

// openSigners reads the keys of those who may sign, where commits have to be signed.
func (d *Daemon) openSigners() error {
	if d.config.SignersFile == "" {
		return nil
	}
	if dir := d.stateDir(); dir != "" {
		text, _ := readSealed(filepath.Join(dir, signedFile)) // without it, nothing there is known to be signed
		d.vouching.noted = strings.Fields(string(text))
	}
	return d.rely("keys of those who may sign commits", func(texts [][]byte) error {
		set, err := signers.Parse(texts[0])
		if err == nil {
			d.vouching.set.Store(set)
			d.Hint()
		}
		return err
	}, d.config.SignersFile)
}

// heedSigners takes other keys into account, and says whether there are some. What is served stays.
func (d *Daemon) heedSigners() bool {
	set := d.vouching.set.Load()
	if set == d.vouching.by {
		return false
	}
	d.vouching.by = set
	d.lags.keep(nil) // a folder may be of a commit that counts no more, or could be of one that does now
	return true
}

// vouched tells whose signature a commit has or what it is refused for, where signatures are required. What is served was vouched for
// when it was published.
func (d *Daemon) vouched(ctx context.Context, repository *gitrepo.Repo, commit gitrepo.Commit) (signer string, problem *compile.Error, err error) {
	set := d.vouching.set.Load()
	if set == nil || commit.Hash == d.serving.revision() {
		return "", nil, nil
	}
	signature, text, err := repository.Signature(ctx, commit.Hash)
	if err == nil {
		signer, err = set.Verify(text, signature, commit.Time)
		if err == nil {
			return signer, nil, nil
		}
	} else if !errors.Is(err, gitrepo.ErrAmbiguous) {
		return "", nil, err
	}
	hint := "sign a commit on top of it, with a key that --require-signed names"
	if path := repository.Path(); path != "" {
		hint += ", that changes something in " + path
	}
	return "", &compile.Error{Message: "only signed commits are published, and this one is refused: " + err.Error(), Hint: hint}, nil
}

// noteSigned notes a revision that is about to be published, whose signature is good.
func (d *Daemon) noteSigned(revision string) {
	dir := d.stateDir()
	if d.vouching.set.Load() == nil || dir == "" || slices.Contains(d.vouching.noted, revision) {
		return
	}
	d.vouching.noted = append([]string{revision}, d.vouching.noted[:min(len(d.vouching.noted), 1)]...)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = replaceFile(filepath.Join(dir, signedFile), []byte(strings.Join(d.vouching.noted, "\n")+"\n"))
	}
	if err != nil {
		d.config.Logger.Warn("what was signed could not be noted on disk: after a restart nothing is served until the repository is read", "error", err)
	}
}

// errNotSigned is why a file of the state folder is left aside.
var errNotSigned = errors.New("it is not known to be of a signed commit")

// checkSigned says why a state on disk may not be served; nil: it may.
func (d *Daemon) checkSigned(revision string) error {
	if d.vouching.set.Load() == nil || slices.Contains(d.vouching.noted, revision) {
		return nil
	}
	return errNotSigned
}
