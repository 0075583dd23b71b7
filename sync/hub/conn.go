package hub

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/yardarm-io/yardarm/sync/feed"
)

// The close codes of the feed; docs/protocol.md says what a client does on each.
const (
	closeGoingAway   = websocket.CloseGoingAway // which web pages send; the hub does not
	closeUnsupported = websocket.CloseUnsupportedData
	closePolicy      = websocket.ClosePolicyViolation
	closeTooBig      = websocket.CloseMessageTooBig
	closeRestart     = websocket.CloseServiceRestart
)

// compressFrom is the size of a text from which on compressing it is worth a receiver's while.
const compressFrom = 1 << 10

// message is a text ready to be sent to any number of connections: framed once, compressed once.
type message struct {
	prepared *websocket.PreparedMessage
	kind     string // its type
	size     int    // of the text
	lost     bool   // it leads back since something was lost
}

func newMessage(kind string, text []byte) (*message, error) {
	prepared, err := websocket.NewPreparedMessage(websocket.TextMessage, text)
	return &message{prepared: prepared, kind: kind, size: len(text)}, err
}

// conn is all that the hub asks of a websocket. One goroutine may read and one may send and ping; the rest is for any.
type conn struct{ ws *websocket.Conn }

// send writes m. After an error nothing can be sent any more.
func (c conn) send(m *message, deadline time.Time) error {
	c.ws.EnableWriteCompression(m.size >= compressFrom)
	if err := c.ws.SetWriteDeadline(deadline); err != nil {
		return err
	}
	return c.ws.WritePreparedMessage(m.prepared)
}

func (c conn) ping(deadline time.Time) error {
	return c.ws.WriteControl(websocket.PingMessage, nil, deadline)
}

// errNotText and errTooBig are what read refuses, with the close codes 1003 and 1009.
var (
	errNotText = errors.New("only text messages are understood")
	errTooBig  = errors.New("message over the limit of 64 KiB")
)

// next waits for the next text message, which is to be read before the one after it.
func (c conn) next() (io.Reader, error) {
	kind, r, err := c.ws.NextReader()
	if err == nil && kind != websocket.TextMessage {
		err = errNotText
	}
	return r, err
}

// readText reads a text message. The connection's own limit counts compressed bytes; this one is for what they expand to.
func readText(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, feed.MaxRequest+1))
	if err == nil && len(text) > feed.MaxRequest {
		err = errTooBig
	}
	return text, err
}

// onControl calls pong for each pong that read comes across, and always after each ping, which is answered first, and pong.
func (c conn) onControl(pong, always func()) {
	c.ws.SetPongHandler(func(string) error { pong(); always(); return nil })
	answer := c.ws.PingHandler()
	c.ws.SetPingHandler(func(text string) error {
		defer always()
		return answer(text)
	})
}

func (c conn) readUntil(deadline time.Time) { _ = c.ws.SetReadDeadline(deadline) }

// closing says that the connection is over and why; the other side answers by closing it. A reason is cut at 123 bytes.
func (c conn) closing(code int, reason string) {
	if len(reason) > 123 {
		reason = strings.ToValidUTF8(reason[:123], "")
	}
	_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
}

// cut closes the connection at once and never waits, as TLS would for its own farewell. It ends reads and writes that are
// waiting.
func (c conn) cut() { _ = c.socket().Close() }

// socket is the network connection below TLS.
func (c conn) socket() net.Conn {
	nc := c.ws.NetConn()
	if secure, ok := nc.(interface{ NetConn() net.Conn }); ok {
		return secure.NetConn()
	}
	return nc
}

// ordinaryEnd reports whether err, from read, means that the other side said goodbye as it should.
func ordinaryEnd(err error) bool {
	return websocket.IsCloseError(err, websocket.CloseNormalClosure, closeGoingAway, closeRestart)
}

func isUpgrade(r *http.Request) bool { return websocket.IsWebSocketUpgrade(r) }

// upgrader makes a websocket of a request. Small reads, pooled writes: a connection at rest holds next to nothing.
type upgrader struct {
	ws         websocket.Upgrader
	sendBuffer int
}

func newUpgrader(c Config) *upgrader {
	return &upgrader{sendBuffer: c.SendBuffer, ws: websocket.Upgrader{
		HandshakeTimeout:  c.WriteTimeout,
		ReadBufferSize:    512,
		WriteBufferSize:   4096,
		WriteBufferPool:   &sync.Pool{},
		Subprotocols:      []string{feed.Subprotocol},
		EnableCompression: true,
		CheckOrigin:       func(r *http.Request) bool { return allowedOrigin(r, c.Origins) },
		Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
			w.Header().Set("Sec-Websocket-Version", "13")
			http.Error(w, strings.TrimPrefix(reason.Error(), "websocket: "), status)
		},
	}}
}

// upgrade answers the request. On an error it has been answered as well.
func (u *upgrader) upgrade(w http.ResponseWriter, r *http.Request) (conn, error) {
	ws, err := u.ws.Upgrade(w, r, nil)
	if err != nil {
		return conn{}, err
	}
	ws.SetReadLimit(feed.MaxRequest)
	c := conn{ws}
	if tcp, ok := c.socket().(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(u.sendBuffer) // only saves memory
	}
	return c, nil
}

// allowedOrigin lets in what is no web page (no Origin), pages of the same host, and the origins listed.
func allowedOrigin(r *http.Request, origins []string) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}
