package eval

import (
	"errors"
	"slices"
	"testing"
	"time"
)

const testMeta = `meta {"bucketing":"murmur3-v2","compiler":"1","environment":"production","format":1}`

// snapshot makes a snapshot of lines, to which it adds the meta item.
func snapshot(t testing.TB, lines ...string) *Snapshot {
	t.Helper()
	s, err := New(At{}, toLines(append(lines, testMeta)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func toLines(text []string) [][]byte {
	lines := make([][]byte, 0, len(text))
	for _, line := range text {
		lines = append(lines, []byte(line))
	}
	return lines
}

const (
	flagOn      = `{"enabled":true,"off":"off","serve":"on","type":"boolean","variants":{"off":false,"on":true}}`
	flagOff     = `{"enabled":false,"off":"off","type":"boolean","variants":{"off":false,"on":true}}`
	flagStaff   = `{"enabled":true,"off":"off","rules":[{"name":"staff","serve":"on","when":{"segment":"staff"}}],"serve":"off","type":"boolean","variants":{"off":false,"on":true}}`
	flagNeedsA  = `{"enabled":true,"off":"off","requires":{"a":["on"]},"serve":"on","type":"boolean","variants":{"off":false,"on":true}}`
	segmentCorp = `segment staff {"condition":{"fields":{"email":{"suffix":"@corp.example"}}}}`
)

func TestNewRefuses(t *testing.T) {
	for name, lines := range map[string][]string{
		"no meta":          {"flag a " + flagOn},
		"not JSON":         {testMeta, "flag a {"},
		"trailing text":    {testMeta, "flag a {} {}"},
		"no name":          {testMeta, `{}`},
		"unknown kind":     {testMeta, `hold a {}`},
		"bad key":          {testMeta, `flag -a {}`},
		"twice":            {testMeta, "flag a " + flagOn, "flag a " + flagOff},
		"line break":       {testMeta, "flag a {\n}"},
		"list":             {testMeta, "flag a []"},
		"other format":     {`meta {"bucketing":"murmur3-v2","compiler":"1","environment":"p","format":2}`},
		"other bucketing":  {`meta {"bucketing":"murmur3-v3","compiler":"1","environment":"p","format":1}`},
		"not UTF-8":        {testMeta, "flag a {\"owner\":\"\xff\"}"},
		"huge number":      {testMeta, `flag a {"x":1e999}`},
		"control in text":  {testMeta, "flag a {\"x\":\"\t\"}"},
		"leading zero":     {testMeta, `flag a {"x":01}`},
		"trailing comma":   {testMeta, `flag a {"x":1,}`},
		"missing comma":    {testMeta, `flag a {"x":1 "y":2}`},
		"nested very deep": {testMeta, `flag a {"x":` + nested(100) + `}`},
	} {
		if _, err := New(At{}, toLines(lines), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func nested(depth int) string {
	return string(slices.Repeat([]byte("["), depth)) + string(slices.Repeat([]byte("]"), depth))
}

func TestDigest(t *testing.T) {
	s := snapshot(t, "flag a "+flagOn)
	digest := s.At().Digest
	if len(digest) != 64 {
		t.Fatalf("digest %q", digest)
	}
	lines := toLines([]string{"flag a " + flagOn, testMeta})
	if _, err := New(At{Digest: digest}, lines, nil); err != nil {
		t.Error(err)
	}
	if _, err := New(At{Digest: digest[1:] + "0"}, lines, nil); !errors.Is(err, ErrDigest) {
		t.Errorf("another digest: %v", err)
	}
	if _, err := s.Apply(At{Digest: digest}, toLines([]string{"flag a " + flagOff}), nil); !errors.Is(err, ErrDigest) {
		t.Errorf("apply with another digest: %v", err)
	}
}

func TestApply(t *testing.T) {
	old := snapshot(t, "flag a "+flagOn, "flag b "+flagNeedsA, "flag c "+flagStaff, segmentCorp)
	now := time.Unix(0, 0)
	staff := Context{"email": "x@corp.example"}
	if got := old.Decide("c", staff, now); got.Variant != "on" || got.Reason != ReasonTargetingMatch {
		t.Errorf("c: %+v", got)
	}
	next, err := old.Apply(At{}, toLines([]string{"flag a " + flagOff}), []string{"segment staff"})
	if err != nil {
		t.Fatal(err)
	}
	if got := next.Decide("b", nil, now); got.Variant != "off" || got.Reason != ReasonDefault {
		t.Errorf("b after a is off: %+v", got)
	}
	if got := next.Decide("c", staff, now); got.ErrorCode != CodeParseError {
		t.Errorf("c without its segment: %+v", got)
	}
	if got := old.Decide("b", nil, now); got.Variant != "on" {
		t.Errorf("the old snapshot changed: %+v", got)
	}
	if got, want := Affected(old, next), []string{"a", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("affected %v, want %v", got, want)
	}
	if _, err := old.Apply(At{}, nil, []string{"flag z"}); err == nil {
		t.Error("unset of what is not there: no error")
	}
	if old.items[0] != next.items[0] && string(old.items[0].line) == string(next.items[0].line) {
		t.Error("an equal item was read again")
	}
}
