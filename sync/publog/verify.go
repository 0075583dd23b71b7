package publog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Problem is where a log is not what was written.
type Problem struct {
	File string `json:"file,omitempty"` // "": there is but one
	Line int    `json:"line"`           // counting from 1
	Text string `json:"text"`
}

// String gives "FILE:LINE: TEXT".
func (p Problem) String() string {
	if p.File == "" {
		return fmt.Sprintf("line %d: %s", p.Line, p.Text)
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
}

// Chain checks lines one after the other. The zero value takes any line as the first.
type Chain struct {
	Seq  uint64 // of the last line
	Head string // the digest of the last line; "": there was none
}

// Next reads the line that follows, given without its line feed. The error says what is wrong with the line or the one before it;
// the chain goes on from the line all the same. An entry is given as far as it can be read.
func (c *Chain) Next(line []byte) (Entry, error) {
	var e Entry
	before := *c
	c.Head = sum(line)
	if err := json.Unmarshal(line, &e); err != nil {
		c.Seq++
		return Entry{}, fmt.Errorf("it is no entry: %w", err)
	}
	if c.Seq = e.Seq; e.Seq > mostSeq {
		c.Seq = before.Seq + 1
	}
	switch {
	case e.Seq == 0 || e.Seq > mostSeq || e.Kind == "" || e.Time.IsZero():
		return e, errors.New("it is no entry: seq, kind or time is missing")
	case e.Seq == 1 && e.Prev != "":
		return e, errors.New("it is entry 1, and names one before it")
	case e.Seq > 1 && e.Prev == "":
		return e, fmt.Errorf("it is entry %d, and names none before it", e.Seq)
	case before == Chain{}:
		return e, nil
	case e.Seq != before.Seq+1:
		return e, fmt.Errorf("entry %d follows entry %d: entries were taken out or put in", e.Seq, before.Seq)
	case e.Prev != before.Head:
		return e, fmt.Errorf("entry %d, before it, was changed: its SHA-256 is %s, not %s as this entry says", before.Seq, before.Head, e.Prev)
	}
	return e, nil
}

// Verify checks a log's lines. It gives the number of lines and what is wrong with them; the error is that of r.
func Verify(r io.Reader) (n int, problems []Problem, err error) {
	return new(Chain).Verify(r)
}

// Verify checks lines that follow those which the chain has seen, as those of the next file do.
func (c *Chain) Verify(r io.Reader) (n int, problems []Problem, err error) {
	for line, whole := range lines(r, &err) {
		n++
		problem := func(text string) { problems = append(problems, Problem{Line: n, Text: text}) }
		if !whole {
			problem("it is not whole: what wrote it was cut off")
			break
		}
		if _, err := c.Next(line); err != nil {
			problem(err.Error())
		}
	}
	return n, problems, err
}

// lines gives the lines of a log without their line feeds, and whether they had one. A line is good until the next is asked for.
// What ends it early is left in err.
func lines(r io.Reader, err *error) func(yield func(line []byte, whole bool) bool) {
	return func(yield func([]byte, bool) bool) {
		reader := bufio.NewReaderSize(r, mostLine+1)
		for {
			line, e := reader.ReadSlice('\n')
			switch {
			case errors.Is(e, io.EOF):
				if len(line) > 0 {
					yield(line, false)
				}
				return
			case errors.Is(e, bufio.ErrBufferFull):
				*err = fmt.Errorf("a line is longer than %d bytes: this is no publication log", mostLine)
				return
			case e != nil:
				*err = e
				return
			}
			if !yield(bytes.TrimSuffix(line, []byte("\n")), true) {
				return
			}
		}
	}
}
