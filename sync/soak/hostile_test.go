package soak_test

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const everything = "environment=production&client=bad"

// deflate offers compression.
const deflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n"

// message is what a subscriber sends, and what it has agreed on before.
type message struct {
	frames  []frame
	headers []string
}

// malformed is what a subscriber with a good key may not send, and must be disconnected for. It takes a while to make.
func malformed() map[string]message {
	return map[string]message{
		"a reserved bit":                   {frames: []frame{{first: 0xa1, payload: []byte("x")}}},
		"another reserved bit":             {frames: []frame{{first: 0x91, payload: []byte("x")}}},
		"compressed, which was not agreed": {frames: []frame{{first: 0xc1, payload: []byte("x")}}},
		"compressed, but not":              {frames: []frame{{first: 0xc1, payload: []byte("\xff\xff\xff\xff\xff")}}, headers: []string{deflate}},
		"not masked":                       {frames: []frame{{first: 0x81, bare: true, payload: []byte(`{"type":"resync"}`)}}},
		"an unknown opcode":                {frames: []frame{{first: 0x83, payload: []byte("x")}}},
		"an unknown control opcode":        {frames: []frame{{first: 0x8b, payload: []byte("x")}}},
		"a ping in parts":                  {frames: []frame{{first: 0x09, payload: []byte("x")}}},
		"a long ping":                      {frames: []frame{{first: 0x89, payload: make([]byte, 126)}}},
		"a close of one byte":              {frames: []frame{{first: 0x88, payload: []byte("x")}}},
		"a close with a wrong code":        {frames: []frame{{first: 0x88, payload: []byte{0, 1}}}},
		"a part that continues nothing":    {frames: []frame{{first: 0x80, payload: []byte("x")}}},
		"a message within a message":       {frames: []frame{{first: 0x01, payload: []byte("x")}, {first: 0x81, payload: []byte("y")}}},
		"a length without end":             {frames: []frame{{first: 0x81, length: 1 << 62, payload: []byte("x")}}},
		"a length over the limit":          {frames: []frame{{first: 0x81, length: 1 << 20, payload: []byte("x")}}},
		"a negative length":                {frames: []frame{{first: 0x81, length: -1 << 63, payload: []byte("x")}}},
		"too long":                         {frames: []frame{{first: 0x81, payload: make([]byte, 64<<10+1)}}},
		"too long in parts":                {frames: append([]frame{{first: 0x01, payload: make([]byte, 1000)}}, slices.Repeat([]frame{{first: 0x00, payload: make([]byte, 1000)}}, 70)...)},
		"a bomb of 64 MB":                  {frames: []frame{{first: 0xc1, payload: bomb(64 << 20)}}, headers: []string{deflate}},
		"a bomb in parts":                  {frames: []frame{{first: 0x41, payload: bomb(16 << 20)}, {first: 0x80}}, headers: []string{deflate}},
		"binary":                           {frames: []frame{{first: 0x82, payload: []byte(`{"type":"resync"}`)}}},
		"not UTF-8":                        {frames: []frame{{first: 0x81, payload: []byte("{\"type\":\"\xff\"}")}}},
		"no JSON":                          {frames: []frame{{first: 0x81, payload: []byte("hello")}}},
		"nothing":                          {frames: []frame{{first: 0x81}}},
		"an empty object":                  {frames: []frame{{first: 0x81, payload: []byte("{}")}}},
		"deep JSON":                        {frames: []frame{{first: 0x81, payload: []byte(`{"a":` + strings.Repeat("[", 60_000))}}},
		"no digest":                        {frames: []frame{{first: 0x81, payload: []byte(`{"type":"applied"}`)}}},
		"half a frame, and then nothing":   {frames: []frame{{first: 0x81, length: 100, payload: []byte("x")}}},
		"parts of nothing, without end":    {frames: append([]frame{{first: 0x01}}, slices.Repeat([]frame{{first: 0x00}}, 10_000)...)},
	}
}

// TestMalformed disconnects whoever sends what is no message, soon and without losing a word to anybody else.
func TestMalformed(t *testing.T) {
	t.Parallel()
	f := build(t)
	healthy := f.man(t, 10)
	healthy.check(t)
	var all sync.WaitGroup
	tests := malformed()
	for n, name := range slices.Sorted(maps.Keys(tests)) {
		test := tests[name]
		i, head := f.enter(t, "bad", everything, test.headers...)
		if !strings.Contains(head, " 101 ") {
			t.Fatalf("%s: the handshake is answered %s", name, head)
		}
		all.Go(func() {
			for _, frame := range test.frames {
				if _, err := i.Write(frame.bytes()); err != nil {
					break
				}
			}
			if err := i.ends(15 * time.Second); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			counts.add("malformed inputs refused", 1)
		})
		if n%10 == 0 {
			healthy.check(t)
		}
	}
	all.Wait()
	healthy.check(t)
	counts.add("subscribers held beside hostile ones", len(healthy.clients))
}

// forged are requests that must not become subscriptions, by the status of the answer.
func (f *fort) forged() map[string]struct {
	request string
	status  string
} {
	host := "Host: " + f.daemon.Addr() + "\r\n"
	good := "GET /feed?" + everything + " HTTP/1.1\r\n" + host + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer " + f.texts["bad"] + "\r\n"
	with := func(old, replaced string) string { return strings.Replace(good, old, replaced, 1) + "\r\n" }
	key := f.texts["bad"]
	return map[string]struct{ request, status string }{
		"no key":                     {with("Authorization: Bearer "+key+"\r\n", ""), "401"},
		"an empty key":               {with(key, ""), "401"},
		"another secret":             {with(key, key[:len(key)-4]+"AAAA"), "401"},
		"a key cut off":              {with(key, key[:len(key)-1]), "401"},
		"an id alone":                {with(key, strings.Split(key, ".")[0]), "401"},
		"two keys":                   {with("Authorization:", "Authorization: Bearer x\r\nAuthorization:"), "401"},
		"the key in the query":       {with("client=bad", "client=bad&key="+key+"&access_token="+key) + "", "101"},
		"by another scheme":          {with("Bearer", "Basic"), "401"},
		"a key of another place":     {with(key, f.texts["elsewhere"]), "403"},
		"a key for answers only":     {with(key, f.texts["browser"]), "403"},
		"a place of no key":          {with("environment=production", "environment=zq9place"), "403"},
		"no environment":             {with("environment=production", "environment="), "400"},
		"two environments":           {with("environment=production", "environment=zq9place&environment=production"), "403"},
		"an environment of dots":     {with("environment=production", "environment=../production"), "403"},
		"a long name":                {with("client=bad", "client="+strings.Repeat("x", 201)), "400"},
		"a name with line ends":      {with("client=bad", "client=a%0d%0ab"), "400"},
		"a digest that is none":      {with("client=bad", "client=bad&have=zz"), "400"},
		"a revision without end":     {with("client=bad", "client=bad&revision="+strings.Repeat("a", 201)), "400"},
		"a broken query":             {with("client=bad", "client=%zz"), "400"},
		"another origin":             {with("Upgrade: websocket", "Origin: https://evil.example\r\nUpgrade: websocket"), "403"},
		"a null origin":              {with("Upgrade: websocket", "Origin: null\r\nUpgrade: websocket"), "403"},
		"a name that leads here":     {with(host, "Host: evil.example\r\n"), "421"},
		"no host":                    {with(host, ""), "400"},
		"two hosts":                  {with(host, host+"Host: evil.example\r\n"), "400"},
		"another version":            {with("Version: 13", "Version: 8"), "400"},
		"no websocket key":           {with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), "400"},
		"a short websocket key":      {with("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), "400"},
		"a post":                     {with("GET", "POST"), "405"},
		"no upgrade":                 {with("Upgrade: websocket\r\n", ""), "426"},
		"an upgrade to HTTP/2":       {with("Upgrade: websocket", "Upgrade: h2c"), "426"},
		"headers of 64 KB":           {with("Upgrade: websocket", "X: "+strings.Repeat("x", 64<<10)+"\r\nUpgrade: websocket"), "431"},
		"two thousand headers":       {with("Upgrade: websocket", strings.Repeat("X-Long-Enough-A-Name: y\r\n", 2000)+"Upgrade: websocket"), "431"},
		"a URL of 64 KB":             {with("client=bad", "client=bad&x="+strings.Repeat("x", 64<<10)), "431"},
		"a request within a request": {with("Upgrade: websocket", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nUpgrade: websocket"), "400"},
		"no HTTP":                    {"\x16\x03\x01 nonsense\r\n\r\n", "400"},
	}
}

// TestForged answers no request that was forged with a subscription, or with anything of the flags.
func TestForged(t *testing.T) {
	t.Parallel()
	f := build(t)
	healthy := f.man(t, 10)
	healthy.check(t)
	for name, test := range f.forged() {
		i := f.knock(t)
		if _, err := io.WriteString(i, test.request); err != nil {
			t.Logf("%s: %v", name, err) // answered before all was sent
		}
		_ = i.SetReadDeadline(time.Now().Add(15 * time.Second))
		line, _ := i.in.ReadString('\n')
		if !strings.HasPrefix(line, "HTTP/1.1 "+test.status) && !strings.HasPrefix(line, "HTTP/1.0 "+test.status) {
			t.Errorf("%s is answered %q, want %s", name, line, test.status)
		}
		_ = i.Close()
		if test.status != "101" {
			counts.add("forged requests refused", 1)
		}
	}
	healthy.check(t)
}

// TestSlow cuts off whoever does not get on: with TLS, with a request, or with reading.
func TestSlow(t *testing.T) {
	t.Parallel()
	f := build(t)
	healthy := f.man(t, 10)
	healthy.check(t)
	var all sync.WaitGroup
	slow := func(name string, within time.Duration, do func(net.Conn) *intruder) {
		raw, err := net.Dial("tcp", f.daemon.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { raw.Close() })
		all.Go(func() {
			if err := do(raw).ends(within); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			counts.add("slow connections cut off", 1)
		})
	}
	slow("no TLS at all", 15*time.Second, newIntruder)
	slow("half a TLS handshake", 15*time.Second, func(raw net.Conn) *intruder {
		_, _ = raw.Write([]byte("\x16\x03\x01\x02\x00\x01\x00"))
		return newIntruder(raw)
	})
	slow("plain HTTP where TLS is spoken", 15*time.Second, func(raw net.Conn) *intruder {
		_, _ = io.WriteString(raw, "GET /healthz HTTP/1.1\r\n\r\n")
		return newIntruder(raw)
	})
	for name, drip := range map[string]string{
		"a header, a byte at a time":      "GET /feed?" + everything + " HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + strings.Repeat("x", 1000),
		"a body, a byte at a time":        "GET /snapshot?environment=production HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n" + strings.Repeat("x", 1000),
		"nothing after the TLS handshake": "",
	} {
		i := f.knock(t)
		all.Go(func() {
			gone := make(chan error, 1)
			go func() { gone <- i.ends(20 * time.Second) }()
			for _, c := range []byte(drip) {
				if _, err := i.Write([]byte{c}); err != nil {
					break
				}
				select {
				case err := <-gone:
					gone <- err
				case <-time.After(50 * time.Millisecond):
					continue
				}
				break
			}
			if err := <-gone; err != nil {
				t.Errorf("%s: %v", name, err)
			}
			counts.add("slow connections cut off", 1)
		})
	}
	healthy.check(t)
	all.Wait()
	healthy.check(t)
}

// TestFloods keeps serving the healthy while others with good keys send all that they can, never read, or connect without end, and
// strangers take thousands of connections. What it costs them in time is measured by BenchmarkHostile.
func TestFloods(t *testing.T) {
	t.Parallel()
	f := build(t)
	healthy := f.man(t, 10)
	healthy.check(t)
	before := runtime.NumGoroutine()
	for name, attack := range f.attacks(t) {
		stop := make(chan struct{})
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { attack(stop) })
		}
		rounds := 1
		if *long > 0 {
			rounds = 30
		}
		for range rounds {
			healthy.check(t)
		}
		close(stop)
		all.Wait()
		t.Logf("beside %s, all healthy ones had a change in %v", name, slices.Max(healthy.took[len(healthy.took)-rounds:]).Round(time.Millisecond))
		counts.add("floods withstood", 1)
	}
	healthy.check(t)
	eventually(t, "what the floods left is gone", func() bool { return runtime.NumGoroutine() < before+100 })
	for i, c := range healthy.clients {
		if s := c.Status(); s.Err != "" {
			t.Errorf("healthy subscriber %d: %s", i, s)
		}
	}
}

// attacks are what goes on until told to stop.
func (f *fort) attacks(t testing.TB) map[string]func(stop <-chan struct{}) {
	flood := func(text []byte) func(stop <-chan struct{}) {
		return f.until(t, func(i *intruder) { i.flood(text, 300*time.Millisecond) })
	}
	said := func(text string) []byte { return frame{first: 0x81, payload: []byte(text)}.bytes() }
	return map[string]func(stop <-chan struct{}){
		"a flood of messages":        flood(said(`{"type":"weather"}`)),
		"a flood of applied":         flood(said(`{"type":"applied","digest":"` + strings.Repeat("ab", 32) + `"}`)),
		"a flood of resyncs":         flood(said(`{"type":"resync","reason":"because"}`)),
		"a flood of pings":           flood(frame{first: 0x89, payload: []byte("ping")}.bytes()),
		"a flood of pongs":           flood(frame{first: 0x8a, payload: []byte("pong")}.bytes()),
		"a flood of empty parts":     flood(frame{first: 0x00}.bytes()),
		"some who never read":        f.until(t, func(*intruder) { <-time.After(300 * time.Millisecond) }),
		"some who read byte by byte": f.until(t, func(i *intruder) { _, _ = i.Read(make([]byte, 1)); <-time.After(200 * time.Millisecond) }),
		"a flood of requests":        f.ask(f.texts["bad"]),
		"a flood of wrong keys":      f.ask("yk.wrong"),
		"a flood of strangers":       f.strangers,
	}
}

// until subscribes again and again, for so long.
func (f *fort) until(t testing.TB, do func(*intruder)) func(stop <-chan struct{}) {
	return func(stop <-chan struct{}) {
		for !closed(stop) {
			i, _ := f.enter(t, "bad", everything)
			do(i)
			_ = i.Close()
		}
	}
}

func closed(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// ask asks for the snapshot without end, by a new connection each time.
func (f *fort) ask(key string) func(stop <-chan struct{}) {
	return func(stop <-chan struct{}) {
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: f.tls(), DisableKeepAlives: true}, Timeout: 10 * time.Second}
		for !closed(stop) {
			request, _ := http.NewRequest(http.MethodGet, "https://"+f.daemon.Addr()+"/snapshot?environment=production", nil)
			request.Header.Set("Authorization", "Bearer "+key)
			if response, err := c.Do(request); err == nil {
				_ = response.Body.Close()
			}
		}
	}
}

// strangers takes 1,000 connections and says nothing on them.
func (f *fort) strangers(stop <-chan struct{}) {
	var all []net.Conn
	for range 1000 {
		if conn, err := net.Dial("tcp", f.daemon.Addr()); err == nil {
			all = append(all, conn)
		}
	}
	<-stop
	counts.add("connections of strangers", len(all))
	for _, conn := range all {
		_ = conn.Close()
	}
}

func newIntruder(conn net.Conn) *intruder { return &intruder{Conn: conn, in: newReader(conn)} }

// TestSecrets shows to nobody, by any door, what is not theirs: no byte of another scope's names and values is in anything that is
// sent with a key, while the flags of that scope change, break and are turned off.
func TestSecrets(t *testing.T) {
	t.Parallel()
	f := build(t)
	var feeds sync.WaitGroup
	heard := map[string]*strings.Builder{}
	var ends []func() error
	for key, query := range map[string]string{"scoped": "environment=production", "elsewhere": "environment=staging"} {
		i, head := f.enter(t, key, query+"&client=spy")
		all := &strings.Builder{}
		all.WriteString(head)
		heard["/feed with "+key] = all
		ends = append(ends, i.Close)
		feeds.Go(func() { _, _ = io.Copy(all, i.in) })
	}
	for step, text := range map[string]string{
		"change": secretFlag("off"), "break": "package flags\n\nflags: \"zq9team.vault\": {zq9: }", "mend": secretFlag("zq9on"),
		"be refused": secretFlag("zq9on") + "\nflags: " + fmt.Sprintf("%q", changing) + ": owner: \"zq9\"\n",
	} {
		f.checkout.Commit("zq9: "+step, map[string]string{"flags/zq9folder/vault.cue": text})
		revision := f.checkout.Head()
		eventually(t, "considered", func() bool { return f.daemon.Status().Source.Observed == revision })
		for _, key := range []string{"scoped", "elsewhere", "browser", "staging operator", "bad key", ""} {
			f.knockEverywhere(t, key, heard)
		}
	}
	f.checkout.Commit("mend", map[string]string{"flags/zq9folder/vault.cue": secretFlag("zq9on")})
	revision := f.push()
	eventually(t, "served", func() bool { return f.daemon.Status().Environments[0].At.Revision == revision })
	for _, end := range ends {
		_ = end()
	}
	feeds.Wait()
	for where, text := range heard {
		if before, after, found := strings.Cut(text.String(), f.hiddenFrom(where)); found {
			t.Errorf("%s: a secret in ...%s%s%s...", where, before[max(0, len(before)-200):], f.hiddenFrom(where), after[:min(len(after), 100)])
		}
		counts.add("bytes searched for another scope's secrets", text.Len())
	}
	if spy := heard["/feed with scoped"].String(); !strings.Contains(spy, changing) {
		t.Errorf("the scoped key's feed does not have its own flags: %s", spy)
	}
}

// hiddenFrom gives what must be in nothing that is heard somewhere: staging has the same flags, and none of what production says of
// them.
func (f *fort) hiddenFrom(where string) string {
	if strings.Contains(where, "elsewhere") || strings.Contains(where, "staging operator") {
		return markerOfProduction
	}
	return marker
}

// knockEverywhere asks for all there is, with a key, and keeps what is answered.
func (f *fort) knockEverywhere(t *testing.T, key string, heard map[string]*strings.Builder) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: f.tls(), DisableCompression: true}}
	defer c.CloseIdleConnections()
	for _, path := range []string{
		"GET /feed?environment=production", "GET /feed?environment=moon", "GET /snapshot?environment=production", "GET /snapshot?environment=staging",
		"GET /snapshot?environment=zq9plac", "GET /snapshot", "GET /status", "GET /status?revision=" + f.checkout.Head(), "GET /metrics", "GET /readyz",
		"GET /healthz", "GET /environments", "GET /environments?revision=" + f.checkout.Head(), "GET /holds", "POST /holds", "POST /holds/release", "GET /log", "GET /log?from=0", "POST /hooks/refresh",
		"POST /hooks/github", "GET /", "GET /debug/pprof/", "GET /favicon.ico", "DELETE /snapshot?environment=production",
	} {
		method, target, _ := strings.Cut(path, " ")
		request, err := http.NewRequestWithContext(t.Context(), method, "https://"+f.daemon.Addr()+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			request.Header.Set("Authorization", "Bearer "+f.texts[key])
		}
		response, err := c.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		where := fmt.Sprintf("%s with %q", path, key)
		if heard[where] == nil {
			heard[where] = &strings.Builder{}
		}
		_ = response.Header.Write(heard[where])
		heard[where].Write(body)
	}
}
