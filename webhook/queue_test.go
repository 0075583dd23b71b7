package webhook

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestQueueCoalesces(t *testing.T) {
	q := newQueue(2)
	one, two, three := task{kind: judge, pull: 1}, task{kind: judge, pull: 2}, task{kind: judge, pull: 3}
	for range 100 {
		if !q.offer(one, two) {
			t.Fatal("no room for what waits already")
		}
	}
	if q.offer(three) {
		t.Error("room for a third of two")
	}
	for range 2 {
		got, _, ok := q.next(t.Context())
		if !ok || got != one && got != two {
			t.Errorf("next = %v", got)
		}
	}
	if !q.offer(three) {
		t.Error("no room once the others are being done")
	}
}

// TestQueueKeepsPlaces shows that nobody puts off what waits by asking for it again and again.
func TestQueueKeepsPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(9)
		first, second := task{kind: judge, pull: 1}, task{kind: judge, pull: 2}
		for _, one := range []task{first, second, first} {
			q.offer(one)
			<-time.After(time.Second) // of the test's own clock
		}
		if got, _, _ := q.next(t.Context()); got != first {
			t.Errorf("next = %v, want what came first", got)
		}
	})
}

// TestQueueOneAtATime shows that a task is not done twice at the same time, nor forgotten where it comes while it is done.
func TestQueueOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(9)
		one := task{kind: judge, pull: 1}
		q.offer(one)
		q.next(t.Context())
		q.offer(one)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if got, _, ok := q.next(ctx); ok {
			t.Fatalf("%v is done twice at the same time", got)
		}
		q.done(one)
		if got, _, ok := q.next(t.Context()); !ok || got != one {
			t.Errorf("next = %v, want what came meanwhile", got)
		}
	})
}

func TestQueueTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1)
		start := time.Now()
		soon, late, dropped := task{kind: judge, pull: 1}, task{kind: judge, pull: 2}, task{kind: judge, pull: 3}
		q.add(late, start.Add(48*time.Hour), 0)
		q.add(soon, start.Add(time.Hour), 3)
		q.add(soon, start.Add(2*time.Hour), 0) // later than it is due already
		q.add(dropped, start.Add(time.Minute), 0)
		q.drop(dropped)
		if !q.offer(task{kind: sweep}) {
			t.Error("what is due later takes the room of what is due now")
		}
		for _, want := range []struct {
			task   task
			after  time.Duration
			failed int
		}{{task{kind: sweep}, 0, 0}, {soon, time.Hour, 3}, {late, 48 * time.Hour, 0}} {
			got, failed, ok := q.next(t.Context())
			if after := time.Since(start); !ok || got != want.task || after != want.after || failed != want.failed {
				t.Errorf("next = %v after %s, failed %d; want %v after %s, failed %d", got, after, failed, want.task, want.after, want.failed)
			}
			q.done(got)
		}
	})
}

// TestQueueEventBeforeRefresh shows that an event does not wait for the hour at which its pull request is looked at anyway.
func TestQueueEventBeforeRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, start := newQueue(1), time.Now()
		one := task{kind: judge, pull: 1}
		q.add(one, start.Add(time.Hour), 5)
		q.offer(one)
		if _, failed, _ := q.next(t.Context()); time.Since(start) > 0 || failed != 0 {
			t.Errorf("after %s, failed %d; want it at once, afresh", time.Since(start), failed)
		}
	})
}

func TestBackoff(t *testing.T) {
	var all time.Duration
	for failed := 1; failed <= retries; failed++ {
		wait := backoff(failed)
		if wait < firstRetry*3/4 || wait > lastRetry*5/4 {
			t.Errorf("after %d failures: %s", failed, wait)
		}
		all += wait
	}
	if all < time.Hour || all > 4*time.Hour {
		t.Errorf("given up after %s", all)
	}
}
