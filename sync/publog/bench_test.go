package publog

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func filled(b *testing.B) string {
	name := filepath.Join(b.TempDir(), "log.jsonl")
	l := open(b, name)
	for i := range 4000 {
		if err := l.Append(Entry{Kind: Published, Revision: fmt.Sprint(i), Reason: strings.Repeat("x", 700)}); err != nil {
			b.Fatal(err)
		}
	}
	return name
}

func BenchmarkAppend(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "log.jsonl"))
	for b.Loop() {
		if err := l.Append(Entry{Kind: Published, Revision: "0123456789abcdef", Reason: "why"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens a log of 3.5 MiB, as a start does.
func BenchmarkOpen(b *testing.B) {
	name := filled(b)
	for b.Loop() {
		_ = open(b, name).Close()
	}
}

// BenchmarkCheck verifies a log of 3.5 MiB.
func BenchmarkCheck(b *testing.B) {
	name := filled(b)
	for b.Loop() {
		if report, err := Check(b.Context(), name); err != nil || len(report.Problems) > 0 {
			b.Fatal(report, err)
		}
	}
}
