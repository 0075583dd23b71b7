package render

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/yardarm-io/yardarm/diff/review"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden holds every format of every sample against what was last read and found good.
func TestGolden(t *testing.T) {
	for name, r := range samples() {
		for _, format := range Formats() {
			golden(t, name+"."+string(format), written(t, format, r, Options{}))
		}
	}
}

func TestColours(t *testing.T) {
	golden(t, "step.colours", written(t, Text, samples()["step"], Options{Colour: true, Width: 120}))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: run with -update and read the difference; got:\n%s", name, got)
	}
}

func written(t testing.TB, format Format, r *review.Review, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, r, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
