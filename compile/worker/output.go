package worker

import (
	"errors"
	"strings"
)

// capped keeps what is written up to a limit, beyond which it calls over and refuses.
type capped struct {
	limit    int64
	over     func()
	bytes    []byte
	exceeded bool
}

func (c *capped) Write(p []byte) (int, error) {
	if int64(len(c.bytes)+len(p)) > c.limit {
		c.exceeded = true
		c.over()
		return 0, errors.New("over the limit")
	}
	c.bytes = append(c.bytes, p...)
	return len(p), nil
}

// ends keeps the beginning and the end of what is written: a Go crash says why first and where last.
type ends struct {
	head, tail []byte
	skipped    bool
}

const keep = 2 << 10 // bytes of each end

func (e *ends) Write(p []byte) (int, error) {
	n := len(p)
	room := min(keep-len(e.head), n)
	e.head = append(e.head, p[:room]...)
	e.tail = append(e.tail, p[room:]...)
	if len(e.tail) > keep {
		e.tail = append(e.tail[:0:0], e.tail[len(e.tail)-keep:]...)
		e.skipped = true
	}
	return n, nil
}

func (e *ends) String() string {
	middle := ""
	if e.skipped {
		middle = "\n...\n"
	}
	return strings.ToValidUTF8(string(e.head)+middle+string(e.tail), "?")
}
