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
	}
}

// parseNumber reads a CUE number literal; ok is false if a float64 cannot hold anything near it.
func parseNumber(text string) (f float64, ok bool) {
	hex := len(text) > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')
	if !hex && reExponent.MatchString(text) || len(text) > 400 {
		return 0, false
	}
	var info literal.NumInfo
	if err := literal.ParseNum(text, &info); err != nil {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(info.String())
	if !ok {
		return 0, false
	}
	f, _ = r.Float64()
	if math.IsInf(f, 0) || f == 0 && r.Sign() != 0 {
		return 0, false
	}
	if r.IsInt() && r.Num().BitLen() > 53 && new(big.Int).Abs(r.Num()).Cmp(big.NewInt(maxInteger)) > 0 {
		return math.MaxFloat64, true
	}
	return f, true
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
