package client

import (
	"math"
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// Context is an evaluation context: attributes by name, in OpenFeature's flattened form. nil is an empty one.
// The client reads it while it decides and keeps nothing of it.
type Context = eval.Context

// TargetingKey is the attribute that identifies whom is decided for, and what shares and splits bucket by.
const TargetingKey = eval.TargetingKey

// Bool answers a boolean flag. Like its sisters it never fails and never waits: it gives the fallback where the flag is
// unknown, is of another type, leaves the answer to the caller, or where no snapshot has come yet.
// [Client.BoolDetails] says which. It may be called at any time by any number of goroutines, also after Close, from when on
// the last snapshot answers.
func (c *Client) Bool(key string, ec Context, fallback bool) bool {
	return answer(c, key, ec, fallback, asBool)
}

// String answers a string flag: see [Client.Bool].
func (c *Client) String(key string, ec Context, fallback string) string {
	return answer(c, key, ec, fallback, asString)
}

// Int answers a number flag whose value is integral and below 2^53 in size, so that nothing is lost: see [Client.Bool].
// Of any other number it gives the fallback, as TYPE_MISMATCH.
func (c *Client) Int(key string, ec Context, fallback int64) int64 {
	return answer(c, key, ec, fallback, asInt)
}

// Float answers a number flag: see [Client.Bool].
func (c *Client) Float(key string, ec Context, fallback float64) float64 {
	return answer(c, key, ec, fallback, asFloat)
}

// Object answers an object flag, with a copy that is the caller's to change: see [Client.Bool].
func (c *Client) Object(key string, ec Context, fallback map[string]any) map[string]any {
	return answer(c, key, ec, fallback, asObject)
}

func answer[T any](c *Client, key string, ec Context, fallback T, as func(any) (T, bool)) T {
	r, s := c.decide(key, ec)
	if value, ok := as(r.Value); ok {
		return value
	}
	if code := failure(s, key, r, as); code != "" {
		c.misses.note(key, code)
	}
	return fallback
}

// decide asks the snapshot in hand, which is returned as well; nil: there is none.
func (c *Client) decide(key string, ec Context) (eval.Result, *eval.Snapshot) {
	h := c.held.Load()
	if h == nil {
		return eval.Result{Reason: eval.ReasonError, ErrorCode: eval.CodeProviderNotReady}, nil
	}
	return h.snapshot.Decide(key, ec, time.Time{}), h.snapshot
}

// failure says why r gives no value of the type that as reads; "": because the caller's own default was meant.
func failure[T any](s *eval.Snapshot, key string, r eval.Result, as func(any) (T, bool)) eval.ErrorCode {
	switch {
	case r.ErrorCode != "":
		return r.ErrorCode
	case r.Value != nil:
		return eval.CodeTypeMismatch
	}
	// Nothing was served; a wrong type is still a mistake, and better found before the flag is on.
	if f := s.Flag(key); f != nil {
		for _, v := range f.Variants {
			if _, ok := as(v); !ok {
				return eval.CodeTypeMismatch
			}
		}
	}
	return ""
}

func asBool(v any) (bool, bool) {
	b, ok := v.(bool)
	return b, ok
}

func asString(v any) (string, bool) {
	s, ok := v.(string)
	return s, ok
}

func asFloat(v any) (float64, bool) {
	f, ok := v.(float64)
	return f, ok
}

func asInt(v any) (int64, bool) {
	const limit = 1 << 53 // from here on float64 skips integers
	f, ok := v.(float64)
	if !ok || f != math.Trunc(f) || f <= -limit || f >= limit {
		return 0, false
	}
	return int64(f), true
}

func asObject(v any) (map[string]any, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	return clone(m).(map[string]any), true
}

// clone copies a JSON value deeply, so that a caller who changes it does not change the snapshot.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, value := range v {
			m[name] = clone(value)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, value := range v {
			l[i] = clone(value)
		}
		return l
	}
	return v
}
