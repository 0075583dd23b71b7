package eval

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// vectors reads a file of vectors, which every engine reads, into v. Numbers stay as they are written.
func vectors(t *testing.T, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "vectors", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		t.Fatal(err)
	}
}

func TestMurmurVectors(t *testing.T) {
	var file struct {
		Cases []struct {
			Text string
			Hash uint32
		}
	}
	vectors(t, "murmur", &file)
	for _, c := range file.Cases {
		for cut := range len(c.Text) + 1 { // in two pieces, as a prefix and a value are
			m := hashed(c.Text[:cut])
			if write(&m, []byte(c.Text[cut:])); m.sum() != c.Hash {
				t.Errorf("%q cut at %d: %d, want %d", c.Text, cut, m.sum(), c.Hash)
			}
		}
	}
}

func TestBucketVectors(t *testing.T) {
	var file struct {
		Cases []struct {
			Prefix string
			Value  any
			Text   *string
			Hash   uint32
			Bucket int
		}
	}
	vectors(t, "buckets", &file)
	for _, c := range file.Cases {
		b := newBucketer("v", c.Prefix)
		for _, value := range []any{c.Value, plain(c.Value)} {
			ec := Context{"v": value}
			bucket, ok := b.bucket(ec)
			text := b.trace("", ec, 0, 0).Text
			switch {
			case c.Text == nil && ok:
				t.Errorf("%v (%T) has a bucket", value, value)
			case c.Text != nil && (!ok || bucket != c.Bucket || text != *c.Text || Bucket(text) != c.Bucket || hashed(text).sum() != c.Hash):
				t.Errorf("%v (%T): %q in %d, want %q in %d", value, value, text, bucket, *c.Text, c.Bucket)
			}
		}
	}
}

// plain gives a value as encoding/json reads it without UseNumber, where that loses nothing.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil && (f < 1<<53 && f > -1<<53 || strings.ContainsAny(string(v), ".eE")) {
			return f
		}
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = plain(e)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, e := range v {
			object[key] = plain(e)
		}
		return object
	}
	return v
}

func TestConditionVectors(t *testing.T) {
	var file struct {
		Segments map[string]json.RawMessage
		Cases    []struct {
			Condition json.RawMessage
			Yes, No   []Context
		}
		Refused []json.RawMessage
	}
	vectors(t, "conditions", &file)
	s := segments(t, file.Segments)
	for _, c := range file.Cases {
		m := matcher(t, s, c.Condition)
		check := func(contexts []Context, want bool) {
			for _, ec := range contexts {
				for _, ec := range []Context{ec, plain(map[string]any(ec)).(map[string]any)} {
					if m.Holds(ec) != want {
						t.Errorf("%s of %v: %v, want %v", c.Condition, ec, !want, want)
					}
				}
			}
		}
		check(c.Yes, true)
		check(c.No, false)
	}
	for _, text := range file.Refused {
		var c Condition
		err := json.Unmarshal(text, &c)
		if err == nil {
			_, err = s.Prepare(&c)
		}
		if err == nil && string(text) != "null" { // encoding/json never shows null to a struct
			t.Errorf("%s is not refused", text)
		}
		refuseInFlag(t, file.Segments, text)
	}
}

// refuseInFlag requires that a flag with a condition that is refused answers an error, and a flag beside it an answer.
func refuseInFlag(t *testing.T, segmentJSON map[string]json.RawMessage, condition json.RawMessage) {
	t.Helper()
	s := segments(t, segmentJSON, "flag b "+flagOn,
		`flag a {"enabled":true,"off":"off","rules":[{"name":"r","serve":"on","when":`+string(condition)+`}],"serve":"off",`+boolVariants)
	if got := s.Decide("a", nil, benchNow); got.ErrorCode != CodeParseError || got.Value != nil {
		t.Errorf("a flag with %s answers %+v", condition, got)
	}
	if got := s.Decide("b", nil, benchNow); got.Variant != "on" {
		t.Errorf("the flag beside one with %s answers %+v", condition, got)
	}
}

func segments(t *testing.T, byName map[string]json.RawMessage, lines ...string) *Snapshot {
	t.Helper()
	for name, text := range byName {
		lines = append(lines, `segment `+name+` {"condition":`+string(text)+`}`)
	}
	return snapshot(t, lines...)
}

func matcher(t *testing.T, s *Snapshot, text []byte) *Matcher {
	t.Helper()
	var c Condition
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	m, err := s.Prepare(&c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDecideVectors(t *testing.T) {
	var file struct {
		Situations []struct {
			Name  string
			Items []string
			Cases []struct {
				Flag    string
				Context Context
				Now     time.Time
				Result
			}
		}
	}
	vectors(t, "decide", &file)
	for _, situation := range file.Situations {
		t.Run(situation.Name, func(t *testing.T) {
			s, err := New(At{}, toLines(situation.Items), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range situation.Cases {
				for _, ec := range []Context{c.Context, plain(map[string]any(c.Context)).(map[string]any)} {
					got := s.Decide(c.Flag, ec, c.Now)
					got.ErrorMessage = ""
					if want := c.Result; !sameResult(got, want) {
						t.Errorf("%s of %v: %+v, want %+v\n%s", c.Flag, ec, got, want, s.Explain(c.Flag, ec, c.Now))
					}
				}
			}
		})
	}
}

func sameResult(got, want Result) bool {
	want.Value = plain(want.Value)
	return reflect.DeepEqual(got, want)
}

func TestDigestVectors(t *testing.T) {
	var file struct {
		Cases []struct {
			Items  []string
			Digest string
		}
	}
	vectors(t, "digest", &file)
	for _, c := range file.Cases {
		s, err := New(At{Digest: c.Digest}, toLines(c.Items), nil)
		if err != nil {
			t.Error(err)
			continue
		}
		for name, line := range s.Items() {
			var v any = json.RawMessage(line[len(name)+1:])
			if again, err := Line(name, v); err != nil || string(again) != string(line) {
				t.Errorf("%s is not canonical: %s, %v", line, again, err)
			}
		}
	}
}

func TestCanonicalVectors(t *testing.T) {
	var file struct {
		Cases   []struct{ JSON, Canonical string }
		Refused []string
	}
	vectors(t, "canonical", &file)
	for _, c := range file.Cases {
		got, err := Line("flag f", json.RawMessage(c.JSON))
		if want := "flag f " + c.Canonical; err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", c.JSON, got, err, want)
		}
	}
	for _, text := range file.Refused {
		if got, err := Line("flag f", json.RawMessage(text)); err == nil {
			t.Errorf("%s is written as %s", text, got)
		}
	}
}

func TestRegexpVectors(t *testing.T) {
	var file struct {
		Accepted []struct {
			Pattern         string
			Matches, Misses []string
		}
		Refused []struct{ Pattern, Hint string }
	}
	vectors(t, "regexp", &file)
	for _, c := range file.Accepted {
		m, err := (*Snapshot)(nil).Prepare(&Condition{Op: OpFields, Fields: []Field{{"a", Condition{Op: OpMatch, Text: c.Pattern}}}})
		if err != nil {
			t.Error(err)
			continue
		}
		for _, text := range c.Matches {
			if !m.Holds(Context{"a": text}) {
				t.Errorf("%q misses %q", c.Pattern, text)
			}
		}
		for _, text := range c.Misses {
			if m.Holds(Context{"a": text}) {
				t.Errorf("%q matches %q", c.Pattern, text)
			}
		}
	}
	for _, c := range file.Refused {
		if err := CheckRegexp(c.Pattern); err == nil || !strings.Contains(err.Error(), c.Hint) {
			t.Errorf("%q: %v; want %q", c.Pattern, err, c.Hint)
		}
	}
}
