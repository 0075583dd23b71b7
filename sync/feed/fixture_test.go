package feed_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

const metaLine = `meta {"bucketing":"murmur3-v2","compiler":"1","environment":"production","format":1}`

// The two states that the goldens and docs/protocol.md tell of.
var (
	oldLines = []string{
		`flag checkout.legacy {"enabled":true,"off":"off","serve":"on","type":"boolean","variants":{"off":false,"on":true}}`,
		`flag checkout.new-payment {"enabled":true,"off":"off","rules":[{"name":"staff","serve":"on","when":{"segment":"staff"}}],"serve":"off","type":"boolean","variants":{"off":false,"on":true}}`,
		metaLine,
		`segment staff {"condition":{"fields":{"email":{"suffix":"@corp.example"}}}}`,
	}
	newLines = []string{
		`flag checkout.new-payment {"enabled":true,"off":"off","rules":[{"name":"staff","serve":"on","when":{"segment":"staff"}}],"serve":"on","type":"boolean","variants":{"off":false,"on":true}}`,
		metaLine,
		`segment staff {"condition":{"fields":{"email":{"suffix":"@corp.example"}}}}`,
	}
	oldAt = eval.At{
		Revision: "8f6d3b1c0a5e4f7d9b2a6c8e0f1d3b5a7c9e1f20", Generation: 211,
		Time: time.Date(2026, 11, 3, 14, 5, 9, 0, time.UTC),
	}
	newAt = eval.At{
		Revision: "2c1b7e0d4f6a8b9c3d5e7f1a0b2c4d6e8f9a1b3c", Generation: 212,
		Time: time.Date(2026, 11, 3, 14, 31, 44, 0, time.UTC),
	}
)

func snapshot(tb testing.TB, at eval.At, lines []string) *eval.Snapshot {
	tb.Helper()
	raw := make([][]byte, len(lines))
	for i, line := range lines {
		raw[i] = []byte(line)
	}
	s, err := eval.New(at, raw, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// random gives a snapshot of some of 40 flags, each of which stands in one of four ways.
func random(tb testing.TB, r *rand.Rand, generation uint64) *eval.Snapshot {
	tb.Helper()
	lines := []string{metaLine}
	for key := range 40 {
		if how := r.IntN(5); how < 4 {
			lines = append(lines, flagLine(fmt.Sprintf("team.flag-%02d", key), how))
		}
	}
	r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return snapshot(tb, eval.At{Revision: fmt.Sprintf("%040d", generation), Generation: generation}, lines)
}

func flagLine(key string, how int) string {
	serve := []string{"off", "on"}[how%2]
	return fmt.Sprintf(`flag %s {"enabled":%t,"off":"off","serve":%q,"type":"boolean","variants":{"off":false,"on":true}}`, key, how < 2, serve)
}

func digest(s *eval.Snapshot) string { return s.At().Digest }
