package eval

import (
	"errors"
	"fmt"
)

// Bounds of what one decision may take, so that no snapshot, however it came to be, hangs the service that asks it.
const (
	maxChain = 32      // prerequisites and segments that lead from one to the next
	maxTests = 100_000 // tests, those of segments and prerequisites counted each time that they are referred to
)

var (
	errCycle = errors.New("it refers to itself, or to something that does, through prerequisites or segments")
	errChain = fmt.Errorf("its prerequisites and segments lead on for more than %d steps", maxChain)
	errTests = fmt.Errorf("with its segments and prerequisites it has more than %d tests", maxTests)
)

// reach is how far a decision can lead.
type reach struct {
	steps  int // prerequisites and segments, one after the other
	tests  int
	cyclic bool // without an end
}

// add makes r lead to all that other leads to.
func (r *reach) add(other reach) {
	r.steps = max(r.steps, other.steps)
	r.tests = min(r.tests+other.tests, maxTests+1)
}

// step makes r lead, by one step more, to all that other leads to.
func (r *reach) step(other reach) {
	r.add(reach{steps: other.steps + 1, tests: other.tests})
}

func (r *reach) check() error {
	switch {
	case r.steps > maxChain:
		return errChain
	case r.tests > maxTests:
		return errTests
	}
	return nil
}

// reachOfBroken gives the reach of a flag with a problem, which is asked nothing more; but one that leads too far takes
// along whatever requires it.
func reachOfBroken(problem error) reach {
	switch {
	case errors.Is(problem, errChain):
		return reach{steps: maxChain + 1}
	case errors.Is(problem, errTests):
		return reach{tests: maxTests + 1}
	}
	return reach{}
}
