package main

import (
	"bytes"
	"testing"
	"time"
)

func TestWantsColours(t *testing.T) {
	for _, test := range []struct {
		term, noColor string
		want          bool
	}{{"xterm", "", true}, {"", "", true}, {"dumb", "", false}, {"xterm", "1", false}} {
		t.Setenv("TERM", test.term)
		t.Setenv("NO_COLOR", test.noColor)
		if got := wantsColours(); got != test.want {
			t.Errorf("TERM=%s NO_COLOR=%s: %t", test.term, test.noColor, got)
		}
	}
}

// TestProgress shows where compiling is once people begin to wait, and leaves nothing on the screen.
func TestProgress(t *testing.T) {
	var screen bytes.Buffer
	p := &progress{out: &screen, begun: time.Now()}
	p.tell(1, 50)
	p.erase()
	if screen.Len() > 0 {
		t.Errorf("at once: %q", &screen)
	}
	p.begun = time.Now().Add(-progressAfter)
	p.tell(12, 50)
	p.tell(13, 50)
	p.erase()
	if got, want := screen.String(), "\r\x1b[Kcompiling 12/50 folders\r\x1b[Kcompiling 13/50 folders\r\x1b[K"; got != want {
		t.Errorf("after a while: %q, want %q", got, want)
	}
	var pipe bytes.Buffer
	elsewhere := newProgress(&pipe)
	elsewhere.begun = p.begun
	elsewhere.tell(1, 2)
	elsewhere.erase()
	if pipe.Len() > 0 {
		t.Errorf("into a pipe: %q", &pipe)
	}
}
