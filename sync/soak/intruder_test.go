package soak_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// intruder is a connection of which every byte is chosen.
type intruder struct {
	net.Conn
	in *bufio.Reader
}

// knock connects, with TLS.
func (f *fort) knock(t testing.TB) *intruder {
	t.Helper()
	conn, err := tls.Dial("tcp", f.daemon.Addr(), f.tls())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &intruder{conn, bufio.NewReader(conn)}
}

// enter subscribes to an environment with the key of a name, and gives all that was answered before the first message.
func (f *fort) enter(t testing.TB, key, query string, headers ...string) (*intruder, string) {
	t.Helper()
	i := f.knock(t)
	i.say(t, "GET /feed?"+query+" HTTP/1.1\r\nHost: "+f.daemon.Addr()+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer "+f.texts[key]+"\r\n"+
		strings.Join(headers, "")+"\r\n")
	head := ""
	for !strings.HasSuffix(head, "\r\n\r\n") {
		line, err := i.in.ReadString('\n')
		if err != nil {
			t.Fatalf("no answer to the handshake but %q: %v", head, err)
		}
		head += line
	}
	return i, head
}

func (i *intruder) say(t testing.TB, text string) {
	t.Helper()
	if _, err := io.WriteString(i, text); err != nil {
		t.Fatal(err)
	}
}

// frame is one of the websocket protocol.
type frame struct {
	first   byte // FIN, reserved bits and opcode
	bare    bool // not masked
	length  int  // that it claims; 0: the payload's
	payload []byte
}

func (f frame) bytes() []byte {
	length := f.length
	if length == 0 {
		length = len(f.payload)
	}
	mask := byte(0x80)
	if f.bare {
		mask = 0
	}
	out := []byte{f.first}
	switch {
	case length < 126:
		out = append(out, mask|byte(length))
	case length < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, mask|126), uint16(length))
	default:
		out = binary.BigEndian.AppendUint64(append(out, mask|127), uint64(length))
	}
	if !f.bare {
		out = append(out, 0, 0, 0, 0) // a mask that changes nothing
	}
	return append(out, f.payload...)
}

// ends reads until the server has closed the connection, and says so if that takes too long.
func (i *intruder) ends(within time.Duration) error {
	_ = i.SetReadDeadline(time.Now().Add(within))
	_, err := io.Copy(io.Discard, i.in)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("the connection is still open after %v", within)
	}
	return nil
}

// flood sends the same again and again until the connection ends or so much time has passed, reading all the while.
func (i *intruder) flood(data []byte, d time.Duration) (sent int) {
	_ = i.SetDeadline(time.Now().Add(d))
	go func() { _, _ = io.Copy(io.Discard, i.in) }()
	many := bytes.Repeat(data, max(1, 4096/max(1, len(data))))
	for {
		n, err := i.Write(many)
		sent += n
		if err != nil {
			return sent
		}
	}
}

// bomb is compressed zeros.
func bomb(size int) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestCompression)
	zeros := make([]byte, 1<<16)
	for ; size > 0; size -= len(zeros) {
		_, _ = w.Write(zeros)
	}
	_ = w.Flush()
	return bytes.TrimSuffix(out.Bytes(), []byte{0, 0, 0xff, 0xff})
}

func newReader(conn net.Conn) *bufio.Reader { return bufio.NewReader(conn) }
