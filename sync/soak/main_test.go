package soak_test

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/sync/feed/feedtest"
)

var (
	long = flag.Duration("soak", 0, "how long the tests of faults and of kills go on, each; 0: their short forms")
	seed = flag.Uint64("seed", 0, "what random choices come from; 0: another each time, which is printed")
)

// patience bounds every wait for something to become as it should; on an idle machine none takes more than some seconds.
const patience = 90 * time.Second

func TestMain(m *testing.M) {
	feedtest.Main()
	compile.Main()
	flag.Parse()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	code := m.Run()
	removeBinary()
	if testing.Verbose() || code != 0 {
		fmt.Printf("seed %d\n", *seed)
		counts.print(os.Stdout)
	}
	os.Exit(code)
}

// chance gives the random choices of a test: the same of the same seed.
func chance(t *testing.T) *rand.Rand {
	t.Logf("-seed %d", *seed)
	sum := *seed
	for _, b := range []byte(t.Name()) {
		sum = sum*31 + uint64(b)
	}
	return rand.New(rand.NewPCG(*seed, sum))
}

// counts is what all tests together have survived.
var counts tally

// tally counts things by name, in the order of their first mention.
type tally struct {
	mu    sync.Mutex
	names []string
	count map[string]int
	notes map[string]string
}

func (t *tally) add(name string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(t.names, name) {
		t.names = append(t.names, name)
	}
	if t.count == nil {
		t.count, t.notes = map[string]int{}, map[string]string{}
	}
	t.count[name] += n
}

// note puts a remark beside a count.
func (t *tally) note(name, format string, args ...any) {
	t.add(name, 0)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes[name] = fmt.Sprintf(format, args...)
}

func (t *tally) print(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range t.names {
		fmt.Fprintf(table, "%s\t%d\t%s\n", name, t.count[name], t.notes[name])
	}
	_ = table.Flush()
}

// eventually polls until ok, and fails the test with what tells when the patience is over.
func eventually(t *testing.T, what string, ok func() bool, tell ...func() string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			for _, say := range tell {
				t.Log(say())
			}
			t.Fatalf("still not: %s", what)
		}
	}
}

// pause lets time pass: what is tested is what happens in it.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}
