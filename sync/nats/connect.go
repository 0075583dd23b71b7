package nats

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// connect begins to connect, and goes on with it until the connection is closed: whatever goes wrong meanwhile is in the
// status. An error is one that waiting does not mend.
func (l *link) connect() (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name(strings.TrimSpace("yardarm " + l.config.Name)),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(), nats.CustomReconnectDelay(reconnectDelay),
		nats.ReconnectBufSize(-1), // what can't be written now is written anew, not late
		nats.NoEcho(), nats.Timeout(request), nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2),
		nats.ConnectHandler(l.connected), nats.ReconnectHandler(l.connected),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { l.disconnected(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { l.disconnected(err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { l.warned(err) }),
	}
	if l.config.CredentialsFile != "" {
		options = append(options, nats.UserCredentials(l.config.CredentialsFile))
	}
	if l.config.CAFile != "" {
		options = append(options, nats.RootCAs(l.config.CAFile))
	}
	conn, err := nats.Connect(strings.Join(l.config.URLs, ","), options...)
	if err != nil {
		return nil, fmt.Errorf("NATS: connect: %w", err)
	}
	l.mu.Lock()
	l.conn, l.asking = conn, conn
	l.mu.Unlock()
	if l.js, err = jetstream.New(conn, jetstream.WithDefaultTimeout(l.config.request)); err != nil {
		conn.Close()
		return nil, fmt.Errorf("NATS: %w", err)
	}
	return conn, nil
}

// reconnectDelay is how long to wait after so many rounds of all servers: spread widely, so that daemons that lost a server
// together do not come back together.
func reconnectDelay(attempts int) time.Duration {
	most := min(maxPause, 100*time.Millisecond<<min(max(attempts, 0), 6))
	return 10*time.Millisecond + time.Duration(rand.Int64N(int64(most)))
}

// connected has everything looked at: the server may be another one, or have lost what it had.
func (l *link) connected(conn *nats.Conn) {
	l.mu.Lock()
	l.status.Connected, l.status.Server, l.status.Since, l.status.Error = true, conn.ConnectedUrlRedacted(), now(), ""
	l.all = true
	l.mu.Unlock()
	l.config.Logger.Info("connected to NATS", "server", conn.ConnectedUrlRedacted(), "bucket", l.config.Bucket)
	l.wake()
}

// warned takes what the server says on its own, such as that something is not permitted; who asked for that is left to wait.
func (l *link) warned(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.warning == nil || l.warning.Error() != err.Error() {
		l.config.Logger.Warn("NATS says that something went wrong", "error", err)
	}
	l.warning = err
}

func (l *link) disconnected(err error) {
	if err == nil {
		err = errors.New("the connection was closed")
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Addr != nil { // without our port, which is another one each time
		err = fmt.Errorf("%s %s: %w", op.Op, op.Addr, op.Err)
	}
	l.mu.Lock()
	was, news := l.status.Connected, l.status.Error != err.Error()
	if was {
		l.status.Connected, l.status.Since = false, now()
	}
	l.status.Error = err.Error()
	l.abandon()
	l.mu.Unlock()
	if was || news {
		l.config.Logger.Warn("not connected to NATS; trying again", "error", err)
	}
	l.wake()
}
