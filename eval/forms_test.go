package eval

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// prepared makes a condition on a value ready.
func prepared(t testing.TB, condition string) *test {
	t.Helper()
	var c Condition
	if err := c.UnmarshalJSON([]byte(condition)); err != nil {
		t.Fatal(err)
	}
	m, err := (*Snapshot)(nil).Prepare(&c)
	if err != nil {
		t.Fatal(err)
	}
	return &m.test
}

// TestFormsNoAlloc asks each form that reads a string as something else, and those on lists, of fitting and of other values.
func TestFormsNoAlloc(t *testing.T) {
	long := strings.Repeat("x", 200)
	for condition, c := range map[string]struct{ yes, no []any }{
		`{"cidr":"10.0.0.0/8"}`:                       {[]any{"10.1.2.3"}, []any{"11.0.0.1", "::ffff:10.1.2.3", "localhost", "1.2.3", "fe80::1%eth0", 5, long}},
		`{"cidr":"2001:db8::/32"}`:                    {[]any{"2001:db8::1", "2001:DB8:0:0:0:0:0:1"}, []any{"10.0.0.1", "::1", "fe80::1%eth0"}},
		`{"version":">=2.4.0-rc.1 <3.0.0 || =4.0.0"}`: {[]any{"2.10.0", "2.4.0-rc.2+build.7", "4.0.0+x"}, []any{"2.4.0-beta", "3.0.0", "v2.4.0", "2.4", long, nil}},
		`{"time":{"after":"2026-01-01T00:00:00Z","before":"2027-01-01T00:00:00Z"}}`: {
			[]any{"2026-06-01T00:00:00+05:37", "2026-06-01T00:00:00.123456789Z", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
			[]any{"2027-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-06-01", long, time.Time{}, 2026}},
		`{"inSHA256":["` + hexSum(long) + `"]}`:          {[]any{long}, []any{"", "x", long + "x", 1}},
		`{"inFold":["ada@corp.example","` + long + `"]}`: {[]any{" Ada@CORP.example\n", strings.ToUpper(long)}, []any{"", "x", long + "X", true}},
		`{"has":"admin"}`:                      {[]any{[]string{"user", "admin"}, []any{1, "admin"}}, []any{[]string{"user"}, []any{}, "admin", nil}},
		`{"has":18}`:                           {[]any{[]any{18}, []any{"x", 18.0}}, []any{[]string{"18"}, 18}},
		`{"matchN":[{"ge":2},{"prefix":"a"}]}`: {[]any{[]string{"a", "ab", "b"}, []any{"a", "ab", 1}}, []any{[]string{"a", "b"}, "a"}},
		`{"matchN":[{"in":[0,2]},{"fields":{"a":{"gt":1}}}]}`:        {[]any{[]any{}, []any{map[string]any{"a": 2}, map[string]any{"a": 3.0}}}, []any{[]any{map[string]any{"a": 2}}}},
		`{"matchN":[{"eq":1},{"matchN":[{"eq":2},{"type":"any"}]}]}`: {[]any{[]any{[]string{"a", "b"}, []any{}}}, []any{[]any{[]any{1}}}},
	} {
		test := prepared(t, condition)
		ask := func(values []any, want bool) {
			for _, v := range values {
				if got := test.holds(v); got != want {
					t.Errorf("%s of %v: %v", condition, v, got)
				}
				if n := testing.AllocsPerRun(20, func() { test.holds(v) }); n != 0 {
					t.Errorf("%s of %v: %v allocations", condition, v, n)
				}
			}
		}
		ask(c.yes, true)
		ask(c.no, false)
	}
}

// BenchmarkForms asks each new form of a value that satisfies it; of long lists, of ten and of 10,000 values.
func BenchmarkForms(b *testing.B) {
	values := func(n int, quote func(i int) string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = strconv.Quote(quote(i))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	email := func(i int) string { return fmt.Sprintf("user-%d@corp.example", i) }
	digest := func(i int) string { return hexSum(email(i)) }
	for _, c := range []struct {
		name, condition string
		value           any
	}{
		{"CIDR4", `{"cidr":"10.0.0.0/8"}`, "10.1.2.3"},
		{"CIDR6", `{"cidr":"2001:db8::/32"}`, "2001:db8::1"},
		{"Version", `{"version":">=2.4.0 <3.0.0"}`, "2.10.3"},
		{"Time", `{"time":{"after":"2026-01-01T00:00:00Z"}}`, "2026-06-01T12:00:00Z"},
		{"Has", `{"has":"admin"}`, []string{"user", "admin"}},
		{"MatchN", `{"matchN":[{"ge":1},{"eq":"admin"}]}`, []any{"user", "admin"}},
		{"In/10", `{"in":` + values(10, email) + `}`, email(7)},
		{"In/10000", `{"in":` + values(10_000, email) + `}`, email(7)},
		{"InFold/10", `{"inFold":` + values(10, email) + `}`, " USER-7@corp.example"},
		{"InFold/10000", `{"inFold":` + values(10_000, email) + `}`, " USER-7@corp.example"},
		{"InSHA256/10", `{"inSHA256":` + values(10, digest) + `}`, email(7)},
		{"InSHA256/10000", `{"inSHA256":` + values(10_000, digest) + `}`, email(7)},
	} {
		b.Run(c.name, func(b *testing.B) {
			test := prepared(b, c.condition)
			if !test.holds(c.value) {
				b.Fatal("does not hold")
			}
			b.ReportAllocs()
			for b.Loop() {
				test.holds(c.value)
			}
		})
	}
}
