package client_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/client/clienttest"
	"github.com/yardarm-io/yardarm/eval"
)

// answers is what all getters say of a flag, with fallbacks that no flag has.
type answers struct {
	Bool   bool
	String string
	Int    int64
	Float  float64
	Object map[string]any
}

var fallbacks = answers{true, "fallback", -1, -1.5, map[string]any{"fallback": true}}

func ask(c *client.Client, key string, ec client.Context) answers {
	return answers{
		c.Bool(key, ec, fallbacks.Bool), c.String(key, ec, fallbacks.String), c.Int(key, ec, fallbacks.Int),
		c.Float(key, ec, fallbacks.Float), c.Object(key, ec, fallbacks.Object),
	}
}

// but is the fallbacks with some changed.
func but(change func(*answers)) answers {
	a := fallbacks
	change(&a)
	return a
}

func TestGetters(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("bool", false)
	server.Set("string", "x")
	server.Set("int", 7)
	server.Set("negative", -3)
	server.Set("fraction", 2.5)
	server.Set("largest", 1<<53-1)
	server.Set("too-large", float64(1<<53))
	server.Set("enormous", 1e300)
	server.Set("object", map[string]any{"a": map[string]any{"b": []any{1.0, "x"}}})
	silent := onOff("silent", true)
	silent.Enabled = false
	server.SetFlag(silent)
	off := "off"
	held := onOff("off", true)
	held.Enabled, held.Off = false, &off
	server.SetFlag(held)
	c := server.Client(t)

	for key, want := range map[string]answers{
		"bool":      but(func(a *answers) { a.Bool = false }),
		"string":    but(func(a *answers) { a.String = "x" }),
		"int":       but(func(a *answers) { a.Int, a.Float = 7, 7 }),
		"negative":  but(func(a *answers) { a.Int, a.Float = -3, -3 }),
		"fraction":  but(func(a *answers) { a.Float = 2.5 }),
		"largest":   but(func(a *answers) { a.Int, a.Float = 1<<53-1, 1<<53-1 }),
		"too-large": but(func(a *answers) { a.Float = 1 << 53 }),
		"enormous":  but(func(a *answers) { a.Float = 1e300 }),
		"object":    but(func(a *answers) { a.Object = map[string]any{"a": map[string]any{"b": []any{1.0, "x"}}} }),
		"silent":    fallbacks,
		"off":       but(func(a *answers) { a.Bool = false }),
		"unknown":   fallbacks,
		"too large": fallbacks,
		"":          fallbacks,
	} {
		for _, ec := range []client.Context{nil, {}, {client.TargetingKey: "a", "odd": func() {}, "nan": math.NaN()}} {
			if got := ask(c, key, ec); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, want %+v", key, got, want)
			}
		}
	}
}

func TestObjectIsACopy(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("object", map[string]any{"a": []any{map[string]any{"b": 1}}})
	c := server.Client(t)
	got := c.Object("object", nil, nil)
	got["a"].([]any)[0].(map[string]any)["b"] = 2.0
	got["more"] = true
	if again := c.Object("object", nil, nil); !reflect.DeepEqual(again, map[string]any{"a": []any{map[string]any{"b": 1.0}}}) {
		t.Errorf("a caller changed the flag: %v", again)
	}
}

func TestDetails(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("bool", true)
	server.Set("number", 2.5)
	disabled := onOff("disabled", true)
	disabled.Enabled = false
	server.SetFlag(disabled)
	rule := onOff("rule", false)
	rule.Rules = []eval.Rule{{Name: "pro", When: &eval.Condition{Op: eval.OpFields, Fields: []eval.Field{
		{Name: "plan", Condition: eval.Condition{Op: eval.OpEq, Value: "pro"}}}}, Outcome: eval.Outcome{Serve: "on"}}}
	server.SetFlag(rule)
	c := server.Client(t)
	metadata := client.Metadata{Version: server.Snapshot().At().Revision, FlagSetID: clienttest.Environment}

	pro := client.Context{"plan": "pro"}
	for _, test := range []struct {
		got, want client.Details[bool]
	}{
		{c.BoolDetails("bool", nil, false), client.Details[bool]{Value: true, Variant: "on", Reason: eval.ReasonStatic}},
		{c.BoolDetails("rule", pro, false), client.Details[bool]{Value: true, Variant: "on", Reason: eval.ReasonTargetingMatch}},
		{c.BoolDetails("rule", nil, true), client.Details[bool]{Value: false, Variant: "off", Reason: eval.ReasonDefault}},
		{c.BoolDetails("disabled", nil, true), client.Details[bool]{Value: true, Reason: eval.ReasonDisabled}},
		{c.BoolDetails("unknown", nil, true), client.Details[bool]{Value: true, Reason: eval.ReasonError, ErrorCode: eval.CodeFlagNotFound}},
		{c.BoolDetails("number", nil, true), client.Details[bool]{Value: true, Reason: eval.ReasonError, ErrorCode: eval.CodeTypeMismatch}},
	} {
		if failed := test.want.ErrorCode != ""; failed != (test.got.ErrorMessage != "") {
			t.Errorf("%s: message %q", test.got.Key, test.got.ErrorMessage)
		}
		test.want.Key, test.want.ErrorMessage, test.want.Metadata = test.got.Key, test.got.ErrorMessage, metadata
		if test.got != test.want {
			t.Errorf("got  %+v\nwant %+v", test.got, test.want)
		}
	}
	for key, code := range map[string]eval.ErrorCode{
		"string": c.StringDetails("bool", nil, "").ErrorCode,
		"int":    c.IntDetails("number", nil, 0).ErrorCode,
		"float":  c.FloatDetails("bool", nil, 0).ErrorCode,
		"object": c.ObjectDetails("bool", nil, nil).ErrorCode,
		// A wrong type shows even while the flag leaves the answer to the caller.
		"disabled": c.StringDetails("disabled", nil, "").ErrorCode,
	} {
		if code != eval.CodeTypeMismatch {
			t.Errorf("%s asked of another type: code %q", key, code)
		}
	}
	if d := c.FloatDetails("number", nil, 0); d.Value != 2.5 || d.Variant != "value" {
		t.Errorf("float: %+v", d)
	}
}

func TestNotReady(t *testing.T) {
	c := start(t, client.Config{DialContext: unreachable})
	if got := ask(c, "a", nil); !reflect.DeepEqual(got, fallbacks) {
		t.Errorf("got %+v", got)
	}
	d := c.BoolDetails("a", nil, true)
	want := client.Details[bool]{Key: "a", Value: true, Reason: eval.ReasonError, ErrorCode: eval.CodeProviderNotReady,
		ErrorMessage: d.ErrorMessage, Metadata: client.Metadata{FlagSetID: environment}}
	if d != want || d.ErrorMessage == "" {
		t.Errorf("got %+v", d)
	}
	if misses := c.Misses(); len(misses) != 0 {
		t.Errorf("counted as the caller's mistakes: %v", misses)
	}
	await(t, c, "error", func(s client.Status) bool { return s.Err != "" })
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := c.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no route to host") {
		t.Errorf("Ready: %v", err)
	}
}

// A flag that a later version of the language wrote answers its callers' fallbacks, and takes no other flag with it.
func TestFlagOfALaterVersion(t *testing.T) {
	later := onOff("later", true)
	later.Rules = []eval.Rule{{Name: "x", When: &eval.Condition{Op: "moonPhase", Text: "full"}, Outcome: eval.Outcome{Serve: "off"}}}
	good := snapshotOf(t, environment, 1, onOff("a", true))
	lines := [][]byte{}
	for _, line := range good.Items() {
		lines = append(lines, line)
	}
	lines = append(lines, []byte(`flag later {"enabled":true,"off":"off","rules":[{"name":"x","serve":"off","when":{"moonPhase":"full"}}],"serve":"on","type":"boolean","variants":{"off":false,"on":true}}`))
	s, err := eval.New(eval.At{Revision: "r", Generation: 1}, lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, client.Config{BootstrapFile: fileOf(t, s), DialContext: unreachable})
	if d := c.BoolDetails("later", nil, true); !d.Value || d.ErrorCode != eval.CodeParseError || d.ErrorMessage == "" {
		t.Errorf("got %+v", d)
	}
	if !c.Bool("a", nil, false) {
		t.Error("the other flag is gone")
	}
}

func TestMisses(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("number", 2.5)
	var book logBook
	cfg := server.Config()
	cfg.Logger = book.logger()
	c := start(t, cfg)
	if err := c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	secret := client.Context{client.TargetingKey: "alice@corp.example"}
	for range 3 {
		c.Bool("unknown", secret, false)
	}
	c.Int("number", secret, 0)
	c.Float("number", secret, 0)
	c.BoolDetails("another", secret, false)
	want := []client.Miss{{"another", eval.CodeFlagNotFound, 1}, {"number", eval.CodeTypeMismatch, 1}, {"unknown", eval.CodeFlagNotFound, 3}}
	if got := c.Misses(); !reflect.DeepEqual(got, want) {
		t.Errorf("misses %v, want %v", got, want)
	}
	for i := range 2000 {
		c.Bool("made-up-"+strings.Repeat("x", i), nil, false)
	}
	if n := len(c.Misses()); n != 1000 {
		t.Errorf("%d misses are told apart", n)
	}
	finish(t, c)
	if n := book.count("level=WARN", "fallback", "flag=unknown", "FLAG_NOT_FOUND"); n != 1 {
		t.Errorf("the unknown flag was logged %d times", n)
	}
	if book.count("alice") != 0 {
		t.Error("an evaluation context was logged")
	}
}

func TestGettersNoAlloc(t *testing.T) {
	server := clienttest.NewServer(t)
	server.Set("bool", true)
	server.Set("string", "x")
	server.Set("number", 7)
	c := server.Client(t)
	ec := client.Context{client.TargetingKey: "user-1", "plan": "pro"}
	for name, ask := range map[string]func(){
		"Bool":             func() { c.Bool("bool", ec, false) },
		"String":           func() { c.String("string", ec, "") },
		"Int":              func() { c.Int("number", ec, 0) },
		"Float":            func() { c.Float("number", ec, 0) },
		"BoolDetails":      func() { c.BoolDetails("bool", ec, false) },
		"Bool, unknown":    func() { c.Bool("unknown", ec, false) },
		"Bool, wrong type": func() { c.Bool("string", ec, false) },
	} {
		if n := testing.AllocsPerRun(1000, ask); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkBool(b *testing.B) {
	server := clienttest.NewServer(b)
	server.Set("bool", true)
	c := server.Client(b)
	ec := client.Context{client.TargetingKey: "user-1"}
	b.ReportAllocs()
	for b.Loop() {
		c.Bool("bool", ec, false)
	}
}

// TestHeld shows that each answer of a held flag says who holds it and why, and that of no other does.
func TestHeld(t *testing.T) {
	server := clienttest.NewServer(t)
	off, until := "off", time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)
	want := eval.Held{ID: "h", By: "ada (oncall)", Reason: "cards fail", Since: until.Add(-8 * time.Hour), Until: &until}
	held := onOff("held", true)
	held.Off, held.Held = &off, &want
	server.SetFlag(held)
	server.SetFlag(onOff("free", true))
	c := server.Client(t)
	d := c.BoolDetails("held", nil, true)
	if d.Value || d.Reason != eval.ReasonDisabled || d.Metadata.Held == nil || !reflect.DeepEqual(*d.Metadata.Held, want) {
		t.Errorf("a held flag answers %+v, held by %+v", d, d.Metadata.Held)
	}
	for _, key := range []string{"free", "nobody's"} {
		if d := c.BoolDetails(key, nil, true); d.Metadata.Held != nil {
			t.Errorf("%s is held by %+v", key, d.Metadata.Held)
		}
	}
}
