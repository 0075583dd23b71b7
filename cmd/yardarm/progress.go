package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progressAfter is how long compiling may take before people are told how far it is.
const progressAfter = 500 * time.Millisecond

// progress is a line on a terminal that says how far compiling is, and goes again.
type progress struct {
	out   io.Writer
	begun time.Time
	shown bool
}

// tell is what [compile.Config] has as Progress.
func (p *progress) tell(done, total int) {
	if time.Since(p.begun) >= progressAfter {
		p.shown = true
		fmt.Fprintf(p.out, "\r\x1b[Kcompiling %d/%d folders", done, total)
	}
}

func (p *progress) erase() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// newProgress begins to tell people at a terminal; elsewhere nobody.
func newProgress(w io.Writer) *progress {
	if !isTerminal(w) || dumb() {
		w = io.Discard
	}
	return &progress{out: w, begun: time.Now()}
}

// dumb says whether the terminal takes no control sequences.
func dumb() bool { return os.Getenv("TERM") == "dumb" }
