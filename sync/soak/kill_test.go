package soak_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/eval"
	"github.com/yardarm-io/yardarm/sync/soak"
)

// shortKills is how many kills there are in the short form.
const shortKills = 15

// victim is a daemon that is killed again and again, with subscribers before it and a Git server behind it that come and go.
type victim struct {
	t         *testing.T
	truth     *truth
	random    *rand.Rand
	git, feed *soak.Proxy
	followers []*follower
	home      string
	told      eval.At // the greatest position that the daemon has told anyone
	process   *process
	firsts    []time.Duration // how long after a start the first answer came
}

// TestKills kills the real program at random moments, also before it is up, while commits are pushed and subscribers are there.
// Each time the next one serves what was told last, or newer, from its disk at once, whether or not Git is there.
func TestKills(t *testing.T) {
	t.Parallel()
	random := chance(t)
	v := &victim{t: t, truth: newTruth(t, random), random: random, home: t.TempDir()}
	v.git, v.feed = proxied(t, hostOf(v.truth.server.URL)), proxied(t, "127.0.0.1:1")
	v.followers = []*follower{v.follow("patient")}
	v.start()
	v.up()
	converge(t, v.truth, v.followers, v.tell)
	v.kill()
	for kills, end := 1, time.Now().Add(*long); kills < shortKills || time.Now().Before(end); kills++ {
		v.round()
	}
	v.start()
	v.up()
	v.truth.good()
	took := converge(t, v.truth, v.followers, v.tell)
	t.Logf("all up to date %v after the last start", took)
	if code := v.process.stop(); code != 0 {
		t.Errorf("after all it ends with %d:\n%s", code, v.process.output())
	}
	slices.Sort(v.firsts)
	counts.note("kills survived", "the first answer %v after a start with a state, %v at worst",
		v.firsts[len(v.firsts)/2].Round(time.Millisecond), v.firsts[len(v.firsts)-1].Round(time.Millisecond))
}

// follow subscribes to production.
func (v *victim) follow(name string) *follower {
	v.t.Helper()
	return follow(v.t, v.truth, v.feed.Address(), "production", "kills/"+name, 0)
}

// round starts the daemon and kills it, some time later. Who subscribes from round to round waits ever longer to come back, so
// there is somebody new in each as well.
func (v *victim) round() {
	v.t.Helper()
	away := v.random.IntN(3) == 0
	if away {
		v.git.Refuse()
	}
	v.start()
	if v.random.IntN(4) == 0 { // while it starts
		pause(v.t, time.Duration(v.random.IntN(60))*time.Millisecond)
	} else {
		v.up()
		impatient := v.follow("impatient")
		v.followers = append(v.followers, impatient)
		defer impatient.end()
		for range v.random.IntN(3) {
			v.truth.any()
			pause(v.t, time.Duration(v.random.IntN(40))*time.Millisecond)
		}
		if away && v.random.IntN(2) == 0 {
			mend(v.t, v.git)
		}
		pause(v.t, time.Duration(v.random.ExpFloat64()*float64(80*time.Millisecond)))
	}
	v.kill()
	mend(v.t, v.git)
}

func (v *victim) start() {
	v.process = run(v.t, v.home, nil, "serve", "--repo", "http://"+v.git.Address()+"/flags.git", "--poll", "50ms",
		"--listen", "127.0.0.1:0", "--state", v.home+"/state")
}

// up waits until the daemon listens, leads the subscribers there and checks its first answer.
func (v *victim) up() {
	v.t.Helper()
	began := time.Now()
	address, ok := <-v.process.address
	if !ok {
		v.t.Fatalf("the daemon ended:\n%s", v.process.output())
	}
	if v.told.Revision == "" { // it has no state yet
		eventually(v.t, "a first answer", func() bool { return v.ask(address) == nil }, v.tell)
	} else if err := v.ask(address); err != nil {
		v.t.Fatalf("the first answer after %d kills: %v\n%s", len(v.firsts), err, v.process.output())
	} else {
		v.firsts = append(v.firsts, time.Since(began))
	}
	v.feed.Retarget(address)
}

// ask asks for the snapshot and checks it.
func (v *victim) ask(address string) error {
	response, err := http.Get("http://" + address + "/snapshot?environment=production")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s (%w)", response.Status, body, err)
	}
	var at eval.At
	if err := json.Unmarshal([]byte(response.Header.Get("Yardarm-At")), &at); err != nil {
		return err
	}
	if strings.Count(string(body), "\nflag ") != 4 {
		return fmt.Errorf("not all flags: %s", body)
	}
	if at.Generation < v.told.Generation {
		return fmt.Errorf("generation %d is served, when %d was told before", at.Generation, v.told.Generation)
	}
	v.told = at
	return v.truth.check("production", at)
}

// kill kills the daemon, and notes what it has told.
func (v *victim) kill() {
	v.t.Helper()
	v.process.kill()
	v.feed.Cut()
	for _, f := range v.followers {
		f.mu.Lock()
		if f.last.Generation > v.told.Generation {
			v.told = f.last
		}
		f.mu.Unlock()
	}
	v.followers = v.followers[:1]
	eventually(v.t, "its workers have ended as well", func() bool { return len(survivors(v.t, v.home)) == 0 }, v.tell)
	counts.add("kills survived", 1)
}

func (v *victim) tell() string { return v.process.output() }
