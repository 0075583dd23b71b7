package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// Bot looks after the pull requests of one branch of one repository. It is an [http.Handler] of deliveries.
type Bot struct {
	config   Config
	branch   string
	compiler *compile.Compiler
	repo     *gitrepo.Repo
	queue    *queue
	heard    heard
	reading  chan struct{} // holds one token for each large delivery that is read

	readWithin time.Duration // bounds how long a delivery may take to arrive
}

// New checks the configuration and opens the repository, for which it uses no network. Run or Close must follow.
func New(ctx context.Context, config Config) (*Bot, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	compiler, err := compile.New(compile.Config{CacheDir: config.CacheDir, Timeout: config.CompileTimeout})
	if err != nil {
		return nil, err
	}
	repo, err := gitrepo.Open(ctx, config.Repository)
	if err != nil {
		return nil, err
	}
	return &Bot{
		config: config, branch: cmp.Or(config.Repository.Branch, gitrepo.DefaultBranch), compiler: compiler, repo: repo,
		queue: newQueue(config.Queue), reading: make(chan struct{}, maxReading), readWithin: readWithin,
	}, nil
}

// Close gives up a bot that was never run.
func (b *Bot) Close() error { return b.repo.Close() }

// Run reviews every open pull request, since nobody told what happened before, and then what deliveries ask for, until ctx
// ends and all that it began has ended. What fails is tried again; only ctx ends it.
func (b *Bot) Run(ctx context.Context) error {
	defer b.repo.Close()
	b.config.Logger.Info("looking after pull requests", "repository", b.config.Name, "branch", b.branch)
	b.queue.add(task{kind: catchUp}, time.Now(), 0)
	var working sync.WaitGroup
	defer working.Wait()
	free := make(chan struct{}, b.config.Workers)
	for {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		t, failed, ok := b.queue.next(ctx)
		if !ok {
			return ctx.Err()
		}
		working.Go(func() {
			defer func() { <-free }()
			defer b.queue.done(t)
			b.work(ctx, t, failed)
		})
	}
}

// work does a task and sees to it that one which fails is tried again.
func (b *Bot) work(ctx context.Context, t task, failed int) {
	log := b.config.Logger.With("task", t.kind, "pull", t.pull, "head", short(t.head))
	err := b.try(ctx, t)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		log.Debug("done")
		return
	}
	log = log.With("error", err)
	if limit, ok := errors.AsType[*LimitError](err); ok { // which is no failure of the task's
		log.Warn("to be tried again when GitHub's limit is over")
		b.queue.add(t, limit.Until, failed)
		return
	}
	if failed++; failed > retries {
		log.Error("given up; the next delivery or start takes it up again")
		return
	}
	wait := backoff(failed)
	log.Warn("to be tried again", "in", wait.Round(time.Second))
	b.queue.add(t, time.Now().Add(wait), failed)
}

// try does a task in the time that one may take. What goes wrong within it ends with it.
func (b *Bot) try(ctx context.Context, t task) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.config.Timeout, errTooLong)
	defer cancel()
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("broken: %v\n%s", broken, debug.Stack())
		}
	}()
	err = b.do(ctx, t)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errTooLong) {
		return fmt.Errorf("%w (%s): %w", errTooLong, b.config.Timeout, err)
	}
	return err
}

var errTooLong = errors.New("took longer than a task may")

func (b *Bot) do(ctx context.Context, t task) error {
	switch t.kind {
	case judge:
		return b.reviewPull(ctx, t)
	case group:
		return b.reviewGroup(ctx, t)
	case left:
		return b.takeBack(ctx, t)
	case merged:
		return b.keepEvidence(ctx, t)
	case catchUp:
		return b.catchUp(ctx)
	case sweep:
		return b.sweep(ctx, func(Pull) bool { return true })
	case rerun:
		return b.sweep(ctx, func(p Pull) bool { return p.Head == t.head })
	}
	return fmt.Errorf("unknown task %q", t.kind)
}

// sweep has the open pull requests reviewed that are wanted.
func (b *Bot) sweep(ctx context.Context, wanted func(Pull) bool) error {
	pulls, err := b.config.Forge.OpenPulls(ctx)
	if err != nil {
		return err
	}
	for _, p := range pulls {
		if p.Base == b.branch && wanted(p) {
			b.queue.add(task{kind: judge, pull: p.Number}, time.Now(), 0)
		}
	}
	return nil
}

// short is how a commit is called in logs and to people.
func short(hash string) string { return hash[:min(len(hash), 12)] }

// catchUp has the open pull requests judged and the evidence of late merges kept.
func (b *Bot) catchUp(ctx context.Context) error {
	if err := b.sweep(ctx, func(Pull) bool { return true }); err != nil {
		return err
	}
	if _, err := b.repo.Fetch(ctx); err != nil {
		return err
	}
	pulls, err := b.config.Forge.MergedPulls(ctx, b.branch)
	if err != nil {
		return err
	}
	for _, p := range pulls {
		c, err := b.repo.Commit(ctx, p.MergeCommit)
		if errors.Is(err, gitrepo.ErrNoCommit) || err == nil && time.Since(c.Time) > b.config.CatchUp {
			continue
		}
		if err != nil {
			return err
		}
		b.queue.add(task{kind: merged, pull: p.Number}, time.Now(), 0)
	}
	return nil
}
