package eval

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzItem feeds lines to a snapshot: it is refused, or decides and explains whatever it holds, and what was read of a
// flag is written as it was.
func FuzzItem(f *testing.F) {
	for seed := range uint64(20) {
		r := newRandom(seed)
		for _, line := range r.items(&testing.T{}) {
			f.Add(line)
		}
	}
	f.Add([]byte(`flag f0 {"enabled":true,"off":null,"rules":[{"when":{"near":1}}],"serve":"a","type":"object","variants":{"a":{}}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		s, err := New(At{}, [][]byte{[]byte(testMeta), line}, nil)
		if err != nil {
			return
		}
		ec := Context{TargetingKey: "user-1", "a": 18, "plan": "a"}
		for flag := range s.Flags() {
			got := s.Decide(flag.Key, ec, benchNow)
			if explained := s.Explain(flag.Key, ec, benchNow); !reflect.DeepEqual(explained.Result, got) {
				t.Fatalf("%s: explained %v, decided %v", line, explained.Result, got)
			}
			for range s.Broken() {
				return
			}
			again, err := Line("flag "+flag.Key, flag)
			if err != nil {
				t.Fatalf("%s was read and cannot be written: %v", line, err)
			}
			other, err := New(At{}, [][]byte{[]byte(testMeta), again}, nil)
			if err != nil {
				t.Fatalf("%s was written as %s: %v", line, again, err)
			}
			if decided := other.Decide(flag.Key, ec, benchNow); !reflect.DeepEqual(decided, got) {
				t.Fatalf("%s was written as %s: %v, %v", line, again, got, decided)
			}
		}
	})
}

// FuzzReader compares the reader with encoding/json: the same texts are JSON, and mean the same.
func FuzzReader(f *testing.F) {
	for _, text := range []string{`{"a":[1,-2.5e3,true,null,"x\u00e9\n"],"b":{}}`, `[[[]]]`, `"\ud83d\udc4d"`, ` 1 `, `01`, `1.`, `{"a":1,}`, `"\x"`, `nul`, `1e400`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := reader{data: data}
		got := r.any()
		err := r.end()
		var want any
		wantErr := json.Unmarshal(data, &want)
		if err == nil && wantErr != nil {
			t.Fatalf("%q is read and is not JSON: %v", data, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: read %v, is %v", data, got, want)
		}
		if err != nil && wantErr == nil && utf8.Valid(data) && !strings.Contains(err.Error(), "deeper") {
			t.Fatalf("%q is JSON and is not read: %v", data, err)
		}
	})
}

// FuzzCondition asks any condition of any context, in both forms of numbers: no panic, and the same after writing and
// reading; what fails is explained, and nothing else.
func FuzzCondition(f *testing.F) {
	data, err := os.ReadFile(filepath.Join("testdata", "vectors", "conditions.json"))
	if err != nil {
		f.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Condition json.RawMessage
			Yes, No   []json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		f.Fatal(err)
	}
	for _, c := range file.Cases {
		for _, ec := range slices.Concat(c.Yes, c.No) {
			f.Add([]byte(c.Condition), []byte(ec))
		}
	}
	f.Fuzz(func(t *testing.T, condition, contextJSON []byte) {
		var c Condition
		var ec, exact Context
		if json.Unmarshal(condition, &c) != nil || json.Unmarshal(contextJSON, &ec) != nil {
			return
		}
		d := json.NewDecoder(bytes.NewReader(contextJSON))
		if d.UseNumber(); d.Decode(&exact) != nil {
			return
		}
		m, err := (*Snapshot)(nil).Prepare(&c)
		if err != nil {
			return
		}
		holds := m.Holds(ec)
		if m.Holds(exact) != holds {
			t.Fatalf("%s of %s: %v, and not so with json.Number", condition, contextJSON, holds)
		}
		if why := m.test.why("", ec); !holds && len(why) == 0 {
			t.Fatalf("%s of %s fails for no reason", condition, contextJSON)
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatalf("%s cannot be written: %v", condition, err)
		}
		other := matcher(t, nil, again)
		if other.Holds(ec) != holds || c.String() == "" {
			t.Fatalf("%s was written as %s", condition, again)
		}
	})
}

// FuzzRegexp: what CheckRegexp lets pass compiles, and a test of a plain text in its place answers the same.
func FuzzRegexp(f *testing.F) {
	for _, pattern := range []string{"^a$", "a.b", `@corp\.example$`, "^$", "[a-c]+", "(?:a|b)?", `\d{2}`, "[", "a**", "é", ""} {
		f.Add(pattern, "a@corp.example")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if CheckRegexp(pattern) != nil {
			return
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			t.Fatalf("%q passes: %v", pattern, err)
		}
		m, err := (*Snapshot)(nil).Prepare(&Condition{Op: OpMatch, Text: pattern})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{text, pattern, text + pattern, pattern + text} {
			if utf8.ValidString(text) && m.test.holds(text) != re.MatchString(text) {
				t.Fatalf("%q of %q: %v", pattern, text, !re.MatchString(text))
			}
		}
	})
}
