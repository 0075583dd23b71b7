package publog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestAppend(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state", "log.jsonl")
	l := open(t, name)
	for i := range 3 {
		add(t, l, fmt.Sprint(i))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, name)
	if last := l.Last(Published); last.Seq != 3 || last.Revision != "2" {
		t.Errorf("the last one is %+v", last)
	}
	add(t, l, "3")
	report, err := Check(t.Context(), name)
	if err != nil || report.Lines != 4 || report.First != 1 || len(report.Problems) > 0 || report.End != l.End() || report.End.Seq != 4 {
		t.Errorf("%+v, %v", report, err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestNilLog(t *testing.T) {
	var l *Log
	if err := errors.Join(l.Append(Entry{Kind: Held}), l.Retry(), l.Close()); err != nil || l.Unlogged() != nil || l.End() != (Chain{}) || l.Last(Held).Seq != 0 {
		t.Error("a log that is none does something:", err)
	}
}

// TestTampered changes a log in each way that the chain is there to find.
func TestTampered(t *testing.T) {
	whole := written(t, 6)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines = lines[:len(lines)-1]
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, test := range map[string]struct {
		text []byte
		line int
		want string
	}{
		"untouched":     {whole, 0, ""},
		"begins later":  {join(lines[2:]...), 0, ""},
		"changed":       {bytes.Replace(whole, []byte(`"revision":"2"`), []byte(`"revision":"9"`), 1), 4, "entry 3, before it, was changed"},
		"taken out":     {join(join(lines[:2]...), join(lines[3:]...)), 3, "entry 4 follows entry 2"},
		"twice":         {join(join(lines[:3]...), lines[2], join(lines[3:]...)), 4, "entry 3 follows entry 3"},
		"not an entry":  {join(join(lines[:5]...), []byte("hello\n")), 6, "it is no entry"},
		"not whole":     {whole[:len(whole)-4], 6, "it is not whole"},
		"a second one":  {join(whole, lines[0]), 7, "entry 1 follows entry 6"},
		"prev left out": {bytes.Replace(whole, []byte(`"prev":"`+sum(bytes.TrimSuffix(lines[1], []byte("\n")))+`"`), []byte(`"prev":""`), 1), 3, "names none before it"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems, err := Verify(bytes.NewReader(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if test.want == "" {
				if len(problems) > 0 {
					t.Errorf("%v", problems)
				}
				return
			}
			if len(problems) == 0 || problems[0].Line != test.line || !strings.Contains(problems[0].String(), test.want) {
				t.Errorf("%v, not line %d: %s", problems, test.line, test.want)
			}
		})
	}
}

// TestTorn ends a log at every byte, as a crash may, and goes on with it.
func TestTorn(t *testing.T) {
	whole := written(t, 3)
	name := filepath.Join(t.TempDir(), "log.jsonl")
	for length := range whole {
		if err := os.WriteFile(name, whole[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, name)
		add(t, l, "after")
		_ = l.Close()
		report, err := Check(t.Context(), name)
		if err != nil || len(report.Problems) > 0 {
			t.Fatalf("cut to %d bytes: %v, %v", length, report.Problems, err)
		}
		torn := length > 0 && whole[length-1] != '\n'
		text, _ := os.ReadFile(name)
		if got := bytes.Contains(text, []byte("was cut off: it was not whole")); got != torn {
			t.Fatalf("cut to %d bytes: the log tells of it: %t\n%s", length, got, text)
		}
	}
}

// TestRotation puts files by, and finds them one chain.
func TestRotation(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log.jsonl")
	l := open(t, name)
	l.most = 1000
	for i := range 50 {
		add(t, l, fmt.Sprint(i))
	}
	files, err := Files(name)
	if err != nil || len(files) < 5 || filepath.Base(files[0]) != "log-0001.jsonl" || files[len(files)-1] != name {
		t.Fatalf("%v, %v", files, err)
	}
	report, err := l.Check(t.Context())
	if err != nil || report.Lines != 50 || len(report.Problems) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	for _, after := range []uint64{0, 1, 7, 25, 48, 49, 50, 1000} {
		var text bytes.Buffer
		n, err := l.Read(&text, after, 5, 1<<20)
		want := min(5, max(0, 50-int(after)))
		if err != nil || n != want || bytes.Count(text.Bytes(), []byte("\n")) != want {
			t.Errorf("after %d: %d entries, %v", after, n, err)
		}
		if want > 0 && seqOf(bytes.SplitN(text.Bytes(), []byte("\n"), 2)[0]) != after+1 {
			t.Errorf("after %d: %s", after, text.String())
		}
	}
	if n, err := Read(new(bytes.Buffer), name, 0, 100, 500); err != nil || n == 0 || n > 5 {
		t.Errorf("500 bytes hold %d entries, %v", n, err)
	}
	// Without the oldest the rest is a chain still; without one between it is not.
	_ = os.Remove(files[0])
	if report, err = Check(t.Context(), name); err != nil || len(report.Problems) > 0 || report.First < 2 {
		t.Errorf("%+v, %v", report, err)
	}
	_ = os.Remove(files[2])
	if report, err = Check(t.Context(), name); err != nil || len(report.Problems) != 1 || report.Problems[0].File != files[3] {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestRotationCutOff is a crash after a file was put by and before the next was begun.
func TestRotationCutOff(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log.jsonl")
	l := open(t, name)
	add(t, l, "a")
	_ = l.Close()
	if err := putBy(name); err != nil {
		t.Fatal(err)
	}
	l = open(t, name)
	if last := l.Last(Published); last.Revision != "a" {
		t.Errorf("the last one is %+v", last)
	}
	add(t, l, "b")
	if report, err := Check(t.Context(), name); err != nil || report.Lines != 2 || len(report.Problems) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestTakenAway takes the file away below the log, changes it, and puts another in its place.
func TestTakenAway(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log.jsonl")
	l := open(t, name)
	add(t, l, "a")
	text, _ := os.ReadFile(name)

	_ = os.Remove(name)
	add(t, l, "b")
	if last := lastLine(t, name); !strings.Contains(last, `"seq":3`) || !strings.Contains(last, `"revision":"b"`) {
		t.Errorf("after it was taken away: %s", last)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	add(t, l, "c")
	if whole, _ := os.ReadFile(name); !bytes.Contains(whole, []byte("the log was changed by something else: it ended with entry 3, and now does with 1")) {
		t.Errorf("after it was put back: %s", whole)
	}
	if report, err := Check(t.Context(), name); err != nil || len(report.Problems) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestCannotWrite has a folder where the log should be, until there is none.
func TestCannotWrite(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log.jsonl")
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := Open(name)
	if err == nil {
		t.Fatal("a folder was opened as a log")
	}
	for i := range mostWaiting + 2 {
		if err := l.Append(Entry{Kind: Published, Revision: fmt.Sprint(i)}); err == nil {
			t.Fatal("an entry was written to a folder")
		}
	}
	if u := l.Unlogged(); u == nil || u.Waiting != mostWaiting || u.Lost != 2 || u.Error == "" || u.Since.IsZero() {
		t.Errorf("%+v", u)
	}
	if last := l.Last(Published); last.Revision != fmt.Sprint(mostWaiting+1) {
		t.Errorf("the last one is %+v", last)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := l.Retry(); err != nil || l.Unlogged() != nil {
		t.Fatal(err, l.Unlogged())
	}
	report, err := Check(t.Context(), name)
	if err != nil || report.Lines != mostWaiting+1 || len(report.Problems) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	var first bytes.Buffer
	if _, err := Read(&first, name, 0, 1, 1<<20); err != nil || !strings.Contains(first.String(), "2 entries are missing here") {
		t.Errorf("%s, %v", first.String(), err)
	}
}

func TestTooLarge(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.jsonl"))
	if err := l.Append(Entry{Kind: Published, Revision: strings.Repeat("x", mostLine)}); err == nil {
		t.Error("an entry beyond all bounds was taken")
	}
	if err := l.Append(Entry{Kind: Refused, Reason: strings.Repeat("ä", mostLine), Lagging: make([]Lagging, 100_000)}); err != nil {
		t.Error(err)
	}
	if report, err := l.Check(t.Context()); err != nil || report.Lines != 2 || len(report.Problems) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestTogether appends, reads and checks at the same time.
func TestTogether(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log.jsonl"))
	l.most = 2000
	add(t, l, "first")
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range 25 {
				if err := l.Append(Entry{Kind: Held, Revision: fmt.Sprint(i, n)}); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 10 {
				if report, err := l.Check(t.Context()); err != nil || len(report.Problems) > 0 {
					t.Error(report, err)
				}
			}
		})
	}
	all.Wait()
	if report, err := l.Check(t.Context()); err != nil || report.Lines != 101 || len(report.Problems) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestNone(t *testing.T) {
	name := filepath.Join(t.TempDir(), "none", "log.jsonl")
	if _, err := Check(context.Background(), name); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// FuzzOpen opens whatever lies there and appends to it: what is appended is sound, and what was wrong before is found as before.
func FuzzOpen(f *testing.F) {
	whole := written(f, 3)
	f.Add(whole)
	f.Add(whole[:len(whole)-5])
	f.Add(bytes.Replace(whole, []byte("\n"), []byte("\x00"), 1))
	f.Add([]byte("\n\n{}\n"))
	f.Add([]byte(`{"seq":18446744073709551615,"time":"2026-01-01T00:00:00Z","kind":"held","prev":"x"}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(t.TempDir(), "log.jsonl")
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		sound := text[:bytes.LastIndexByte(text, '\n')+1]
		n, before, err := Verify(bytes.NewReader(sound))
		if err != nil {
			return // a line too long
		}
		l := open(t, name)
		add(t, l, "a")
		add(t, l, "b")
		report, err := Check(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range report.Problems[min(len(before), len(report.Problems)):] {
			if p.Line > n+1 { // what follows a last line that is no entry may be told of
				t.Fatalf("after what was there: %v", p)
			}
		}
		if len(report.Problems) < len(before) {
			t.Fatalf("%v became %v", before, report.Problems)
		}
	})
}

func open(t testing.TB, name string) *Log {
	t.Helper()
	l, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func add(t testing.TB, l *Log, revision string) {
	t.Helper()
	if err := l.Append(Entry{Kind: Published, Revision: revision}); err != nil {
		t.Fatal(err)
	}
}

func written(t testing.TB, n int) []byte {
	name := filepath.Join(t.TempDir(), "log.jsonl")
	l := open(t, name)
	for i := range n {
		add(t, l, fmt.Sprint(i))
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func lastLine(t *testing.T, name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
