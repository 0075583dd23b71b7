package diff

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

const testMeta = `meta {"bucketing":"murmur3-v2","compiler":"1","environment":"production","format":1}`

var testNow = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)

// snapshot makes a snapshot of item lines.
func snapshot(t testing.TB, lines ...string) *eval.Snapshot {
	t.Helper()
	items := [][]byte{[]byte(testMeta)}
	for _, line := range lines {
		items = append(items, []byte(strings.ReplaceAll(line, "\n", "")))
	}
	s, err := eval.New(eval.At{}, items, nil)
	if err != nil {
		t.Fatal(err)
	}
	for key, err := range s.Broken() {
		t.Fatalf("%s: %v", key, err)
	}
	return s
}

func TestSmoke(t *testing.T) {
	flag := func(rules string) string {
		return `flag f {"enabled":true,"off":"off","serve":"off","type":"boolean","variants":{"off":false,"on":true},"targets":{"on":["u1","u2"]},"rules":[` + rules + `]}`
	}
	a := snapshot(t, flag(`{"name":"early","serve":"on","share":5000,"when":{"fields":{"plan":{"in":["pro","team"]}}},"unless":{"fields":{"country":{"eq":"FR"}}}}`))
	b := snapshot(t, flag(`{"name":"early","serve":"on","share":60000,"when":{"fields":{"plan":{"in":["pro","team"]}}},"unless":{"fields":{"country":{"eq":"FR"}}}},
	{"name":"late","serve":"on","ramp":[{"at":"2026-12-02T09:00:00Z","share":100000}],"when":{"fields":{"email":{"match":"@corp\\.example$"},"age":{"ge":18}}}}`))
	start := time.Now()
	e := Compare("production", a, b, Options{Now: testNow})
	t.Log(time.Since(start))
	text, err := json.MarshalIndent(e, "", " ")
	t.Log(string(text), err)
}
