package diff

import (
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// exact is the least magnitude of floats that are all integral and have no text to bucket by.
const exact = 1 << 53

// numbers adds the cells of numbers: each constant that numbers are compared with, and what lies between two of them,
// integral or not, and with a text to bucket by or not.
func (f *finder) numbers() {
	for _, cut := range f.cuts {
		f.number(cut)
	}
	low := math.Inf(-1)
	for _, high := range append(slices.Clone(f.cuts), math.Inf(1)) {
		for _, v := range between(low, high) {
			f.add(v)
			f.literals(v)
		}
		low = high
	}
	for text := range f.named {
		if n, err := strconv.ParseFloat(text, 64); err == nil && isInteger(text) && math.Abs(n) >= exact {
			f.addConstant(json.Number(text))
		}
	}
}

// number adds a constant in all forms in which a context can hold it.
func (f *finder) number(v float64) {
	if text, ok := keyText(v); ok && f.named[text] {
		f.addConstant(v)
		return
	}
	c := f.add(v)
	if slices.Contains(f.scalars, any(v)) {
		c.values = append(c.values, v)
	}
	f.literals(v)
}

// numericCuts are the constants that numbers are compared with, in order.
func (f *finder) numericCuts() []float64 {
	var cuts []float64
	for _, v := range slices.Concat(f.scalars, f.ordered) {
		if n, ok := v.(float64); ok {
			cuts = append(cuts, n+0) // no minus zero
		}
	}
	for text := range f.named {
		if n, err := strconv.ParseFloat(text, 64); err == nil && isInteger(text) {
			cuts = append(cuts, n)
		}
	}
	slices.Sort(cuts)
	return slices.Compact(cuts)
}

// between gives numbers strictly between two: integral and not, small and large, one of each sort if there is one.
func between(low, high float64) []float64 {
	candidates := []float64{0, 0.5, 1, -1, exact, -exact, 1e300, -1e300}
	for _, end := range []float64{low, high} {
		if math.IsInf(end, 0) {
			continue
		}
		up, down := math.Nextafter(end, math.Inf(1)), math.Nextafter(end, math.Inf(-1))
		candidates = append(candidates, math.Floor(end)+1, math.Ceil(end)-1, math.Floor(end)+0.5, math.Ceil(end)-0.5, up, down,
			math.Nextafter(up, math.Inf(1)), math.Nextafter(down, math.Inf(-1)), low+(high-low)/2)
	}
	seen := map[[2]bool]bool{}
	return slices.DeleteFunc(candidates, func(v float64) bool {
		sort := [2]bool{v == math.Trunc(v), math.Abs(v) < exact}
		if math.IsNaN(v) || v <= low || v >= high || seen[sort] {
			return true
		}
		seen[sort] = true
		return false
	})
}

// literals adds an integer without text to bucket by as JSON may write it, in all digits, which is one; and its neighbours,
// which may count as the same number.
func (f *finder) literals(v float64) {
	if math.Abs(v) < exact {
		return
	}
	n, _ := big.NewFloat(v).Int(nil)
	for _, near := range []int64{0, 1, -1} {
		f.add(json.Number(new(big.Int).Add(n, big.NewInt(near)).String()))
	}
}

// isInteger reports whether text is how JSON writes an integer.
func isInteger(text string) bool {
	text = strings.TrimPrefix(text, "-")
	if text == "" || text[0] == '0' && len(text) > 1 {
		return false
	}
	return strings.Trim(text, "0123456789") == ""
}
