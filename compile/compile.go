// Package compile turns a tree of CUE files into snapshots that clients can be served.
//
// [New] makes a [Compiler], which caches and is meant to live long; [Compiler.Compile] reads an [fs.FS] (a commit, a
// worktree, a map in a test) and gives an [Output] with a snapshot for each environment, or with the mistakes in the files,
// each at its place. A program that compiles calls [Main] first of all.
//
// The unit of work is the folder, which package compile/folder compiles in a worker process of its own (compile/worker),
// as CUE can neither be stopped nor trusted. Its outcome is kept by the hash of all that it depends on, so that a change
// costs the folder it touches and a restart starts no worker. This package finds the folders, and refuses what CUE would
// leave out in silence; links them, which is where a flag key given twice or a prerequisite that does not exist shows; and
// runs the authors' tests. It knows nothing of Git and never logs.
package compile

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yardarm-io/yardarm/compile/folder"
	"github.com/yardarm-io/yardarm/compile/worker"
	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/schema"
)

// Config says what a compiler may use. The zero value is ready to use.
type Config struct {
	// CacheDir keeps compiled folders across restarts, in at most 256 MB; "": in memory only. It is made when missing; one
	// that cannot be written is done without. Whoever can write to it decides what flags say.
	CacheDir string
	// Workers is how many folders compile at the same time, over all calls of Compile; 0: one a processor.
	Workers int
	// Timeout bounds the compilation of one folder; 0: 10 s.
	Timeout time.Duration
	// MemoryLimit bounds the memory of one folder's compilation, in bytes; 0: 512 MB.
	MemoryLimit int64
	// Now is the clock of expiry warnings and flag tests; nil: time.Now.
	Now func() time.Time
	// Progress is told how many of a tree's folders are done, from caches or by workers, by one call at a time for each call
	// of Compile; it must return soon. Only a tree without errors is sure to come to the total. nil: nobody is told.
	Progress func(done, total int)
}

// Compiler compiles trees. It is safe for concurrent use.
type Compiler struct {
	now      func() time.Time
	progress func(done, total int) // or nil
	limits   worker.Config
	workers  chan struct{} // holds one token for each worker that runs
	cache    *cache

	mu    sync.Mutex
	last  map[string]*eval.Snapshot // by environment, of the last good compile: their items are taken over
	files map[string]*bundle        // of the last compile: they need not be read, checked and hashed again
}

// New makes a compiler. The error names the field of the configuration that is wrong.
func New(cfg Config) (*Compiler, error) {
	switch {
	case cfg.Workers < 0:
		return nil, fmt.Errorf("compile: Workers is %d; want 0 or more", cfg.Workers)
	case cfg.Timeout < 0:
		return nil, fmt.Errorf("compile: Timeout is %s; want 0 or more", cfg.Timeout)
	case cfg.MemoryLimit != 0 && cfg.MemoryLimit < 32<<20:
		return nil, fmt.Errorf("compile: MemoryLimit is %d bytes; want 0, or at least 32 MB", cfg.MemoryLimit)
	}
	if cfg.Workers == 0 {
		cfg.Workers = runtime.NumCPU()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Compiler{
		now:      cfg.Now,
		progress: cfg.Progress,
		limits:   worker.Config{Timeout: cfg.Timeout, MemoryLimit: cfg.MemoryLimit},
		workers:  make(chan struct{}, cfg.Workers),
		cache:    newCache(cfg.CacheDir),
	}, nil
}

// Output is what a tree compiles to.
type Output struct {
	Project folder.Project
	// Snapshots holds one for each environment of the project; nil when a problem is an error.
	Snapshots map[string]*eval.Snapshot
	Problems  []*Error // errors and warnings, sorted by place
	Faults    Faults   // those errors that show in folders by themselves
	Tests     []folder.Test
	Flags     []folder.Flag // sorted by key; with errors, those that no error touches
	Folders   int           // folders with CUE files, schema/ and segments included
	Compiled  int           // how many of them a worker compiled, as no cache knew them

	now      time.Time
	segments map[string]item
}

// Err is nil when there are snapshots, and [Errors] otherwise.
func (o *Output) Err() error {
	if found := firm(o.Problems); len(found) > 0 {
		return found
	}
	return nil
}

// Compile compiles a tree into snapshots at the position given, of which the digest is computed. What is wrong in the
// files is in the output; the error is [ErrNotRepository], [ErrNoMain], one of reading the tree, of starting workers, or ctx's. Trees of
// the same content give the same output.
//
// Where the FileInfo.Sys of a tree's files and folders is a string, as that of a commit's is, it has to be a hash of all that
// they are: one that a tree before had at the same path with the same hash is not read again.
func (c *Compiler) Compile(ctx context.Context, tree fs.FS, at eval.At) (*Output, error) {
	return c.compile(ctx, tree, at, false)
}

// CompileMixed is Compile for a tree whose folders are of several commits: a test of a flag or variant that is not there says
// nothing against serving it.
func (c *Compiler) CompileMixed(ctx context.Context, tree fs.FS, at eval.At) (*Output, error) {
	return c.compile(ctx, tree, at, true)
}

// Adopt has the next compile take over the items of snapshots, given by environment, such as those of an earlier process: what is in
// the same words is then neither read nor kept twice.
func (c *Compiler) Adopt(snapshots map[string]*eval.Snapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = maps.Clone(snapshots)
}

func (c *Compiler) compile(ctx context.Context, tree fs.FS, at eval.At, mixed bool) (*Output, error) {
	s, err := discover(tree, c.known())
	if err != nil {
		return nil, err
	}
	c.know(s.bundles)
	c.cache.begin()
	defer c.cache.end()
	b := &batch{compiler: c, source: s, out: &Output{now: c.now()}, mixed: mixed}
	if err := b.run(ctx); err != nil {
		return nil, err
	}
	b.out.Problems = sorted(append(b.out.Problems, s.problems...))
	b.out.Faults.finish(s)
	if len(firm(b.out.Problems)) > 0 {
		return b.out, nil
	}
	b.out.segments = segmentItems(b.units)
	b.out.Snapshots, err = c.snapshots(b.out.Project, b.units, at)
	return b.out, err
}

func (c *Compiler) known() map[string]*bundle {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.files
}

func (c *Compiler) know(files map[string]*bundle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files = files
}

// batch is one compile under way.
type batch struct {
	compiler *Compiler
	source   *source
	out      *Output
	units    []*unit
	mixed    bool         // the folders are of several commits
	overruns atomic.Int64 // folders that broke their worker's bounds

	telling sync.Mutex // held while progress is told
	done    int
	total   int // folders to compile, once they are known
}

func (b *batch) run(ctx context.Context) error {
	project, err := b.project(ctx)
	if err != nil || project == nil {
		return err
	}
	product := b.product(project.Language)
	if product == nil {
		return nil
	}
	b.source.checkVendored(product.files)
	var segments, folders []input
	for _, dir := range b.source.leaves() {
		b.out.Folders++
		switch {
		case !b.source.sound(dir):
		case dir == segmentsDir:
			segments = append(segments, newInput(b.source, product, dir))
		default:
			folders = append(folders, newInput(b.source, product, dir))
		}
	}
	b.total = len(segments) + len(folders)
	if err := b.compileAfter(ctx, segments, folders); err != nil {
		return err
	}
	b.link()
	return nil
}

// compileAfter compiles the segments and then the folders. Segments that could not be borne by a worker of their own are
// not given to one folder after another.
func (b *batch) compileAfter(ctx context.Context, segments, folders []input) error {
	compiled, err := b.compile(ctx, segments)
	if err != nil {
		return err
	}
	if len(compiled) < len(segments) {
		folders = slices.DeleteFunc(folders, func(in input) bool { return in.segments })
	}
	b.units, err = b.compile(ctx, folders)
	b.units = append(b.units, compiled...)
	return err
}

// product gives the product's files for a version of the language; nil, and a problem, for a version from the future.
func (b *batch) product(language int) *product {
	product, err := newProduct(language)
	if err != nil {
		e := &Error{File: projectFile, Path: "project.language", Message: err.Error(), Hint: "a newer Yardarm may know it"}
		b.out.Problems = append(b.out.Problems, e)
		b.out.Faults.fault(b.source, schemaDir, []*Error{e})
		return nil
	}
	return product
}

// project reads schema/ with the newest language's files, of which the part that says what a project is never changes.
// It gives nil where the problems leave no project to go by.
func (b *batch) project(ctx context.Context) (*folder.Project, error) {
	if !b.source.sound(schemaDir) || b.source.full {
		return nil, nil
	}
	product, err := newProduct(schema.Language)
	if err != nil {
		return nil, err
	}
	b.out.Folders++
	units, err := b.compile(ctx, []input{newInput(b.source, product, schemaDir)})
	if err != nil {
		return nil, err
	}
	if len(units) == 0 || len(firm(units[0].result.Errors)) > 0 {
		return nil, nil
	}
	b.out.Project = units[0].project
	return &b.out.Project, nil
}
