package gitrepo

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMergeTextAsGit merges random texts as git merge-file does. Where lines repeat, a difference can be told in several ways, of
// which git chooses by rules of its own: few of those may come out otherwise, and only as a conflict or the other way round.
func TestMergeTextAsGit(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 50
	}
	for name, letters := range map[string]int{"lines that repeat": 6, "lines that differ": 1 << 30} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(3, uint64(letters)))
			conflicts, other := 0, 0
			for range rounds {
				base := randomLines(random, letters, random.IntN(25))
				ours, theirs := changed(random, letters, base), changed(random, letters, base)
				got, ok := mergeText(joined(base), joined(ours), joined(theirs))
				want, fine := gitMergeFile(t, joined(base), joined(ours), joined(theirs))
				if !fine {
					conflicts++
				}
				if ok == fine && (!ok || got == want) {
					continue
				}
				other++
				if letters > rounds || ok && fine && got != want {
					t.Errorf("base %q\nours %q\ntheirs %q\ngives %q %v\ngit   %q %v", base, ours, theirs, got, ok, want, fine)
				}
			}
			t.Logf("%d merges, %d conflicts, %d otherwise than git", rounds, conflicts, other)
			if other > rounds/20 {
				t.Errorf("%d of %d merges come out otherwise than git's", other, rounds)
			}
		})
	}
}

func randomLines(random *rand.Rand, letters, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = "line " + string(rune('a'+random.IntN(26))) + strings.Repeat("x", random.IntN(letters)%7) + "\n"
		if letters > 100 {
			lines[i] = "line " + strings.Repeat("y", i) + string(rune('a'+random.IntN(26))) + string(rune('a'+random.IntN(26))) + string(rune('a'+random.IntN(26))) + "\n"
		}
	}
	return lines
}

// changed makes a few changes to a text.
func changed(random *rand.Rand, letters int, base []string) []string {
	lines := slices.Clone(base)
	for range random.IntN(4) {
		at := random.IntN(len(lines) + 1)
		end := min(at+random.IntN(3), len(lines))
		lines = slices.Replace(lines, at, end, randomLines(random, letters, random.IntN(3))...)
	}
	if len(lines) > 0 && random.IntN(8) == 0 {
		lines[len(lines)-1] = strings.TrimSuffix(lines[len(lines)-1], "\n")
	}
	return lines
}

func joined(lines []string) string { return strings.Join(lines, "") }

// gitMergeFile tells what git makes of a merge.
func gitMergeFile(t *testing.T, base, ours, theirs string) (merged string, ok bool) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"merge-file", "-p", "-q"}
	for _, f := range []struct{ name, text string }{{"ours", ours}, {"base", base}, {"theirs", theirs}} {
		file := filepath.Join(dir, f.name)
		if err := os.WriteFile(file, []byte(f.text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	out, err := exec.Command("git", args...).Output()
	if exit, failed := errors.AsType[*exec.ExitError](err); err != nil && (!failed || exit.ExitCode() > 127) {
		t.Fatal(err)
	}
	return string(out), err == nil
}

// TestMergeTextLaws needs no git: who changed nothing gets the other's text, and sides may change places.
func TestMergeTextLaws(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		lines := randomLines(random, 3, random.IntN(15))
		base, ours, theirs := joined(lines), joined(changed(random, 3, lines)), joined(changed(random, 3, lines))
		for _, law := range [][4]string{{base, ours, base, ours}, {base, base, theirs, theirs}, {base, ours, ours, ours}} {
			if got, ok := mergeText(law[0], law[1], law[2]); !ok || got != law[3] {
				t.Fatalf("merge of %q gives %q, %v", law, got, ok)
			}
		}
		a, okA := mergeText(base, ours, theirs)
		if b, okB := mergeText(base, theirs, ours); a != b || okA != okB {
			t.Fatalf("%q and %q from %q: %q or %q", ours, theirs, base, a, b)
		}
	}
}

func TestMergeTextOfGreatChanges(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	base := randomLines(random, 1000, 2500)
	ours := append([]string{"first\n"}, randomLines(random, 1000, 2500)...)
	theirs := append(slices.Clone(base), "last\n")
	if _, ok := mergeText(joined(base), joined(ours), joined(theirs)); ok {
		t.Error("a text that is changed wholly merges with another change")
	}
	if got, ok := mergeText(joined(base), joined(ours), joined(base)); !ok || got != joined(ours) {
		t.Error("a text that is changed wholly is not taken over")
	}
}
