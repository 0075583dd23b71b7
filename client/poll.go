package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/feed"
)

const (
	// pollAfter is how many times in a row a websocket must have come to nothing until the flags are asked for by HTTP, and
	// until that is tried again if nothing comes of it.
	pollAfter = 3
	// pollPause is the least time between two such questions, each after another attempt at a websocket; the most is half as
	// much again.
	pollPause = 10 * time.Second
)

// poller asks GET /snapshot where websockets do not pass, such as behind a proxy that refuses the upgrade.
type poller struct {
	client *Client
	http   http.Client
	failed int  // websockets in a row that came to nothing
	on     bool // the last question was answered
}

func newPoller(c *Client) *poller {
	return &poller{client: c, http: http.Client{
		Timeout:       c.cfg.IdleTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  c.cfg.Proxy,
			DialContext:            c.cfg.DialContext,
			TLSClientConfig:        tlsConfig(c.cfg.TLS),
			TLSHandshakeTimeout:    c.cfg.DialTimeout,
			ResponseHeaderTimeout:  c.cfg.DialTimeout,
			MaxResponseHeaderBytes: maxHandshake,
			DisableKeepAlives:      true,
		},
	}}
}

// instead asks for the flags after a connection ended so, if it is one of many that came to nothing, and reports whether
// they came, and how long to wait then.
func (p *poller) instead(ctx context.Context, end ending) (pause time.Duration, ok bool) {
	if p.failed++; !end.unheard {
		p.failed = 0
	}
	due := p.failed > 0 && (p.on || p.failed%pollAfter == 0)
	if p.on = due && p.answered(ctx, end); !p.on {
		return 0, false
	}
	return pollPause + rand.N(pollPause/2), true
}

func (p *poller) answered(ctx context.Context, end ending) bool {
	err := p.ask(ctx)
	if err != nil {
		p.client.log.Debug("flags do not come by HTTP either", "error", printable(err.Error()))
		return false
	}
	p.client.link.polled(fmt.Errorf("websockets do not pass, asking by HTTP every 10 to 15 s: %w", end.err))
	p.client.bump()
	if !p.on {
		p.client.log.Warn("flag feed takes no websocket, asking by HTTP", "error", end.err.Error())
	}
	return true
}

// ask asks once and puts the answer in force.
func (p *poller) ask(ctx context.Context) error {
	c := p.client
	before := c.snapshot()
	request, err := p.request(ctx, before)
	if err != nil {
		return err
	}
	answer, err := p.http.Do(request)
	if err != nil {
		return err // which names what was asked
	}
	defer answer.Body.Close()
	m, size, err := p.read(answer)
	if err != nil {
		return fmt.Errorf("get %s: %w", request.URL.Path, err)
	}
	if verified, err := time.Parse(time.RFC3339, answer.Header.Get("Yardarm-Verified-At")); err == nil {
		m.VerifiedAt = &verified
	}
	next, err := c.apply(before, m)
	if err != nil {
		return err
	}
	c.hold(next)
	c.link.origin(m.Header, skewOf(answer.Header, time.Now()))
	if before == nil || next.At() != before.At() {
		c.observe(Message{Message: m, Size: size, Before: before, After: next})
	}
	return nil
}

func (p *poller) request(ctx context.Context, have *eval.Snapshot) (*http.Request, error) {
	address := strings.Replace(p.client.address(""), "ws", "http", 1) // and wss to https
	address = strings.Replace(address, "/feed?", "/snapshot?", 1)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if request.Header, err = p.client.header(); err != nil {
		return nil, err
	}
	if have != nil {
		request.Header.Set("If-None-Match", `"`+have.At().Digest+`"`)
	}
	return request, nil
}

// read reads an answer as the message that the feed would have sent.
func (p *poller) read(answer *http.Response) (m feed.Message, size int, err error) {
	switch answer.StatusCode {
	case http.StatusNotModified:
		m.Type, m.Back = feed.TypeCurrent, answer.Header.Get("Yardarm-Back")
		err = json.Unmarshal([]byte(answer.Header.Get("Yardarm-At")), &m.At)
		return m, 0, err
	case http.StatusOK:
	default:
		return m, 0, refused(answer)
	}
	limit := p.client.cfg.MaxSnapshot
	text, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if int64(len(text)) > limit {
		err = fmt.Errorf("the answer is larger than Config.MaxSnapshot, %d bytes", limit)
	}
	if err != nil {
		return m, 0, err
	}
	m, err = feed.Decode(text)
	return m, len(text), err
}
