package feedtest

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// Config says what a crowd is like.
type Config struct {
	Address string // of the server, host:port
	Query   string // of the feed's URL, without the client's name: "environment=production"
	Header  string // more lines of the request, each with CRLF at its end
	Count   int    // of subscribers
	Stalled int    // how many of Count read nothing once they have their first state
	Silent  bool   // they do not say what they have applied
	Plain   bool   // they do not offer compression, as clients do
	Dialers int    // how many connect at a time; 0: 64
}

// Arrivals tells when a state came to the subscribers that read.
type Arrivals struct {
	Revision string
	Times    []time.Time // in order
	// Bytes is what all of them received since they were asked last, heartbeats included; Processor the time that their process
	// used since then.
	Bytes     int64
	Processor time.Duration
}

// Joined tells of subscribers that have connected, and have their first state.
type Joined struct {
	Took   time.Duration
	Bytes  int64
	Digest string // of the state
}

// Crowd is subscribers in a process of their own. Its methods are for one goroutine.
type Crowd struct {
	Joined

	tb    testing.TB
	cmd   *exec.Cmd
	in    *json.Encoder
	out   *json.Decoder
	stdin io.Closer
	close func()
}

// ask is what a crowd's process is told; answer is what it says.
type ask struct {
	Join  *Config // connect, and answer once all have their first state
	Await string  // answer once a revision has come to all who read
	Leave bool    // disconnect, and answer when it is done
}

type answer struct {
	Joined   Joined
	Arrivals Arrivals
	Error    string
}

// variable marks the process of a crowd.
const variable = "YARDARM_FEEDTEST_CROWD"

// Main makes this process a crowd if [Gather] started it; it then does not return.
func Main() {
	if os.Getenv(variable) == "" {
		return
	}
	serve(os.Stdin, os.Stdout)
	os.Exit(0)
}

// Gather connects subscribers, and waits until each has its first state. They are gone when the test ends.
func Gather(tb testing.TB, config Config) *Crowd {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), variable+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	c := &Crowd{tb: tb, cmd: cmd, in: json.NewEncoder(stdin), out: json.NewDecoder(stdout), stdin: stdin}
	c.close = sync.OnceFunc(func() {
		_ = stdin.Close() // which ends it
		if err := cmd.Wait(); err != nil {
			tb.Errorf("the crowd's process: %v", err)
		}
	})
	tb.Cleanup(c.close)
	c.Join(config)
	return c
}

// Join connects more subscribers, and waits until each has its first state.
func (c *Crowd) Join(config Config) {
	c.tb.Helper()
	c.Joined = c.say(ask{Join: &config}).Joined
}

// Await waits until a revision has come to all subscribers that read.
func (c *Crowd) Await(revision string) Arrivals {
	c.tb.Helper()
	return c.say(ask{Await: revision}).Arrivals
}

// Leave disconnects all subscribers.
func (c *Crowd) Leave() {
	c.tb.Helper()
	c.say(ask{Leave: true})
}

// Close ends the process.
func (c *Crowd) Close() { c.close() }

func (c *Crowd) say(a ask) answer {
	c.tb.Helper()
	var said answer
	if err := c.in.Encode(a); err != nil {
		c.tb.Fatal(err)
	}
	if err := c.out.Decode(&said); err != nil {
		c.tb.Fatal(err)
	}
	if said.Error != "" {
		c.tb.Fatal(said.Error)
	}
	return said
}

// After gives how long after a moment a share of the subscribers had the state.
func (a Arrivals) After(start time.Time, share float64) time.Duration {
	return a.Times[int(share*float64(len(a.Times)-1))].Sub(start)
}

// Each is how many bytes a subscriber received.
func (a Arrivals) Each() float64 { return float64(a.Bytes) / float64(len(a.Times)) }
