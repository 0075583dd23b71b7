package diff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/eval"
)

// benchFlag is a flag as teams write them.
func benchFlag(key string, share int) string {
	return fmt.Sprintf(`flag %s {"enabled":true,"off":"off","serve":"off","type":"boolean","variants":{"off":false,"on":true},"targets":{"on":["u1","u2"]},`+
		`"rules":[{"name":"staff","serve":"on","when":{"segment":"staff"}},{"name":"early","serve":"on","share":%d,"when":{"fields":{"plan":{"in":["pro","team"]},`+
		`"age":{"ge":18}}},"unless":{"fields":{"country":{"eq":"FR"}}}},{"name":"rest","serve":"on","share":1000,"when":{"fields":{"app":{"version":">=2.4.0"}}}}]}`, key, share)
}

const benchSegment = `segment staff {"condition":{"fields":{"email":{"match":"@corp\\.example$"}}}}`

func BenchmarkCompareOneFlag(b *testing.B) {
	before, after := snapshot(b, benchFlag("f", 5000), benchSegment), snapshot(b, benchFlag("f", 60000), benchSegment)
	for b.Loop() {
		Compare("production", before, after, Options{Now: testNow})
	}
}

func BenchmarkCompareThousandFlags(b *testing.B) {
	state := func(share int) *eval.Snapshot {
		lines := []string{benchSegment}
		for i := range 1000 {
			lines = append(lines, benchFlag(fmt.Sprintf("flag-%d", i), share))
		}
		return snapshot(b, lines...)
	}
	before, after := state(5000), state(60000)
	for b.Loop() {
		Compare("production", before, after, Options{Now: testNow})
	}
}

// BenchmarkCompareTargets widens a rule in which 10,000 users are named, each with a bucket of its own.
func BenchmarkCompareTargets(b *testing.B) {
	keys := make([]string, 10_000)
	for i := range keys {
		keys[i] = fmt.Sprintf("%q", fmt.Sprintf("user-%d", i))
	}
	state := func(share int) *eval.Snapshot {
		return snapshot(b, fmt.Sprintf(`flag f {"enabled":true,"off":"off","serve":"off","type":"boolean","variants":{"off":false,"on":true},`+
			`"rules":[{"name":"r","serve":"on","share":%d,"when":{"fields":{"targetingKey":{"in":[%s]}}}}]}`, share, strings.Join(keys, ",")))
	}
	before, after := state(5000), state(60000)
	for b.Loop() {
		Compare("production", before, after, Options{Now: testNow})
	}
}

// BenchmarkCompareSegment widens a segment that 1,000 flags use.
func BenchmarkCompareSegment(b *testing.B) {
	state := func(segment string) *eval.Snapshot {
		lines := []string{segment}
		for i := range 1000 {
			lines = append(lines, benchFlag(fmt.Sprintf("flag-%d", i), 5000))
		}
		return snapshot(b, lines...)
	}
	before, after := state(benchSegment), state(strings.Replace(benchSegment, "corp", "(corp|firm)", 1))
	for b.Loop() {
		Compare("production", before, after, Options{Now: testNow})
	}
}
