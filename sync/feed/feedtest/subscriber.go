package feedtest

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/yardarm-io/yardarm/sync/feed"
)

// counted counts what is read from a connection.
type counted struct {
	net.Conn
	bytes *atomic.Int64
}

// Read implements [io.Reader].
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

// subscriber is one connection, without a library's buffers.
type subscriber struct {
	conn net.Conn
	in   *bufio.Reader
	text []byte
}

// subscribe connects.
func subscribe(config *Config, i int, received *atomic.Int64) (*subscriber, error) {
	conn, err := net.Dial("tcp", config.Address)
	if err != nil {
		return nil, err
	}
	s := &subscriber{conn: conn}
	s.in = bufio.NewReaderSize(&counted{conn, received}, 2048)
	more := config.Header
	if !config.Plain {
		more += "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
	}
	_, err = fmt.Fprintf(conn, "GET /feed?%s&client=crowd%%2F%d HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: %s\r\n%s\r\n",
		config.Query, i, config.Address, feed.Subprotocol, more)
	if err != nil {
		return nil, err
	}
	status, err := s.in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if !strings.Contains(status, " 101 ") {
		rest, _ := io.ReadAll(io.LimitReader(s.in, 500))
		return nil, fmt.Errorf("subscribe: %s %s", strings.TrimSpace(status), rest)
	}
	for line := status; line != "\r\n"; {
		if line, err = s.in.ReadString('\n'); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// The opcodes and the bits of a frame's head that servers use. None of a feed's messages comes in parts.
const (
	opText, opClose, opPing, opPong = 0x1, 0x8, 0x9, 0xa
	final, compressed               = 0x80, 0x40
)

var errClosed = errors.New("the server closed the connection")

// next reads a text message, as far as it takes to know its header, and answers pings.
func (s *subscriber) next() (text []byte, err error) {
	for {
		head, err := s.frame()
		if err != nil {
			return nil, err
		}
		switch head &^ (final | compressed) {
		case opText:
			if head&compressed != 0 {
				return inflate(s.text)
			}
			return s.text, nil
		case opPing:
			if err := s.send(opPong, s.text); err != nil {
				return nil, err
			}
		case opClose:
			return nil, errClosed
		}
	}
}

// frame reads one into text.
func (s *subscriber) frame() (head byte, err error) {
	var b [8]byte
	if _, err := io.ReadFull(s.in, b[:2]); err != nil {
		return 0, err
	}
	head = b[0]
	size := uint64(b[1])
	switch size {
	case 126:
		_, err = io.ReadFull(s.in, b[6:])
		size = uint64(binary.BigEndian.Uint16(b[6:]))
	case 127:
		_, err = io.ReadFull(s.in, b[:])
		size = binary.BigEndian.Uint64(b[:])
	}
	if err != nil {
		return 0, err
	}
	if uint64(cap(s.text)) < size {
		s.text = make([]byte, size)
	}
	s.text = s.text[:size]
	_, err = io.ReadFull(s.in, s.text)
	return head, err
}

// header is how much of a compressed message is looked at.
const header = 1 << 10

func inflate(data []byte) ([]byte, error) {
	r := flate.NewReader(io.MultiReader(bytes.NewReader(data), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	text := make([]byte, header)
	n, err := io.ReadFull(r, text)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return text[:n], err
}

// send writes a frame, masked with zeros.
func (s *subscriber) send(opcode byte, payload []byte) error {
	f := append(make([]byte, 0, 6+len(payload)), final|opcode, 0x80|byte(len(payload)), 0, 0, 0, 0)
	_, err := s.conn.Write(append(f, payload...))
	return err
}

// applied says that a state is in force.
func (s *subscriber) applied(digest string) error {
	return s.send(opText, fmt.Appendf(nil, `{"type":"applied","digest":%q}`, digest))
}

// state reads messages up to one that is a state, and says when it came.
func (s *subscriber) state() (revision, digest string, came time.Time, err error) {
	for {
		text, err := s.next()
		if err != nil {
			return "", "", came, err
		}
		came = time.Now()
		head, _, _ := bytes.Cut(text, []byte("\n"))
		switch field(head, "type") {
		case feed.TypeCurrent, feed.TypeDelta, feed.TypeSnapshot:
			return field(head, "revision"), field(head, "digest"), came, nil
		}
	}
}

// field gives the first text of a name in a header, in which nothing needs to be escaped.
func field(head []byte, name string) string {
	_, rest, _ := bytes.Cut(head, []byte(`"`+name+`":"`))
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(value)
}
