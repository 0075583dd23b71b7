package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/gorilla/websocket"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/yardarm-io/yardarm/sync/feed"
)

// benchOptions are bench feed's flags.
type benchOptions struct {
	subscribers, dialers int
	environment, format  string
	duration             time.Duration
}

func (a *app) benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure a daemon under load",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.benchFeedCommand())
	return cmd
}

func (a *app) benchFeedCommand() *cobra.Command {
	var o benchOptions
	var q asker
	cmd := &cobra.Command{
		Use:   "feed URL",
		Short: "Subscribe many times, and time what arrives",
		Long: `Feed connects subscribers to a daemon and measures how fast they connect and have their first snapshot, and what one costs the daemon
(by its /metrics). Then it listens for --duration: commit something meanwhile. For each change it tells how long after its first
arrival the others had it, which is what the daemon adds for many subscribers, and how large it was. It changes nothing by itself.

Each subscriber needs a file descriptor here and at the daemon: see ulimit -n.`,
		Example: `  yardarm bench feed --subscribers 1000 --environment production ws://127.0.0.1:8080/feed
  yardarm bench feed --subscribers 5000 --duration 2m --format json https://flags.example`,
		Args:              oneArg("name the daemon to measure, such as http://127.0.0.1:8080"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              a.runs(func(cmd *cobra.Command, args []string) error { return a.benchFeed(cmd.Context(), &q, o, args[0]) }),
	}
	q.flags(cmd)
	cmd.Flags().IntVar(&o.subscribers, "subscribers", 1000, "how many to connect")
	cmd.Flags().IntVar(&o.dialers, "dialers", 64, "how many of them connect at a time")
	cmd.Flags().StringVar(&o.environment, "environment", "", "the environment to subscribe to (default: the only one)")
	cmd.Flags().DurationVar(&o.duration, "duration", 30*time.Second, "how long to listen for changes")
	cmd.Flags().StringVar(&o.format, "format", "text", "text or json")
	complete(cmd, "environment", a.offerEnvironments)
	complete(cmd, "format", offer("text", "json"))
	return cmd
}

func (a *app) benchFeed(ctx context.Context, q *asker, o benchOptions, address string) error {
	if err := checkFormat(o.format); err != nil {
		return err
	}
	if o.subscribers < 1 || o.dialers < 1 || o.duration <= 0 {
		return usagef("--subscribers, --dialers and --duration must be more than nothing")
	}
	at, err := q.feedURL(ctx, address, o.environment)
	if err != nil {
		return err
	}
	crowd := &crowd{asker: q, at: at, arrivals: newArrivals()}
	idle, measured := q.memory(ctx, address)
	report, err := crowd.gather(ctx, o)
	defer crowd.close()
	if err != nil {
		return err
	}
	if full, ok := q.memory(ctx, address); ok && measured && full > idle {
		report.BytesEach = (full - idle) / int64(o.subscribers)
	}
	if isTerminal(a.stderr) {
		fmt.Fprintf(a.stderr, "%d subscribers listen for %s: commit something\n", o.subscribers, o.duration)
	}
	report.Lost = crowd.listen(ctx, o.duration)
	report.Changes = crowd.arrivals.changes()
	return report.print(a.stdout, o.format)
}

// feedURL is the feed of an environment, or of the only one.
func (q *asker) feedURL(ctx context.Context, address, environment string) (*url.URL, error) {
	if environment == "" {
		status, err := q.status(ctx, address, nil)
		if err != nil {
			return nil, err
		}
		if len(status.Environments) != 1 {
			return nil, usagef("the daemon serves %d environments; name one with --environment", len(status.Environments))
		}
		environment = status.Environments[0].Name
	}
	u, err := pageURL(address, "/feed")
	if err != nil {
		return nil, err
	}
	u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	u.RawQuery = url.Values{"environment": {environment}}.Encode()
	return u, q.prepare()
}

// memory is what the daemon's process holds, in bytes; false: it does not tell.
func (q *asker) memory(ctx context.Context, address string) (int64, bool) {
	response, err := q.get(ctx, address, "/metrics", nil)
	if err != nil {
		return 0, false
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "process_resident_memory_bytes "); ok {
			bytes, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return int64(bytes), err == nil
		}
	}
	return 0, false
}

// crowd is many subscribers that keep no flags.
type crowd struct {
	asker    *asker
	at       *url.URL
	arrivals *arrivals

	mu      sync.Mutex
	conns   []*websocket.Conn
	readers sync.WaitGroup
	ended   bool
	lost    int
}

// gather connects the subscribers and waits until each has its first state.
func (c *crowd) gather(ctx context.Context, o benchOptions) (*benchReport, error) {
	began := time.Now()
	group, joint := errgroup.WithContext(ctx)
	group.SetLimit(o.dialers)
	for i := range o.subscribers {
		group.Go(func() error { return c.join(joint, i) })
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("after %d of %d subscribers: %w", len(c.conns), o.subscribers, err)
	}
	took := time.Since(began)
	return &benchReport{Subscribers: o.subscribers, Connected: took, Rate: float64(o.subscribers) / took.Seconds()}, nil
}

// join connects a subscriber, reads its first state and goes on reading.
func (c *crowd) join(ctx context.Context, i int) error {
	header, err := c.asker.header()
	if err != nil {
		return err
	}
	u := *c.at
	u.RawQuery += "&client=yardarm-bench%2F" + strconv.Itoa(i)
	dialer := websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, HandshakeTimeout: askTimeout, Subprotocols: []string{feed.Subprotocol}, EnableCompression: true,
		ReadBufferSize: 1024, WriteBufferSize: 512, TLSClientConfig: c.asker.client.Transport.(*http.Transport).TLSClientConfig,
	}
	ws, response, err := dialer.DialContext(ctx, u.String(), header)
	if response != nil {
		defer response.Body.Close()
	}
	if err != nil {
		if response != nil {
			text, _ := io.ReadAll(response.Body) // whatever came
			return fmt.Errorf("%w: %s: %s", err, response.Status, strings.TrimSpace(string(text)))
		}
		return err
	}
	c.mu.Lock()
	c.conns = append(c.conns, ws)
	c.mu.Unlock()
	for had := false; !had; {
		if had, err = c.next(ws, nil); err != nil {
			return err
		}
	}
	c.readers.Go(func() { c.read(ws) })
	return nil
}

// read notes what arrives until the connection ends.
func (c *crowd) read(ws *websocket.Conn) {
	for {
		if _, err := c.next(ws, c.arrivals); err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			if !c.ended {
				c.lost++
			}
			return
		}
	}
}

// next reads a message, and says whether it was a state. It is applied, as far as the daemon knows.
func (c *crowd) next(ws *websocket.Conn, note *arrivals) (bool, error) {
	_, text, err := ws.ReadMessage()
	if err != nil {
		return false, err
	}
	now := time.Now()
	line, _, _ := strings.Cut(string(text), "\n")
	var header feed.Header
	if err := json.Unmarshal([]byte(line), &header); err != nil {
		return false, err
	}
	switch header.Type {
	case feed.TypeCurrent, feed.TypeDelta, feed.TypeSnapshot:
	default:
		return false, nil
	}
	if header.At == nil {
		return false, errors.New("a state came without its position")
	}
	if note != nil {
		note.note(*header.At, now, len(text))
	}
	return true, ws.WriteJSON(feed.Header{Type: feed.TypeApplied, Digest: header.At.Digest})
}

// listen waits, and says how many were lost meanwhile.
func (c *crowd) listen(ctx context.Context, duration time.Duration) int {
	select {
	case <-ctx.Done():
	case <-time.After(duration):
	}
	c.close()
	return c.lost
}

// close ends all connections and waits for who reads them.
func (c *crowd) close() {
	c.mu.Lock()
	c.ended = true
	for _, ws := range c.conns {
		_ = ws.Close()
	}
	c.mu.Unlock()
	c.readers.Wait()
}

// benchReport is what bench feed prints.
type benchReport struct {
	Subscribers int `json:"subscribers"`
	// Connected is how long it took until all had their first state.
	Connected time.Duration `json:"connectedNanoseconds"`
	Rate      float64       `json:"connectedPerSecond"`
	// BytesEach is what the daemon's process grew by for each; 0: it does not tell.
	BytesEach int64    `json:"daemonBytesPerSubscriber,omitempty"`
	Lost      int      `json:"lost"`
	Changes   []change `json:"changes"`
}

func (r *benchReport) print(out io.Writer, format string) error {
	if format == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	fmt.Fprintf(out, "%d subscribers connected, each with its first state, in %s: %.0f a second; %d lost since\n",
		r.Subscribers, r.Connected.Round(time.Millisecond), r.Rate, r.Lost)
	if r.BytesEach > 0 {
		fmt.Fprintf(out, "each took %s of the daemon's memory\n", size(int(r.BytesEach)))
	}
	if len(r.Changes) == 0 {
		fmt.Fprintln(out, "no change arrived")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "CHANGE\tREACHED\tSIZE\tP50\tP99\tLAST\t")
	for _, c := range r.Changes {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t\n", short(c.Revision), c.Reached, size(c.Bytes), brief(c.P50), brief(c.P99), brief(c.Last))
	}
	return w.Flush()
}

func brief(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }
