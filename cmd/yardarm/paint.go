package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// paint colours text on a terminal; elsewhere it leaves it as it is.
type paint bool

// paintFor says whether w is a terminal that wants colours.
func paintFor(w io.Writer) paint { return paint(isTerminal(w) && wantsColours()) }

// wantsColours heeds https://no-color.org and terminals that have none.
func wantsColours() bool { return os.Getenv("NO_COLOR") == "" && !dumb() }

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (p paint) wrap(code, text string) string {
	if !p {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p paint) bold(text string) string   { return p.wrap("1", text) }
func (p paint) dim(text string) string    { return p.wrap("2", text) }
func (p paint) red(text string) string    { return p.wrap("31", text) }
func (p paint) green(text string) string  { return p.wrap("32", text) }
func (p paint) yellow(text string) string { return p.wrap("33", text) }
