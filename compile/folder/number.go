package folder

import (
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"strconv"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// maxInteger is the greatest number up to which every client keeps integers exactly.
const maxInteger = 1 << 53

// reExponent finds exponents of four digits and more, which CUE itself reads wrongly when they are great enough.
var reExponent = regexp.MustCompile(`[eE][+-]?0*[1-9][0-9]{3,}`)

// number refuses number literals that not every client would read as the same number.
func (s *syntax) number(n *ast.BasicLit) {
	if n.Kind != token.INT && n.Kind != token.FLOAT {
		return
	}
	f, ok := parseNumber(n.Value)
	switch {
	case !ok:
		s.refuse(n.Pos(), "write it as a text in quotes", "the number %s is too large or too small to be kept exactly", shorten(n.Value))
	case math.Abs(f) > maxInteger:
		s.refuse(n.Pos(), "write it as a text in quotes", "the number %s is beyond 9007199254740992, so clients would round it", shorten(n.Value))
	case losesFraction(n.Value, f):
		s.refuse(n.Pos(), "write it as a text in quotes", "the number %s has more digits than clients keep, who would read it as the whole number %.0f", shorten(n.Value), f)
	}
}

// parseNumber reads a CUE number literal; ok is false if a float64 cannot hold anything near it. One beyond maxInteger is
// MaxFloat64, even if it rounds to maxInteger.
func parseNumber(text string) (f float64, ok bool) {
	r, ok := exactNumber(text)
	if !ok {
		return 0, false
	}
	f, _ = r.Float64()
	if math.IsInf(f, 0) || f == 0 && r.Sign() != 0 {
		return 0, false
	}
	if new(big.Rat).Abs(r).Cmp(big.NewRat(maxInteger, 1)) > 0 {
		return math.MaxFloat64, true
	}
	return f, true
}

// exactNumber reads a CUE number literal as it is; ok is false if it is too long for that.
func exactNumber(text string) (r *big.Rat, ok bool) {
	hex := len(text) > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')
	if !hex && reExponent.MatchString(text) || len(text) > 400 {
		return nil, false
	}
	var info literal.NumInfo
	if err := literal.ParseNum(text, &info); err != nil {
		return nil, false
	}
	return new(big.Rat).SetString(info.String())
}

// losesFraction tells whether a number that is not whole is read as the whole number f.
func losesFraction(text string, f float64) bool {
	r, ok := exactNumber(text)
	return ok && !r.IsInt() && f == math.Trunc(f)
}

// thousandths turns a percentage into thousandths of a percent; ok is false if it has more than three decimals.
func thousandths(n json.Number) (int, bool) {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return 0, false
	}
	r.Mul(r, big.NewRat(1000, 1))
	if !r.IsInt() {
		return 0, false
	}
	return int(r.Num().Int64()), true
}

// percent writes thousandths of a percent as people do.
func percent(n int) string {
	return strconv.FormatFloat(float64(n)/1000, 'f', -1, 64)
}

// plain turns what JSON was read into, numbers as [json.Number], into plain values with float64.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, _ := v.Float64() // the syntax check has refused what does not fit
		return f
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}
