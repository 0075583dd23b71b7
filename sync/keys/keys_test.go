package keys

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// made gives a new key, its text and a ring of it.
func made(t *testing.T, k Key) (*Key, string, *Ring) {
	t.Helper()
	key, text, err := New(k)
	if err != nil {
		t.Fatal(err)
	}
	line, err := key.Line()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(line, text[strings.Index(text, ".")+1:]) {
		t.Errorf("the line gives the key away: %s", line)
	}
	ring, err := Parse([]byte("# of the team\n\n" + line + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return &key, text, ring
}

func TestFind(t *testing.T) {
	expires := now.Add(time.Hour)
	key, text, ring := made(t, Key{Name: "checkout", Kind: Server, Environments: []string{"production"}, Flags: []string{"checkout.*"}, Expires: &expires})
	found, err := ring.Find(text, now)
	if err != nil || found.Name != "checkout" || !found.Reads("production") || found.Reads("staging") || !found.Sees("checkout.a") || found.Sees("search.a") {
		t.Errorf("found %+v, %v", found, err)
	}
	id, secret, _ := strings.Cut(text, ".")
	_, other, _ := made(t, Key{Name: "checkout", Kind: Server, Environments: []string{"*"}})
	for text, want := range map[string]error{
		"": ErrNone, id: ErrWrong, id + ".": ErrWrong, secret: ErrWrong, id + "." + secret[1:]: ErrWrong, other: ErrWrong, text + " ": ErrWrong,
		strings.ToUpper(id) + "." + secret: ErrWrong, key.Hash: ErrWrong, "." + secret: ErrWrong,
	} {
		if found, err := ring.Find(text, now); !errors.Is(err, want) || found != nil {
			t.Errorf("%q gives %+v, %v, want %v", text, found, err, want)
		}
	}
	if _, err := ring.Find(text, expires); !errors.Is(err, ErrExpired) {
		t.Errorf("an expired key gives %v", err)
	}
}

func TestKeysDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		key, text, _ := made(t, Key{Name: "a", Kind: Server, Environments: []string{"*"}})
		if len(text) < 50 || seen[text] || seen[key.ID] || seen[key.Hash] {
			t.Fatalf("key %q", text)
		}
		seen[text], seen[key.ID], seen[key.Hash] = true, true, true
	}
}

func TestStill(t *testing.T) {
	key, _, ring := made(t, Key{Name: "a", Kind: Server, Environments: []string{"production", "staging"}, Flags: []string{"a.*", "b"}})
	for name, tt := range map[string]struct {
		change func(k *Key)
		want   error
	}{
		"the same":                 {func(*Key) {}, nil},
		"in another order":         {func(k *Key) { k.Flags = []string{"b", "a.*"}; k.Name = "b" }, nil},
		"another environment less": {func(k *Key) { k.Environments = k.Environments[:1] }, nil},
		"its environment less":     {func(k *Key) { k.Environments = k.Environments[1:] }, ErrRevoked},
		"another secret":           {func(k *Key) { k.Hash = hash("other") }, ErrRevoked},
		"another id":               {func(k *Key) { k.ID = "other" }, ErrRevoked},
		"other flags":              {func(k *Key) { k.Flags = k.Flags[:1] }, ErrChanged},
		"another kind":             {func(k *Key) { k.Kind = Client }, ErrChanged},
		"expired":                  {func(k *Key) { k.Expires = &now }, ErrExpired},
	} {
		later := *key
		tt.change(&later)
		after := &Ring{map[string]*Key{later.ID: &later}}
		if err := after.Still(key, "production", now); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if ring.Len() != 1 {
		t.Errorf("%d keys", ring.Len())
	}
}

// TestParseRefuses shows that nothing in a file widens a key by mistake, and that no error quotes the file.
func TestParseRefuses(t *testing.T) {
	sum := "sha256:" + strings.Repeat("ab", 32)
	const rest = `"kind":"server","environments":["production"]`
	good := `{"id":"yk1","name":"secretive","hash":"` + sum + `",` + rest + `}`
	if _, err := Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                   "no keys",
		"# none\n":           "no keys",
		"secretive":          "line 1: a JSON object",
		good + "\n\n" + good: "line 3: an earlier line",
		good[:len(good)-1]:   "line 1: a JSON object",
		good + good:          "JSON object",
		strings.Replace(good, `"kind"`, `"flag":["a"],"kind"`, 1):                              "field other than",
		strings.Replace(good, `"kind"`, `"Flags":["a"],"kind"`, 1):                             "field other than",
		strings.Replace(good, `"kind"`, `"flags":null,"kind"`, 1):                              "flags: it is empty",
		strings.Replace(good, `"kind"`, `"flags":[],"kind"`, 1):                                "flags: it is empty",
		strings.Replace(good, `"kind"`, `"flags":"secretive","kind"`, 1):                       "not of the type",
		strings.Replace(good, `"kind"`, `"flags":["a b"],"kind"`, 1):                           "flags: a pattern",
		strings.Replace(good, `"kind"`, `"flags":[""],"kind"`, 1):                              "flags: a pattern",
		strings.Replace(good, `"kind"`, `"expires":"secretive","kind"`, 1):                     "not of the type",
		strings.Replace(good, `"kind"`, `"connections":-1,"kind"`, 1):                          "connections:",
		strings.Replace(good, "server", "admin", 1):                                            "kind:",
		strings.Replace(good, `["production"]`, `[""]`, 1):                                     "environments:",
		strings.Replace(good, `,"environments":["production"]`, ``, 1):                         "environments:",
		strings.Replace(good, sum, "secretive", 1):                                             "hash:",
		strings.Replace(good, "yk1", "secretive!", 1):                                          "id:",
		strings.Replace(good, `"secretive"`, `""`, 1):                                          "name:",
		strings.Replace(good, `"kind":"server"`, `"kind":"operator","flags":["secretive"]`, 1): "flags: an operator",
	} {
		_, err := Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n\tgives %v, want %q", text, err, want)
		} else if strings.Contains(err.Error(), "secretive") || strings.Contains(err.Error(), "abab") {
			t.Errorf("the error quotes the file: %v", err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"id":"yk1","name":"n","hash":"sha256:` + strings.Repeat("0", 64) + `","kind":"server","environments":["*"],"flags":["a.*"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		ring, err := Parse([]byte(text))
		if err != nil {
			return
		}
		for _, key := range ring.byID {
			line, err := key.Line()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := Parse([]byte(line)); err != nil || again.Still(key, key.Environments[0], time.Time{}) != nil {
				t.Errorf("%s is not what was read: %v", line, err)
			}
		}
	})
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"a.b", "a.b", true}, {"a.b", "a.bc", false}, {"*", "", true}, {"*", "a.b", true},
		{"a.*", "a.b", true}, {"a.*", "a.b.c", true}, {"a.*", "a", false}, {"a.*", "aa.b", false},
		{"*.b", "a.b", true}, {"*.b", "a.bc", false}, {"a*a", "a", false}, {"a*a", "aa", true},
		{"a*b*c", "axbxc", true}, {"a*b*c", "axc", false}, {"a*bc*c", "abc", false}, {"a**c", "ac", true},
	} {
		if got := match(tt.pattern, tt.text); got != tt.want {
			t.Errorf("match(%q, %q) = %t", tt.pattern, tt.text, got)
		}
	}
}

func TestScope(t *testing.T) {
	a, b := Key{Flags: []string{"b", "a", "b"}}, Key{Flags: []string{"a", "b"}}
	if a.Scope() != b.Scope() || a.Scope() == "" || (&Key{}).Scope() != "" {
		t.Errorf("scopes %q and %q", a.Scope(), b.Scope())
	}
}

func TestAttempts(t *testing.T) {
	var a Attempts
	fail := func(remote string, at time.Time) bool {
		wait, _ := a.Fail(remote, at)
		return wait > 0
	}
	for i := range maxFailures {
		if fail("192.0.2.1:1000", now) {
			t.Fatalf("refused after %d failures", i)
		}
	}
	if _, first := a.Fail("192.0.2.1:2000", now); !first {
		t.Error("the first one too many is not said to be that")
	}
	for range 1000 {
		if wait, first := a.Fail("[::ffff:192.0.2.1]:2000", now); wait <= 0 || first {
			t.Fatal("not refused, or said to be the first again")
		}
	}
	if fail("192.0.2.2:1000", now) {
		t.Error("another address pays for it")
	}
	if fail("192.0.2.1:1000", now.Add(2*refill)) {
		t.Error("refused after a pause")
	}
	for i := range maxFailures {
		fail(fmt.Sprintf("[2001:db8::%x]:1", i), now)
	}
	if !fail("[2001:db8::ffff]:1", now) || fail("[2001:db8:0:1::1]:1", now) {
		t.Error("a network of 64 bits is not one address")
	}
	for i := range 3 * maxAddresses {
		fail(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255), now)
	}
	if len(a.byFrom) != maxAddresses || a.recent.Len() != maxAddresses {
		t.Errorf("%d addresses are remembered", len(a.byFrom))
	}
}
