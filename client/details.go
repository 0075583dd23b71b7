package client

import (
	"fmt"

	"github.com/yardarm-io/yardarm/eval"
)

// Details is an answer with its reason, in OpenFeature's words.
type Details[T any] struct {
	Key string
	// Value is the flag's value, or the caller's fallback where Variant is "".
	Value T
	// Variant is the name of the variant served; "": the fallback was.
	Variant string
	Reason  eval.Reason
	// ErrorCode says, with Reason [eval.ReasonError] only, what stood in the way; ErrorMessage says it to people.
	ErrorCode    eval.ErrorCode
	ErrorMessage string
	// Metadata names the snapshot that decided.
	Metadata Metadata
}

// Metadata is OpenFeature's flag metadata, which its telemetry hooks carry on: each answer names the commit behind it.
type Metadata struct {
	// Version is the revision of the snapshot: a Git commit. "": there was no snapshot.
	Version string `json:"version,omitempty"`
	// FlagSetID is the environment.
	FlagSetID string `json:"flagSetId"`
	// Held is who keeps the flag off at the server, since when, until when and why; nil: nobody does. It must not be changed.
	Held *eval.Held `json:"held,omitempty"`
}

// BoolDetails is [Client.Bool] with the reason for its answer.
func (c *Client) BoolDetails(key string, ec Context, fallback bool) Details[bool] {
	return explain(c, key, ec, fallback, asBool, "a boolean")
}

// StringDetails is [Client.String] with the reason for its answer.
func (c *Client) StringDetails(key string, ec Context, fallback string) Details[string] {
	return explain(c, key, ec, fallback, asString, "a string")
}

// IntDetails is [Client.Int] with the reason for its answer.
func (c *Client) IntDetails(key string, ec Context, fallback int64) Details[int64] {
	return explain(c, key, ec, fallback, asInt, "an integer")
}

// FloatDetails is [Client.Float] with the reason for its answer.
func (c *Client) FloatDetails(key string, ec Context, fallback float64) Details[float64] {
	return explain(c, key, ec, fallback, asFloat, "a number")
}

// ObjectDetails is [Client.Object] with the reason for its answer.
func (c *Client) ObjectDetails(key string, ec Context, fallback map[string]any) Details[map[string]any] {
	return explain(c, key, ec, fallback, asObject, "an object")
}

func explain[T any](c *Client, key string, ec Context, fallback T, as func(any) (T, bool), want string) Details[T] {
	r, s := c.decide(key, ec)
	d := Details[T]{Key: key, Value: fallback, Reason: r.Reason, Metadata: c.metadata(s, key)}
	if value, ok := as(r.Value); ok {
		d.Value, d.Variant = value, r.Variant
		return d
	}
	code := failure(s, key, r, as)
	if code == "" {
		return d
	}
	c.misses.note(key, code)
	d.Reason, d.ErrorCode, d.ErrorMessage = eval.ReasonError, code, r.ErrorMessage
	switch {
	case code == eval.CodeTypeMismatch:
		d.ErrorMessage = fmt.Sprintf("flag %q has values of type %s and was asked for as %s", key, s.Flag(key).Type, want)
	case s == nil:
		d.ErrorMessage = "no snapshot has come yet"
	}
	return d
}

func (c *Client) metadata(s *eval.Snapshot, key string) Metadata {
	m := Metadata{FlagSetID: c.cfg.Environment}
	if s == nil {
		return m
	}
	m.Version = s.At().Revision
	if f := s.Flag(key); f != nil {
		m.Held = f.Held
	}
	return m
}
