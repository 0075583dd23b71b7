package soak_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
)

// truth is a Git server with a branch that grows, and what each of its commits is to be served as.
type truth struct {
	t        *testing.T
	server   *gitrepotest.Server
	compiler *compile.Compiler
	random   *rand.Rand
	digests  map[int]map[string]string // by share, then by environment
	share    int                       // of the newest commit that compiles

	mu      sync.Mutex
	commits map[string]commit // by revision, those that may be served
	newest  string            // of them
	pushed  int               // all of them
}

// commit is what a revision is to be served as.
type commit struct {
	generation uint64
	digests    map[string]string // by environment
}

// The flag that each commit changes; the other ones stay.
var (
	changing = compiletest.Key(0, 0)
	file     = compiletest.File(0, 0)
)

func newTruth(t *testing.T, random *rand.Rand) *truth {
	t.Helper()
	compiler, err := compile.New(compile.Config{CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	h := &truth{
		t: t, server: gitrepotest.NewServer(t), compiler: compiler, random: random,
		digests: map[int]map[string]string{}, commits: map[string]commit{},
	}
	files := map[string]string{}
	for name, text := range compiletest.Tree(2, 2) {
		files[name] = string(text.Data)
	}
	h.push("the first flags", files, 10)
	return h
}

// push commits files that make the changing flag's share as given, notes what that is to be served as, and only then lets
// anyone see it. Share 0: the commit is not to be served.
func (h *truth) push(message string, files map[string]string, share int) {
	h.t.Helper()
	revision := h.server.Commit(message, files)
	h.mu.Lock()
	h.pushed++
	generation := uint64(h.pushed)
	h.mu.Unlock()
	if share > 0 {
		digests := h.digestsOf(share)
		h.mu.Lock()
		h.commits[revision], h.newest, h.share = commit{generation, digests}, revision, share
		h.mu.Unlock()
	}
	h.server.Git("push", "-q", h.server.Bare, "HEAD")
	counts.add("commits pushed meanwhile", 1)
}

// good pushes a commit that compiles.
func (h *truth) good() {
	h.t.Helper()
	share := 10 + h.random.IntN(80)
	h.push(fmt.Sprintf("share %d", share), map[string]string{
		file: compiletest.Flag(changing, share), "schema/project.cue": compiletest.Project,
	}, share)
}

// any pushes a commit, which now and then breaks a folder, that is then served as it was, or all flags.
func (h *truth) any() {
	h.t.Helper()
	switch h.random.IntN(10) {
	case 0:
		h.push("break a folder", map[string]string{file: "package flags\n\nflags: {", "schema/project.cue": compiletest.Project}, h.share)
	case 1:
		h.push("break all", map[string]string{"schema/project.cue": "package schema\n\nproject: {"}, 0)
	default:
		h.good()
	}
}

// digestsOf compiles the flags as they are with a share.
func (h *truth) digestsOf(share int) map[string]string {
	h.t.Helper()
	if known := h.digests[share]; known != nil {
		return known
	}
	tree := compiletest.Tree(2, 2)
	compiletest.Set(tree, file, compiletest.Flag(changing, share))
	out, err := h.compiler.Compile(h.t.Context(), tree, eval.At{Revision: "x", Generation: 1})
	if err := errors.Join(err, out.Err()); err != nil {
		h.t.Fatal(err)
	}
	digests := map[string]string{}
	for environment, snapshot := range out.Snapshots {
		digests[environment] = snapshot.At().Digest
	}
	h.digests[share] = digests
	return digests
}

// tip gives the newest revision that is to be served, and its generation.
func (h *truth) tip() (revision string, generation uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.newest, h.commits[h.newest].generation
}

// check says what is wrong with a position of an environment: it must be that of a commit that was made, with the items of it.
func (h *truth) check(environment string, at eval.At) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	made, known := h.commits[at.Revision]
	switch {
	case !known:
		return fmt.Errorf("revision %q was never to be served", at.Revision)
	case at.Generation != made.generation:
		return fmt.Errorf("revision %s is served as generation %d, want %d", at.Revision, at.Generation, made.generation)
	case at.Digest != made.digests[environment]:
		return fmt.Errorf("revision %s is served with digest %s, want %s", at.Revision, at.Digest, made.digests[environment])
	}
	counts.add("states checked against their commit", 1)
	return nil
}
