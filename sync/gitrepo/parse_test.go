package gitrepo

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

func TestParseLocation(t *testing.T) {
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ address, name, protocol, host, path, user, password string }{
		{address: ".", name: here},
		{address: "/srv/flags.git", name: "/srv/flags.git"},
		{address: "./a:b", name: filepath.Join(here, "a:b")},
		{address: "/a@b:c", name: "/a@b:c"},
		{address: "file:///srv/flags", name: "/srv/flags"},
		{address: "file://localhost/srv/flags", name: "/srv/flags"},
		{"git@github.com:org/repo.git", "github.com:org/repo.git", "ssh", "github.com", "org/repo.git", "git", ""},
		{"host:/srv/x", "host:/srv/x", "ssh", "host", "/srv/x", "", ""},
		{"[::1]:x", "[::1]:x", "ssh", "::1", "x", "", ""},
		{"ssh://u@host:2222/x", "ssh://host:2222/x", "ssh", "host", "/x", "u", ""},
		{"https://host/x.git", "https://host/x.git", "https", "host", "/x.git", "", ""},
		{"https://u:p%40ss@host/x", "https://host/x", "https", "host", "/x", "u", "p@ss"},
		{"http://token@host:8080/x", "http://host:8080/x", "http", "host", "/x", "token", ""},
	} {
		l, err := parseLocation(test.address)
		if err != nil {
			t.Errorf("%s: %v", test.address, err)
			continue
		}
		if l.name != test.name || l.user != test.user || l.password != test.password {
			t.Errorf("%s: got %+v", test.address, l)
		}
		if test.protocol == "" {
			if l.local != test.name || l.endpoint != nil {
				t.Errorf("%s: not local: %+v", test.address, l)
			}
			continue
		}
		e := l.endpoint
		if e.Protocol != test.protocol || e.Host != test.host || e.Path != test.path || e.User != "" || e.Password != "" {
			t.Errorf("%s: endpoint is %+v", test.address, e)
		}
	}
}

func FuzzParseLocation(f *testing.F) {
	for _, seed := range []string{"https://u:PASSWORD@h/x", "https://u:PASSWORD%@h/x", "ssh://PASSWORD@h", "u:PASSWORD@h:x", "https://u:PASSWORD@h:x/%zz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		l, err := parseLocation(address)
		if err == nil && l.endpoint == nil == (l.local == "") {
			t.Errorf("%q is neither local nor remote, or both: %+v", address, l)
		}
		if err == nil && l.password != "" && strings.Contains(l.name, "://"+l.user+":"+l.password+"@") {
			t.Errorf("%q: the name shows the password: %s", address, l.name)
		}
	})
}

func TestParseTree(t *testing.T) {
	hash := strings.Repeat("h", 20)
	for _, bad := range []string{
		"100644 a", "100644 a\x00short", "100644a\x00" + hash, "1009 a\x00" + hash, " a\x00" + hash, "100644 \x00" + hash,
		"40000 .\x00" + hash, "40000 ..\x00" + hash, "100644 a/b\x00" + hash, "100644 a\x00" + hash + "x",
	} {
		if entries, err := parseTree([]byte(bad)); err == nil {
			t.Errorf("%q is taken for %v", bad, entries)
		}
	}
	entries, err := parseTree([]byte("100664 a b\x00" + hash + "160000 m\x00" + hash))
	if err != nil || len(entries) != 2 || entries[0].name != "a b" || entries[0].mode != 0o444 || entries[1].mode.IsRegular() {
		t.Errorf("entries are %v, %v", entries, err)
	}
}

func FuzzParseTree(f *testing.F) {
	f.Add([]byte("100644 a\x00" + strings.Repeat("h", 20)))
	f.Fuzz(func(t *testing.T, content []byte) {
		entries, err := parseTree(content)
		if err != nil {
			return
		}
		for _, e := range entries {
			if e.name == "" || strings.Contains(e.name, "/") {
				t.Errorf("%q has an entry named %q", content, e.name)
			}
		}
	})
}

func FuzzParseParents(f *testing.F) {
	hash := strings.Repeat("0a", 20)
	f.Add([]byte("tree " + hash + "\nparent " + hash + "\nparent " + hash + "\nauthor"))
	f.Fuzz(func(t *testing.T, content []byte) {
		parents, err := parseParents(content)
		if n := strings.Count(string(content), "\nparent "); err == nil && len(parents) > n {
			t.Errorf("%d parents of %d in %q", len(parents), n, content)
		}
	})
}

func TestParseParents(t *testing.T) {
	a, b := strings.Repeat("0a", 20), strings.Repeat("0b", 20)
	parents, err := parseParents([]byte("tree " + a + "\nparent " + a + "\nparent " + b + "\nauthor x\n\nparent " + a))
	if err != nil || len(parents) != 2 || parents[0] != plumbing.NewHash(a) || parents[1] != plumbing.NewHash(b) {
		t.Errorf("parents are %v, %v", parents, err)
	}
	for _, bad := range []string{"", "tree " + a, "x\nparent " + a, "tree " + a + "\nparent 12\n"} {
		if parents, err := parseParents([]byte(bad)); err == nil {
			t.Errorf("%q has parents %v", bad, parents)
		}
	}
}

func TestSmallPacks(t *testing.T) {
	for _, test := range []struct {
		sizes []uint32
		join  int
	}{
		{[]uint32{4, 4, 4, 4, 1000}, 4},
		{[]uint32{1, 2, 4, 8, 16}, 5},
		{[]uint32{1, 2, 6, 18, 54}, 0},
		{[]uint32{4, 4, 4, 20, 1000}, 4},
		{[]uint32{4, 4, 4, 24, 1000}, 3},
		{[]uint32{5, 5}, 2},
	} {
		var packs []pack
		for _, n := range test.sizes {
			packs = append(packs, pack{objects: n})
		}
		if got := len(smallPacks(packs)); got != test.join {
			t.Errorf("of %v it joins %d, want %d", test.sizes, got, test.join)
		}
	}
}
