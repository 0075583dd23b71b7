package eval

import (
	"flag"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// keyCount is how many targeting keys of each shape the statistics are made of. `make test` asks for a million, without the
// race detector; the default keeps every other run quick.
var keyCount = flag.Int("keys", 20_000, "targeting keys of each shape in the statistical tests")

const (
	statisticFlags = 200
	// alpha is the chance that a perfect hash fails one of the statistics below, all tests of it taken together: by
	// Bonferroni's correction each single test is held to alpha divided by their number.
	alpha = 0.001
)

// keyShapes are what services use for targeting keys.
var keyShapes = map[string]func(i int, random *rand.Rand) string{
	"numeric": func(i int, _ *rand.Rand) string { return strconv.Itoa(1_000_000 + i) },
	"user-N":  func(i int, _ *rand.Rand) string { return "user-" + strconv.Itoa(i) },
	"UUID": func(_ int, random *rand.Rand) string {
		a, b := random.Uint64()&^0xf000|0x4000, random.Uint64()&^(3<<62)|2<<62
		return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&(1<<48-1))
	},
}

func shapeKeys(shape func(int, *rand.Rand) string) []string {
	random := rand.New(rand.NewPCG(2026, 11))
	keys := make([]string, *keyCount)
	for i := range keys {
		keys[i] = shape(i, random)
	}
	return keys
}

// shareOf is the bucketer of a share in the nth flag. The flags' names differ by their last digits only, which is the hard case.
func shareOf(n int) bucketer {
	return newBucketer("", fmt.Sprintf("checkout.flag-%d:share:", n))
}

// eachFlag calls fn for each of the flags, on every processor.
func eachFlag(fn func(n int)) {
	var group sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for n := range next {
				fn(n)
			}
		})
	}
	for n := range statisticFlags {
		next <- n
	}
	close(next)
	group.Wait()
}

// TestBucketsAreUniform counts keys in 1,000 cells of 100 buckets, for each flag, and compares with equal cells by chi-square;
// and counts those in shares of 0.1 to 50 %.
func TestBucketsAreUniform(t *testing.T) {
	const cells = 1000
	shares := []int{100, 1_000, 10_000, 25_000, 50_000}
	tests := len(keyShapes) * statisticFlags
	for name, shape := range keyShapes {
		keys := shapeKeys(shape)
		squares := make([]float64, statisticFlags)
		deviations := make([]float64, statisticFlags)
		eachFlag(func(n int) {
			counts := countCells(shareOf(n), keys, cells)
			expected := float64(len(keys)) / cells
			for _, count := range counts {
				squares[n] += (float64(count) - expected) * (float64(count) - expected) / expected
			}
			for _, share := range shares {
				deviations[n] = max(deviations[n], math.Abs(shareDeviation(counts, share*cells/whole, len(keys))))
			}
		})
		worst, total := 0.0, 0.0
		for _, square := range squares {
			worst = max(worst, math.Abs(wilsonHilferty(square, cells-1)))
			total += square
		}
		over := wilsonHilferty(total, (cells-1)*statisticFlags)
		limit, shareLimit := twoSided(alpha/float64(tests)), twoSided(alpha/float64(tests*len(shares)))
		far := maxOf(deviations)
		t.Logf("%s: %d keys, %d flags: chi-square worst |z| %.2f of %.2f allowed, all together z %.2f; shares worst |z| %.2f of %.2f allowed",
			name, len(keys), statisticFlags, worst, limit, over, far, shareLimit)
		if worst > limit || math.Abs(over) > twoSided(alpha/float64(len(keyShapes))) || far > shareLimit {
			t.Errorf("%s: keys are not spread evenly over the buckets", name)
		}
	}
}

func countCells(b bucketer, keys []string, cells int) []int {
	counts := make([]int, cells)
	for _, k := range keys {
		counts[b.of(k)*cells/whole]++
	}
	return counts
}

// of is the bucket of a key.
func (b *bucketer) of(key string) int {
	m := b.prefix
	write(&m, key)
	return bucketOf(m.sum())
}

// shareDeviation is how far the keys in the first cells are from their share, in standard deviations.
func shareDeviation(counts []int, cells, keys int) float64 {
	in := 0
	for _, count := range counts[:cells] {
		in += count
	}
	p := float64(cells) / float64(len(counts))
	return (float64(in) - p*float64(keys)) / math.Sqrt(p*(1-p)*float64(keys))
}

// TestFlagsAreIndependent compares, for each pair of flags at 10 % and at 50 %, the keys that are in both with what
// independence gives.
func TestFlagsAreIndependent(t *testing.T) {
	pairs := statisticFlags * (statisticFlags - 1) / 2
	limit := twoSided(alpha / float64(pairs*len(keyShapes)*2))
	for name, shape := range keyShapes {
		keys := shapeKeys(shape)
		for _, share := range []int{10_000, 50_000} {
			in, members := memberships(keys, share)
			worst, squares := 0.0, 0.0
			for i := range in {
				for j := range i {
					z := overlapDeviation(in[i], in[j], members[i], members[j], len(keys))
					worst, squares = max(worst, math.Abs(z)), squares+z*z
				}
			}
			t.Logf("%s at %d %%: %d pairs: worst |z| %.2f of %.2f allowed; mean square of z %.3f, 1 expected",
				name, share/1000, pairs, worst, limit, squares/float64(pairs))
			// The mean square of so many z scatters by less than 0.04; the worst pair alone says little of all of them.
			if worst > limit || math.Abs(squares/float64(pairs)-1) > 0.05 {
				t.Errorf("%s: who is in one flag's share says something about another's", name)
			}
		}
	}
}

// TestStatisticsSeeFaults gives the statistic of pairs what peers have shipped, as it must refuse it: one ranking of people for
// all flags, and one that each flag only turns by an offset.
func TestStatisticsSeeFaults(t *testing.T) {
	keys := shapeKeys(keyShapes["user-N"])
	ranking := newBucketer("", "")
	offsets := []int{0, 3_000, 50_000}
	in, members := make([][]uint64, len(offsets)), make([]int, len(offsets))
	for n, offset := range offsets {
		in[n] = make([]uint64, (len(keys)+63)/64)
		for i, k := range keys {
			if (ranking.of(k)+offset)%whole < 10_000 {
				in[n][i/64] |= 1 << (i % 64)
				members[n]++
			}
		}
	}
	for n := range offsets {
		if z := overlapDeviation(in[0], in[n], members[0], members[n], len(keys)); math.Abs(z) < 10 {
			t.Errorf("a ranking turned by %d buckets is %.1f standard deviations from independence, want far more", offsets[n], z)
		}
	}
}

// memberships gives, for each flag, the set of keys in its share as bits, and how many they are.
func memberships(keys []string, share int) (in [][]uint64, members []int) {
	in, members = make([][]uint64, statisticFlags), make([]int, statisticFlags)
	eachFlag(func(n int) {
		b := shareOf(n)
		set := make([]uint64, (len(keys)+63)/64)
		for i, k := range keys {
			if b.of(k) < share {
				set[i/64] |= 1 << (i % 64)
				members[n]++
			}
		}
		in[n] = set
	})
	return in, members
}

// overlapDeviation is how far the number of common keys is from that of two independent sets of these sizes (a hypergeometric
// distribution), in standard deviations.
func overlapDeviation(a, b []uint64, membersA, membersB, keys int) float64 {
	both := 0
	for i := range a {
		both += bits.OnesCount64(a[i] & b[i])
	}
	n, k, m := float64(keys), float64(membersA), float64(membersB)
	mean := k * m / n
	return (float64(both) - mean) / math.Sqrt(mean*(1-k/n)*(n-m)/(n-1))
}

// wilsonHilferty turns a chi-square statistic into a normal deviate (Wilson and Hilferty, 1931).
func wilsonHilferty(square float64, degrees int) float64 {
	d := 2 / (9 * float64(degrees))
	return (math.Cbrt(square/float64(degrees)) - (1 - d)) / math.Sqrt(d)
}

// twoSided is how many standard deviations a normal variable exceeds with probability p, on either side.
func twoSided(p float64) float64 { return math.Sqrt2 * math.Erfcinv(p) }

func maxOf(values []float64) float64 {
	most := values[0]
	for _, v := range values {
		most = max(most, v)
	}
	return most
}
