package feed_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/feed"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// goldens is one message of each kind; testdata/NAME.txt is its text.
func goldens(tb testing.TB) map[string]feed.Message {
	tb.Helper()
	before, after := snapshot(tb, oldAt, oldLines), snapshot(tb, newAt, newLines)
	at := after.At()
	verified := time.Date(2026, 11, 3, 14, 31, 50, 120e6, time.UTC)
	back := feed.Full(before)
	back.Back = feed.BackRewritten
	return map[string]feed.Message{
		"current":  feed.Current(before),
		"delta":    delta(before, after),
		"snapshot": feed.Full(before),
		"back":     back,
		"fresh":    {Header: feed.Header{Type: feed.TypeFresh, At: &at, VerifiedAt: &verified}},
		"refused": {Header: feed.Header{Type: feed.TypeFresh, At: &at, VerifiedAt: &verified, Refused: &feed.Refused{
			Revision: "d41c6b0a9e8f7d6c5b4a39281706f5e4d3c2b1a0", Reason: `variant "onn" is not defined; use one of off, on`,
			File: "flags/payments/checkout.cue", Line: 14, Column: 12, Since: time.Date(2026, 11, 3, 14, 31, 45, 0, time.UTC),
		}}},
		"lagging": {Header: feed.Header{Type: feed.TypeFresh, At: &at, VerifiedAt: &verified, Lagging: []feed.Lagging{{
			Folder: "flags/payments", Revision: "8f6d3b1c0a5e4f7d9b2a6c8e0f1d3b5a7c9e1f20", Reason: `variant "onn" is not defined; use one of off, on`,
			File: "flags/payments/checkout.cue", Line: 14, Column: 12, Since: time.Date(2026, 11, 3, 14, 31, 44, 0, time.UTC),
		}}}},
		"goodbye": {Header: feed.Header{Type: feed.TypeGoodbye, Reason: "the server is restarting", RetryAfter: 3400}},
		"applied": {Header: feed.Header{Type: feed.TypeApplied, Digest: at.Digest}},
		"resync":  {Header: feed.Header{Type: feed.TypeResync, Reason: "digest does not match the items"}},
		"below": {Header: feed.Header{Type: feed.TypeBelow, Subscribers: []feed.Below{
			{Service: "checkout", Count: 340, Revision: at.Revision, Generation: at.Generation, Digest: at.Digest},
			{Service: "checkout", Instance: "pod-7", Revision: before.At().Revision, Generation: before.At().Generation, Digest: before.At().Digest},
			{Service: "cart", Instance: "pod-2"},
		}}},
	}
}

func TestGolden(t *testing.T) {
	for name, m := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			got, err := feed.Encode(m)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if string(got)+"\n" != string(want) {
				t.Errorf("encoded:\n%s\nwant:\n%s", got, want)
			}
			back, err := feed.Decode(want)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(back, m) {
				t.Errorf("decoded: %+v, want %+v", back, m)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	digest := strings.Repeat("0a", 32)
	at := `"at":{"revision":"c","generation":1,"overlay":0,"digest":"` + digest + `","time":"2026-01-01T00:00:00Z"}`
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", "a JSON object is expected"},
		{"empty header", "\nflag a {}", "a JSON object is expected"},
		{"not JSON", "hello", "a JSON object is expected"},
		{"not an object", `["current"]`, "a JSON object is expected"},
		{"cut off", `{"type":"fresh"`, "unexpected end of JSON"},
		{"two values", `{"type":"fresh"} {}`, "after top-level value"},
		{"no type", `{}`, `has no "type"`},
		{"wrong type of a field", `{"type":"goodbye","retryAfter":"1s"}`, "retryAfter"},
		{"not UTF-8", "{\"type\":\"fresh\",\"reason\":\"\xff\"}", "UTF-8"},
		{"current without position", `{"type":"current"}`, `"at"`},
		{"snapshot without digest", `{"type":"snapshot","at":{"revision":"c"}}`, `"at.digest"`},
		{"delta without start", `{"type":"delta",` + at + `}`, `"from"`},
		{"digest in capitals", `{"type":"applied","digest":"` + strings.ToUpper(digest) + `"}`, "lower-case"},
		{"short digest", `{"type":"applied","digest":"00"}`, "64 lower-case"},
		{"below with a terminal's commands", `{"type":"below","subscribers":[{"service":"\u001b[2J"}]}`, "printable"},
		{"below with a long name", `{"type":"below","subscribers":[{"instance":"` + strings.Repeat("x", 201) + `"}]}`, "200 printable"},
		{"below that counts down", `{"type":"below","subscribers":[{"count":-1}]}`, "counts -1"},
		{"below that names many", `{"type":"below","subscribers":[{"instance":"a","count":2}]}`, "stands for one"},
		{"below with half a digest", `{"type":"below","subscribers":[{"digest":"00"}]}`, "64 lower-case"},
		{"below without end", `{"type":"below","subscribers":[{}` + strings.Repeat(",{}", feed.MaxBelow) + `]}`, "at most 500 rows"},
		{"empty line", `{"type":"snapshot",` + at + "}\nflag a {}\n\nflag b {}", "item line 2 is empty"},
		{"two line feeds at the end", `{"type":"snapshot",` + at + "}\nflag a {}\n\n", "item line 2 is empty"},
		{"long header", `{"type":"` + strings.Repeat("x", feed.MaxHeader) + `"}`, "over the limit"},
		{"many lines", `{"type":"x"}` + strings.Repeat("\n", feed.MaxLines+2), "over the limit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := feed.Decode([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestDecodeIsForwardCompatible(t *testing.T) {
	m, err := feed.Decode([]byte("{\"type\":\"greeting\",\"colour\":{\"deep\":[1]},\"reason\":\"hello\"}\nany line at all"))
	if err != nil {
		t.Fatal(err)
	}
	if m.Type != "greeting" || m.Reason != "hello" || len(m.Lines) != 1 {
		t.Errorf("decoded %+v", m)
	}
}

func TestEncodeRefuses(t *testing.T) {
	full := feed.Full(snapshot(t, oldAt, oldLines))
	for name, line := range map[string]string{"empty": "", "line feed": "flag a {}\nflag b {}"} {
		t.Run(name, func(t *testing.T) {
			full.Lines = [][]byte{[]byte(line)}
			if text, err := feed.Encode(full); err == nil {
				t.Errorf("encoded %q", text)
			}
		})
	}
	if _, err := feed.Encode(feed.Message{}); err == nil {
		t.Error("encoded a message without a type")
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range goldens(f) {
		text, err := feed.Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("{\"type\":\"new\",\"x\":1}\na\nb\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := feed.Decode(text)
		if err != nil {
			return
		}
		again, err := feed.Encode(m)
		if err != nil {
			t.Fatalf("decoded, but does not encode: %v", err)
		}
		m2, err := feed.Decode(again)
		if err != nil {
			t.Fatalf("encoded, but does not decode: %v\n%s", err, again)
		}
		third, err := feed.Encode(m2)
		if err != nil || !bytes.Equal(again, third) {
			t.Fatalf("not stable (%v):\n%s\n%s", err, again, third)
		}
	})
}

func TestWriteSnapshotSaysWhatLags(t *testing.T) {
	s := snapshot(t, oldAt, oldLines)
	lagging := []feed.Lagging{{Folder: "flags/a", Reason: "does not parse"}}
	var text bytes.Buffer
	if err := feed.WriteSnapshot(&text, s, lagging...); err != nil {
		t.Fatal(err)
	}
	m, err := feed.Decode(text.Bytes())
	if err != nil || !reflect.DeepEqual(m.Lagging, lagging) {
		t.Errorf("the header says %+v (%v), want %+v", m.Lagging, err, lagging)
	}
	if read, err := feed.ReadSnapshot(&text, nil); err != nil || read.At() != s.At() {
		t.Errorf("read %v, %v", read, err)
	}
}

func TestLaggingString(t *testing.T) {
	for want, l := range map[string]feed.Lagging{
		"flags/a is as at 8f6d3b1c0a5e: flags/a/x.cue:3:4: no": {Folder: "flags/a", Revision: "8f6d3b1c0a5e4f7d9b2a", Reason: "no", File: "flags/a/x.cue", Line: 3, Column: 4},
		"flags/a is left out: no":                              {Folder: "flags/a", Reason: "no"},
	} {
		if got := l.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
