package webhook

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// kind says what is to be done.
type kind string

const (
	judge   kind = "judge"       // a pull request
	group   kind = "merge group" // judge a commit of the merge queue
	left    kind = "left"        // take back what was said of a pull request that left the branch
	merged  kind = "merged"      // keep the evidence of a merge
	sweep   kind = "sweep"       // judge every open pull request
	catchUp kind = "catch up"    // what happened while nobody listened
	rerun   kind = "rerun"       // judge the pull requests of a head
)

// task is a piece of work. Equal ones that wait are one, since what is to be done is looked up when it is done.
type task struct {
	kind kind
	pull int    // judge, left, merged
	head string // group, rerun
	ref  string // group: the branch of the merge queue
	base string // group: the commit that it goes on
}

// queue holds what is to be done, and when. It has any number of writers and one reader.
type queue struct {
	limit int
	wake  chan struct{} // one slot: something changed

	mu      sync.Mutex
	waiting map[task]turn
	running map[task]bool
}

// turn is when a task is due, and how often it has failed.
type turn struct {
	due    time.Time
	failed int
}

func newQueue(limit int) *queue {
	return &queue{limit: limit, wake: make(chan struct{}, 1), waiting: map[task]turn{}, running: map[task]bool{}}
}

// offer has tasks done now, or says that there is no room for them. What waits already takes none.
func (q *queue) offer(tasks ...task) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now, room := time.Now(), q.limit
	for _, turn := range q.waiting {
		if !turn.due.After(now) {
			room--
		}
	}
	for _, t := range tasks {
		if turn, ok := q.waiting[t]; !ok || turn.due.After(now) {
			room--
		}
	}
	if room < 0 {
		return false
	}
	for _, t := range tasks {
		if waits, ok := q.waiting[t]; !ok || waits.due.After(now) { // else it keeps its place, however often it is asked for
			q.waiting[t] = turn{due: now}
		}
	}
	q.signal()
	return true
}

// add has a task done at an instant, or earlier where it is due earlier.
func (q *queue) add(t task, due time.Time, failed int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if old, ok := q.waiting[t]; ok && old.due.Before(due) {
		return
	}
	q.waiting[t] = turn{due, failed}
	q.signal()
}

// drop forgets that a task was to be done later.
func (q *queue) drop(t task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if turn, ok := q.waiting[t]; ok && turn.due.After(time.Now()) {
		delete(q.waiting, t)
	}
}

// next waits for a task to be due of which none is being done; done must follow. ok is false where ctx has ended.
func (q *queue) next(ctx context.Context) (t task, failed int, ok bool) {
	for {
		t, failed, wait := q.take(time.Now())
		if wait <= 0 {
			return t, failed, true
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-q.wake:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return task{}, 0, false
		}
	}
}

// take gives the task that is due first, or how long to wait for one.
func (q *queue) take(now time.Time) (first task, failed int, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	wait = time.Hour
	for t, turn := range q.waiting {
		if until := turn.due.Sub(now); !q.running[t] && until < wait {
			first, failed, wait = t, turn.failed, until
		}
	}
	if wait <= 0 {
		delete(q.waiting, first)
		q.running[first] = true
	}
	return first, failed, wait
}

func (q *queue) done(t task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.running, t)
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

const (
	// retries is how often a task is tried again before it is given up, which takes about two hours.
	retries    = 14
	firstRetry = 2 * time.Second
	lastRetry  = 20 * time.Minute
)

// backoff is the wait before a task that has failed is tried again, spread so that not all come back at once.
func backoff(failed int) time.Duration {
	wait := min(firstRetry<<min(failed-1, 20), lastRetry)
	return time.Duration(float64(wait) * (0.75 + 0.5*rand.Float64()))
}
