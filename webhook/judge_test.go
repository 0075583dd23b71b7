package webhook

import "testing"

func TestQueuedPull(t *testing.T) {
	for ref, want := range map[string]int{
		"refs/heads/gh-readonly-queue/main/pr-17-0123abc":       17,
		"refs/heads/gh-readonly-queue/team/pr-5-x/pr-17-0123ab": 17,
		"refs/heads/gh-readonly-queue/main/pr--1":               0,
		"main": 0, "": 0,
	} {
		if got := queuedPull(ref); got != want {
			t.Errorf("%s is of pull request %d, want %d", ref, got, want)
		}
	}
}
