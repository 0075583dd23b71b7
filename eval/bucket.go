package eval

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// whole is all of something, in thousandths of a percent: shares, weights and buckets count in these.
const whole = 100_000

// Bucket gives the bucket, 0 to 99,999, of a text such as "salt:value": its murmur3_x86_32 with seed 0, times 100,000,
// divided by 2^32. It is the arithmetic named by [Bucketing].
func Bucket(text string) int {
	var m murmur
	write(&m, text)
	return bucketOf(m.sum())
}

func bucketOf(hash uint32) int { return int(uint64(hash) * whole >> 32) }

// hashed gives the hash state after text, to be continued with a value.
func hashed(text string) murmur {
	var m murmur
	write(&m, text)
	return m
}

// bucketer puts contexts into buckets by the value of one attribute.
type bucketer struct {
	by     string
	text   string // what is hashed before the value: "salt:", "salt:share:" or "layer:NAME:"
	prefix murmur // the hash state after text
}

func newBucketer(by, text string) bucketer {
	if by == "" {
		by = TargetingKey
	}
	return bucketer{by: by, text: text, prefix: hashed(text)}
}

// bucket gives the bucket of ec, and whether ec has a value to bucket by.
func (b *bucketer) bucket(ec Context) (int, bool) {
	var k key
	if !k.read(ec[b.by]) {
		return 0, false
	}
	m := b.prefix
	if k.n > 0 {
		write(&m, k.digits[:k.n])
	} else {
		write(&m, k.text)
	}
	return bucketOf(m.sum()), true
}

// key is the text by which a value is bucketed and targeted: a string that is not empty, or an integer in decimal.
type key struct {
	text   string
	digits [20]byte // the text, where n is not 0; kept here so that nothing is allocated
	n      int
}

// read reports whether v has such a text. A float64 of 2^53 or more has not: it may have lost digits on its way, and
// another engine, which was given them, would find another bucket.
func (k *key) read(v any) bool {
	switch v := v.(type) {
	case string:
		k.text = v
		return v != ""
	case int:
		return k.integer(int64(v))
	case float64:
		return k.float(v)
	case nil, bool:
		return false
	}
	return k.readOther(v)
}

func (k *key) readOther(v any) bool {
	if n, ok := v.(json.Number); ok {
		return k.literal(string(n))
	}
	if s := classify(v); s.kind == kindString {
		k.text = s.text
		return s.text != ""
	}
	switch v := pointed(reflect.ValueOf(v)); {
	case v.CanInt():
		return k.integer(v.Int())
	case v.CanUint():
		k.n = len(strconv.AppendUint(k.digits[:0], v.Uint(), 10))
		return true
	case v.CanFloat():
		return k.float(v.Float())
	}
	return false
}

func (k *key) integer(n int64) bool {
	k.n = len(strconv.AppendInt(k.digits[:0], n, 10))
	return true
}

func (k *key) float(f float64) bool {
	return f == math.Trunc(f) && math.Abs(f) < 1<<53 && k.integer(int64(f))
}

// literal reads a number as JSON writes it. An integer of any length is its own text.
func (k *key) literal(s string) bool {
	if !isNumber(s) {
		return false
	}
	if strings.ContainsAny(s, ".eE") || s == "-0" {
		f, err := strconv.ParseFloat(s, 64)
		return err == nil && k.float(f)
	}
	k.text = s
	return true
}

// String gives the text that read has found.
func (k *key) String() string {
	if k.n > 0 {
		return string(k.digits[:k.n])
	}
	return k.text
}
