package daemon_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/sync/daemon"
	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// signing is a remote whose commits are signed, or not, and a file of those who may.
type signing struct {
	*remote
	file     string            // of the signers
	keys     map[string]string // the files of private keys, by name
	publics  map[string]string // their public lines
	previous int               // the share committed last
}

func newSigning(t *testing.T, names ...string) *signing {
	t.Helper()
	s := &signing{
		remote: newRemote(t), file: filepath.Join(t.TempDir(), "signers"), keys: map[string]string{}, publics: map[string]string{}, previous: 20,
	}
	for _, name := range names {
		s.keys[name] = filepath.Join(t.TempDir(), "id")
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", s.keys[name]).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		text, err := os.ReadFile(s.keys[name] + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		s.publics[name] = strings.TrimSpace(string(text))
	}
	s.trust(names...)
	return s
}

// trust names those who may sign.
func (s *signing) trust(names ...string) {
	s.t.Helper()
	text := "# who may\n"
	for _, name := range names {
		text += name + "@corp.example " + s.publics[name] + "\n"
	}
	replace(s.t, s.file, text)
}

// by has a commit of other flags signed by somebody, or by nobody, and pushed.
func (s *signing) by(name string) string {
	s.t.Helper()
	s.previous++
	return s.byWith(name, map[string]string{compiletest.File(0, 1): compiletest.Flag(compiletest.Key(0, 1), s.previous)})
}

func (s *signing) byWith(name string, files map[string]string) string {
	s.t.Helper()
	s.Commit("by "+name, files)
	if name != "" {
		s.sign(name, "commit", "-q", "--amend", "--no-edit", "-S")
	}
	s.Git("push", "-q", "origin", "HEAD")
	s.commits = append(s.commits, s.Head())
	return s.Head()
}

func (s *signing) sign(name string, args ...string) {
	s.t.Helper()
	s.Git(append([]string{"-c", "gpg.format=ssh", "-c", "user.signingkey=" + s.keys[name]}, args...)...)
}

func (s *signing) start() (*daemon.Daemon, func()) {
	s.t.Helper()
	return start(s.t, s.config())
}

func (s *signing) config() daemon.Config {
	return daemon.Config{
		Repository: gitrepo.Config{URL: s.URL, Dir: filepath.Join(s.dir, "mirror")}, StateDir: s.dir, Poll: 20 * time.Millisecond, SignersFile: s.file,
	}
}

func stands(served, refused string) func(daemon.Status) bool {
	return func(s daemon.Status) bool {
		return serves(served)(s) && (refused == "" && s.Refused == nil || refused != "" && refuses(refused)(s))
	}
}

// TestSigned follows commits that are signed by who may, by others, and by nobody.
func TestSigned(t *testing.T) {
	s := newSigning(t, "ada", "eve")
	s.trust("ada")
	first := s.by("ada")
	d, stop := s.start()
	eventually(t, d, "served", stands(first, ""))
	forged := s.by("eve")
	status := eventually(t, d, "refused", stands(first, forged))
	if why := status.Refused.String(); !strings.Contains(why, "only signed commits are published, and this one is refused: it is signed by a key that is not one of those required: the SSH key SHA256:") {
		t.Error(why)
	}
	unsigned := s.by("")
	status = eventually(t, d, "refused", stands(first, unsigned))
	if why := status.Refused.String(); !strings.Contains(why, "this one is refused: it is not signed") {
		t.Error(why)
	}
	if text := metricsOf(t, d); !strings.Contains(text, "\nyardarm_commit_refused 1") {
		t.Error("the metrics do not tell of it")
	}
	second := s.by("ada")
	eventually(t, d, "served", stands(second, ""))
	last := s.by("")
	eventually(t, d, "refused", stands(second, last))
	stop()
	if got, want := told(t, s.dir, s.commits...), "published 1, refused 2, refused 3, published 4, refused 5"; got != want {
		t.Errorf("the log tells %s, want %s", got, want)
	}
	if e := entries(t, s.dir)[0]; !strings.HasPrefix(e.Signer, "ada@corp.example (SSH key SHA256:") {
		t.Errorf("%+v", e)
	}
	// After a restart, without the repository too, and on another machine.
	s.Stop()
	d, stop = s.start()
	if status := d.Status(); !serves(second)(status) {
		t.Errorf("from the disk: %+v", status.Environments)
	}
	s.Start()
	eventually(t, d, "refused", stands(second, last))
	stop()
	s.dir = t.TempDir()
	d, _ = s.start()
	eventually(t, d, "the newest signed one", stands(second, last))
}

// TestNothingSigned has no commit that may be published.
func TestNothingSigned(t *testing.T) {
	s := newSigning(t, "ada")
	d, _ := s.start()
	status := eventually(t, d, "refused", refuses(s.commits[0]))
	if status.Ready || len(status.Environments) > 0 {
		t.Errorf("ready with %+v", status.Environments)
	}
}

// TestManyUnsigned finds the newest signed commit far back.
func TestManyUnsigned(t *testing.T) {
	s := newSigning(t, "ada")
	signed := s.by("ada")
	for range 150 { // more than are compiled
		s.Commit("unsigned", nil)
	}
	s.Git("push", "-q", "origin", "HEAD")
	d, _ := s.start()
	eventually(t, d, "served", stands(signed, s.Head()))
}

// TestSignedLater demands signatures of a daemon that has served without.
func TestSignedLater(t *testing.T) {
	s := newSigning(t, "ada")
	signed := s.by("ada")
	unsigned := s.by("")
	config := s.config()
	config.SignersFile = ""
	d, stop := start(t, config)
	eventually(t, d, "served", stands(unsigned, ""))
	stop()
	s.Stop()
	d, _ = s.start()
	if status := d.Status(); status.Ready || len(status.Environments) > 0 {
		t.Errorf("what lies on the disk is served unsigned: %+v", status.Environments)
	}
	s.Start()
	eventually(t, d, "the signed one", stands(signed, unsigned))
}

// TestSignersChange adds somebody, takes somebody away, and breaks the file.
func TestSignersChange(t *testing.T) {
	s := newSigning(t, "ada", "bob")
	s.trust("ada")
	first := s.by("ada")
	second := s.by("bob")
	d, stop := s.start()
	eventually(t, d, "refused", stands(first, second))
	s.trust("ada", "bob")
	eventually(t, d, "served", stands(second, ""))

	replace(t, s.file, "ada@corp.example nonsense\n")
	status := eventually(t, d, "told of", func(s daemon.Status) bool { return len(s.Unread) == 1 })
	if why := status.Unread[0].Error; !strings.Contains(why, "line 1: neither an OpenPGP key nor") {
		t.Error(why)
	}
	third := s.by("bob")
	eventually(t, d, "served", stands(third, ""))
	// What somebody signed who may no more stays, and the next one of theirs is refused.
	s.trust("ada")
	eventually(t, d, "good again", func(s daemon.Status) bool { return len(s.Unread) == 0 })
	eventually(t, d, "served still", stands(third, ""))
	fourth := s.by("bob")
	eventually(t, d, "refused", stands(third, fourth))
	stop()
	d, _ = s.start()
	eventually(t, d, "refused after a restart", func(st daemon.Status) bool { return stands(third, fourth)(st) && verified(st) })
	eventually(t, d, "served", stands(s.by("ada"), ""))
}

func TestSignersFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "signers")
	for text, want := range map[string]string{"": "there are no keys in it", "x": "line 1: neither"} {
		replace(t, file, text)
		_, err := daemon.New(daemon.Config{Repository: gitrepo.Config{URL: t.TempDir()}, Listen: "127.0.0.1:0", SignersFile: file})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := daemon.New(daemon.Config{Worktree: t.TempDir(), SignersFile: file}); err == nil || !strings.Contains(err.Error(), "only commits are signed") {
		t.Error(err)
	}
}

// TestSignedMerge merges what nobody signed: who signs the merge answers for the tree that it makes.
func TestSignedMerge(t *testing.T) {
	s := newSigning(t, "ada")
	first := s.by("ada")
	d, _ := s.start()
	eventually(t, d, "served", stands(first, ""))
	s.Git("checkout", "-q", "-b", "side")
	s.Commit("by nobody", map[string]string{compiletest.File(0, 1): compiletest.Flag(compiletest.Key(0, 1), 99)})
	s.Git("checkout", "-q", "main")
	s.sign("ada", "merge", "-q", "--no-ff", "-S", "-m", "merge", "side")
	s.Git("push", "-q", "origin", "HEAD")
	eventually(t, d, "served", stands(s.Head(), ""))
	s.Git("checkout", "-q", "side")
	s.Commit("by nobody again", nil)
	s.Git("checkout", "-q", "main")
	merge := s.Head()
	s.Git("merge", "-q", "--no-ff", "-m", "merge by nobody", "side")
	s.Git("push", "-q", "origin", "HEAD")
	eventually(t, d, "refused", stands(merge, s.Head()))
}

// TestSignedFolderLags takes a folder that does not compile from a commit that is signed, never from one that is not.
func TestSignedFolderLags(t *testing.T) {
	flagOf := func(serve string) map[string]string {
		return map[string]string{"flags/lab/a.cue": fmt.Sprintf(
			"package flags\n\nflags: \"lab.a\": {\n\tdescription: \"d\", owner: \"o\", kind: \"ops\"\n\tenvironments: production: {serve: %q}\n}\n", serve)}
	}
	s := newSigning(t, "ada")
	signed := s.byWith("ada", flagOf("on"))
	s.byWith("", flagOf("off")) // it compiles, and nobody answers for it
	s.byWith("", map[string]string{"README.md": "more"})
	broken := s.byWith("ada", map[string]string{"flags/lab/a.cue": "package flags\n\nflags: {"})
	check := func() {
		t.Helper()
		d, stop := s.start()
		status := eventually(t, d, "served", stands(broken, ""))
		if l := status.Lagging; len(l) != 1 || l[0].Folder != "flags/lab" || l[0].Revision != signed {
			t.Errorf("%+v, want flags/lab as at %s", l, signed)
		}
		stop()
	}
	check()
	s.dir = t.TempDir()
	check()
	// Of the same content the newest signed one counts, though a newer unsigned one had it before.
	s.byWith("", flagOf("off"))
	again := s.byWith("ada", map[string]string{"README.md": "of what nobody signed"})
	broken = s.byWith("ada", map[string]string{"flags/lab/a.cue": "package flags\n\nflags: {{"})
	signed = again
	check()
	s.dir = t.TempDir()
	check()
}

// TestSignedUnderPath wants a signature of what changed the folder of the flags, and of nothing else in the repository.
func TestSignedUnderPath(t *testing.T) {
	s := newSigning(t, "ada")
	under := func(files map[string]string) map[string]string {
		moved := map[string]string{}
		for name, text := range files {
			moved["team/flags of ours/"+name] = text
		}
		return moved
	}
	first := s.byWith("ada", under(sample()))
	config := s.config()
	config.Repository.Path = "team/flags of ours"
	d, _ := start(t, config)
	eventually(t, d, "served", stands(first, ""))
	other := s.byWith("", map[string]string{"README.md": "somebody else's"})
	eventually(t, d, "as before", func(st daemon.Status) bool { return stands(first, "")(st) && st.Source.Observed == other })
	unsigned := s.byWith("", under(map[string]string{compiletest.File(0, 1): compiletest.Flag(compiletest.Key(0, 1), 44)}))
	eventually(t, d, "refused", stands(first, unsigned))
	s.byWith("ada", map[string]string{"README.md": "signed, but elsewhere"})
	eventually(t, d, "refused still", stands(first, unsigned))
	again := s.byWith("ada", under(map[string]string{compiletest.File(0, 1): compiletest.Flag(compiletest.Key(0, 1), 45)}))
	eventually(t, d, "served", stands(again, ""))
}
