package signers_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/gitrepo/gitrepotest"
	"github.com/yardarm-io/yardarm/sync/signers"
)

// tool runs a program and gives what it prints.
func tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, stderr.String())
	}
	return string(out)
}

// sshKey makes an SSH key and gives its file and its public line.
func sshKey(t testing.TB, kind ...string) (file, public string) {
	t.Helper()
	if len(kind) == 0 {
		kind = []string{"-t", "ed25519"}
	}
	file = filepath.Join(t.TempDir(), "id")
	tool(t, "ssh-keygen", append([]string{"-q", "-N", "", "-C", "", "-f", file}, kind...)...)
	text, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return file, strings.TrimSpace(string(text))
}

// gnupg is a home of GnuPG, with an agent of its own.
type gnupg struct {
	t    testing.TB
	home string
}

func newGnuPG(t testing.TB) gnupg {
	home, err := os.MkdirTemp("", "gpg") //nolint:usetesting // the path of a socket has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		_ = os.RemoveAll(home)
	})
	return gnupg{t, home}
}

func (g gnupg) run(args ...string) string {
	g.t.Helper()
	return tool(g.t, "gpg", append([]string{"--homedir", g.home, "--batch", "--yes", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
}

// key makes a key of a name and gives its fingerprint.
func (g gnupg) key(name string, args ...string) string {
	g.t.Helper()
	g.run(append(args, "--quick-gen-key", name, "ed25519", "cert,sign", "20y")...)
	return g.fingerprint(name)
}

func (g gnupg) fingerprint(name string) string {
	for line := range strings.Lines(g.run("--with-colons", "--list-keys", "="+name)) {
		if rest, ok := strings.CutPrefix(line, "fpr:::::::::"); ok {
			return strings.TrimRight(rest, ":\n")
		}
	}
	g.t.Fatal("no such key:", name)
	return ""
}

func (g gnupg) export(key string) string { return g.run("--armor", "--export", key) }

// program is what Git is to run in place of gpg, as if it were another time where one is given.
func (g gnupg) program(at string) string {
	g.t.Helper()
	file := filepath.Join(g.t.TempDir(), "gpg")
	script := "#!/bin/sh\nexec gpg --homedir " + g.home + " --batch --pinentry-mode loopback --passphrase ''"
	if at != "" {
		script += " --faked-system-time " + at
	}
	if err := os.WriteFile(file, []byte(script+" \"$@\"\n"), 0o700); err != nil {
		g.t.Fatal(err)
	}
	return file
}

// repository commits, and looks at what the signatures are worth.
type repository struct {
	*gitrepotest.Checkout
	t testing.TB
}

func (r repository) ssh(key string) string {
	r.Git("-c", "gpg.format=ssh", "-c", "user.signingkey="+key, "commit", "-q", "--allow-empty", "-S", "-m", "signed")
	return r.Head()
}

func (r repository) pgp(program, key string) string {
	r.Git("-c", "gpg.program="+program, "commit", "-q", "--allow-empty", "-S"+key, "-m", "signed")
	return r.Head()
}

// verify checks a commit by a file of signers.
func (r repository) verify(commit, file string) (string, error) {
	r.t.Helper()
	set, err := signers.Parse([]byte(file))
	if err != nil {
		r.t.Fatal(err)
	}
	repo, err := gitrepo.Open(r.t.Context(), gitrepo.Config{URL: r.Dir})
	if err != nil {
		r.t.Fatal(err)
	}
	defer repo.Close()
	signature, signed, err := repo.Signature(r.t.Context(), commit)
	if err != nil {
		return "", err
	}
	c, err := repo.Commit(r.t.Context(), commit)
	if err != nil {
		r.t.Fatal(err)
	}
	return set.Verify(signed, signature, c.Time)
}

// expect holds what is found of a commit to a text: part of the signer's name or, after "!", of why it does not count.
func (r repository) expect(commit, file, want string) {
	r.t.Helper()
	signer, err := r.verify(commit, file)
	if why, no := strings.CutPrefix(want, "!"); no {
		if err == nil || !strings.Contains(err.Error(), why) {
			r.t.Errorf("%q, %v; want it refused: %s", signer, err, why)
		}
		return
	}
	if err != nil || !strings.Contains(signer, want) {
		r.t.Errorf("%q, %v; want %s", signer, err, want)
	}
}

// raw writes a commit object as it is given.
func (r repository) raw(content string) string {
	r.t.Helper()
	return r.GitInput(content, "hash-object", "-t", "commit", "-w", "--stdin", "--literally")
}

func newRepository(t testing.TB) repository {
	r := repository{gitrepotest.NewCheckout(t), t}
	r.Commit("begin", map[string]string{"a": "b"})
	return r
}

func TestSSH(t *testing.T) {
	r := newRepository(t)
	ada, adaPublic := sshKey(t)
	_, bobPublic := sshKey(t)
	commit := r.ssh(ada) // of 2026-01-01
	for options, want := range map[string]string{
		"":                   "ada@corp.example (SSH key SHA256:",
		`namespaces="git" `:  "ada@corp.example",
		`namespaces="file" `: "!not for git",
		`namespaces="file,g*",valid-after="20250101Z" `: "ada@corp.example",
		`namespaces="*,!git" `:                          "!not for git",
		`valid-after="20260102Z" `:                      "!counts from 2026-01-02T00:00:00Z only; the commit is of 2026-01-01T",
		`valid-before="20251231235959Z" `:               "!counted until 2025-12-31T23:59:59Z",
		`valid-before="202701010000Z" `:                 "ada@corp.example",
	} {
		r.expect(commit, "# people\n\nbob@corp.example "+bobPublic+"\nada@corp.example "+options+adaPublic+" a comment\n", want)
	}
	r.expect(commit, `"Ada Lovelace,ada@corp.example" `+adaPublic, "Ada Lovelace")
	r.expect(commit, "bob@corp.example "+bobPublic, "!signed by a key that is not one of those required: the SSH key SHA256:")
	r.expect(commit, "ada@corp.example valid-before=\"20200101Z\" "+adaPublic+"\nada@new.example "+adaPublic, "ada@new.example")
	if _, err := r.verify(r.Commit("unsigned", nil), "ada@corp.example "+adaPublic); !errors.Is(err, signers.ErrUnsigned) {
		t.Error(err)
	}
	for _, kind := range [][]string{{"-t", "rsa", "-b", "2048"}, {"-t", "ecdsa"}} {
		key, public := sshKey(t, kind...)
		r.expect(r.ssh(key), "carol@corp.example "+public, "carol@corp.example")
	}
}

// TestOtherNamespace signs a commit as if it were a file.
func TestOtherNamespace(t *testing.T) {
	r := newRepository(t)
	key, public := sshKey(t)
	content := r.Git("cat-file", "commit", "HEAD") + "\n"
	file := filepath.Join(t.TempDir(), "commit")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, "ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", key, file)
	signature, err := os.ReadFile(file + ".sig")
	if err != nil {
		t.Fatal(err)
	}
	header, message, _ := strings.Cut(content, "\n\n")
	field := "gpgsig " + strings.ReplaceAll(strings.TrimSpace(string(signature)), "\n", "\n ")
	r.expect(r.raw(header+"\n"+field+"\n\n"+message), "ada@corp.example "+public, `!is for "file", not for git`)
}

// TestTampered changes what was signed, and the signature.
func TestTampered(t *testing.T) {
	r := newRepository(t)
	key, public := sshKey(t)
	g := newGnuPG(t)
	id := g.key("Grace <grace@corp.example>")
	file := "ada@corp.example " + public + "\n" + g.export(id)
	for name, commit := range map[string]string{"SSH": r.ssh(key), "OpenPGP": r.pgp(g.program(""), id)} {
		t.Run(name, func(t *testing.T) {
			r := repository{r.Checkout, t}
			r.expect(commit, file, "corp.example")
			content := r.Git("cat-file", "commit", commit) + "\n"
			if got := r.raw(content); got != commit {
				t.Fatalf("the commit is not as it was read: %s", got)
			}
			change := func(old, other, want string) {
				t.Helper()
				changed := strings.Replace(content, old, other, 1)
				if changed == content {
					t.Fatalf("there is no %q", old)
				}
				r.expect(r.raw(changed), file, want)
			}
			const tampered = "!was changed after it was signed"
			change("author Ada", "author Eve", tampered)
			change("\n\nsigned", "\n\nforged", tampered)
			change("tree "+r.Git("rev-parse", commit+"^{tree}"), "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904", tampered)
			change("\nparent "+r.Git("rev-parse", commit+"^"), "", tampered)
			change("\nauthor", "\nparent "+commit+"\nauthor", tampered)

			// Several signatures, or headers that others might read otherwise.
			header, message, _ := strings.Cut(content, "\n\n")
			before, field, _ := strings.Cut(header, "gpgsig ")
			field = "gpgsig " + field
			const ambiguous = "!the commit's header is malformed"
			r.expect(r.raw(header+"\n"+field+"\n\n"+message), file, ambiguous)
			r.expect(r.raw(header+"\nencoding UTF-8\n"+field+"\n\n"+message), file, ambiguous)
			r.expect(r.raw(before+strings.Replace(field, "gpgsig ", "gpgsig-sha256 ", 1)+"\n\n"+message), file, ambiguous)
			change("gpgsig ", "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ngpgsig ", ambiguous)
			change("gpgsig ", "parent "+commit+"\ngpgsig ", ambiguous)
			change("\nauthor", "\nx y\nauthor", ambiguous)
			change("\nauthor", "\r\nauthor", ambiguous)
			change("gpgsig ", "nonsense\ngpgsig ", ambiguous)
			// A field that the signature is not of, before or after it.
			change("gpgsig ", "note evil\ngpgsig ", tampered)
			// Not a signature at all.
			r.expect(r.raw(before+"gpgsig hello\n\n"+message), file, "!neither one of SSH nor of OpenPGP")
			r.expect(r.raw(before+"gpgsig -----BEGIN SIGNED MESSAGE-----\n\n"+message), file, "!X.509")
			r.expect(r.raw(before+"gpgsig "+strings.SplitN(field[7:], "\n", 2)[0]+"\n AAAA\n\n"+message), file, "!can't be read")
		})
	}
}

func TestOpenPGP(t *testing.T) {
	r := newRepository(t)
	g := newGnuPG(t)
	now := g.program("")
	grace := g.key("Grace <grace@corp.example>")
	other := g.key("Other <other@corp.example>")
	commit := r.pgp(now, grace)
	r.expect(commit, g.export(grace), "Grace <grace@corp.example> (OpenPGP key "+grace+")")
	r.expect(commit, g.export(other), "!signed by a key that is not one of those required: the OpenPGP key "+grace[len(grace)-16:])
	r.expect(commit, "# two\n"+g.export(other)+"\n# and\n"+g.export(grace), "Grace")
	r.expect(commit, g.run("--armor", "--export"), "Grace") // all in one block

	t.Run("subkey", func(t *testing.T) {
		r := repository{r.Checkout, t}
		key := g.key("Sub <sub@corp.example>")
		g.run("--quick-add-key", key, "rsa2048", "sign", "10y")
		r.expect(r.pgp(now, key), g.export(key), "Sub <sub@corp.example>")
	})
	t.Run("expired", func(t *testing.T) {
		r := repository{r.Checkout, t}
		const old, expired = "20200101T000000!", "2020-02-01"
		g.run("--faked-system-time", old, "--quick-gen-key", "Old <old@corp.example>", "ed25519", "cert,sign", expired)
		key := g.fingerprint("Old <old@corp.example>")
		then := r.pgp(g.program("20200115T000000!"), key)
		r.expect(then, g.export(key), "Old") // it was good then
		// Git does not sign with an expired key, but whoever has it can: by a clock that is wrong, or once it is made good for longer.
		g.run("--quick-set-expire", key, "20y")
		later := r.pgp(now, key)
		r.expect(later, g.export(key), "Old")
		r.expect(then, g.export(key), "Old")
	})
	t.Run("expired since", func(t *testing.T) {
		r := repository{r.Checkout, t}
		const old = "20200101T000000!"
		g.run("--faked-system-time", old, "--quick-gen-key", "Late <late@corp.example>", "ed25519", "cert,sign", "2020-02-01")
		key := g.fingerprint("Late <late@corp.example>")
		before := g.export(key)
		g.run("--quick-set-expire", key, "20y")
		r.expect(r.pgp(now, key), before, "!which had expired by then")
	})
	t.Run("revoked", func(t *testing.T) {
		r := repository{r.Checkout, t}
		key := g.key("Lost <lost@corp.example>")
		commit := r.pgp(now, key)
		before := g.export(key)
		certificate, err := os.ReadFile(filepath.Join(g.home, "openpgp-revocs.d", key+".rev"))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "revocation")
		if err := os.WriteFile(file, []byte(strings.Replace(string(certificate), ":-----BEGIN", "-----BEGIN", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		g.run("--import", file)
		r.expect(commit, g.export(key), "!which was revoked")
		r.expect(commit, before, "Lost") // a file that does not know of it yet
	})
	t.Run("given up", func(t *testing.T) { // which says nothing of what it signed before
		r := repository{r.Checkout, t}
		g.run("--faked-system-time", "20200101T000000!", "--quick-gen-key", "Gone <gone@corp.example>", "ed25519", "cert,sign", "20y")
		key := g.fingerprint("Gone <gone@corp.example>")
		before, after := r.pgp(g.program("20200115T000000!"), key), r.pgp(now, key)
		cmd := exec.Command("gpg", "--homedir", g.home, "--no-tty", "--pinentry-mode", "loopback", "--passphrase", "", "--faked-system-time", "20200201T000000!",
			"--command-fd", "0", "--armor", "--gen-revoke", key)
		cmd.Stdin = strings.NewReader("y\n3\n\ny\n") // 3: it is no longer used
		certificate, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "revocation")
		if err := os.WriteFile(file, certificate, 0o600); err != nil {
			t.Fatal(err)
		}
		g.run("--import", file)
		r.expect(before, g.export(key), "Gone")
		r.expect(after, g.export(key), "!which was revoked")
	})
	t.Run("of the future", func(t *testing.T) {
		r := repository{r.Checkout, t}
		r.expect(r.pgp(g.program("20350101T000000!"), grace), g.export(grace), "!is of the future")
	})
}

// TestAsGitSees holds what counts here to what git verify-commit says.
func TestAsGitSees(t *testing.T) {
	r := newRepository(t)
	key, public := sshKey(t)
	allowed := filepath.Join(t.TempDir(), "allowed")
	if err := os.WriteFile(allowed, []byte("ada@corp.example "+public+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	commit := r.ssh(key)
	r.Git("-c", "gpg.ssh.allowedSignersFile="+allowed, "verify-commit", commit)
	r.expect(commit, "ada@corp.example "+public, "ada@corp.example")

	r.Git("checkout", "-q", "-b", "side", "HEAD~1")
	r.Commit("unsigned", map[string]string{"c": "d"})
	r.Git("checkout", "-q", "main")
	r.Git("-c", "gpg.format=ssh", "-c", "user.signingkey="+key, "merge", "-q", "--no-ff", "-S", "-m", "merge", "side")
	r.expect(r.Head(), "ada@corp.example "+public, "ada@corp.example")

	// Of a signed tag that is merged the commit holds the signature too, and it is not the commit's own.
	r.Git("checkout", "-q", "side")
	r.Commit("more", map[string]string{"e": "f"})
	r.Git("-c", "gpg.format=ssh", "-c", "user.signingkey="+key, "tag", "-s", "-m", "signed tag", "v1")
	r.Git("checkout", "-q", "main")
	r.Git("merge", "-q", "--no-ff", "-m", "merge a tag", "v1")
	r.expect(r.Head(), "ada@corp.example "+public, "!it is not signed")
	r.Git("-c", "gpg.format=ssh", "-c", "user.signingkey="+key, "commit", "-q", "--amend", "--no-edit", "-S")
	r.expect(r.Head(), "ada@corp.example "+public, "ada@corp.example")

	// What git replace shows in a commit's place is not looked at.
	unsigned := r.Commit("unsigned", map[string]string{"g": "h"})
	r.Git("replace", unsigned, commit)
	r.expect(unsigned, "ada@corp.example "+public, "!it is not signed")
}

func TestParse(t *testing.T) {
	_, public := sshKey(t)
	_, weak := sshKey(t, "-t", "rsa", "-b", "1024")
	g := newGnuPG(t)
	block := g.export(g.key("Grace <grace@corp.example>"))
	secret := g.run("--armor", "--export-secret-keys")
	for name, test := range map[string]struct{ text, want string }{
		"nothing":        {"", "there are no keys in it"},
		"comments":       {"# nobody\n\n", "there are no keys in it"},
		"no principals":  {public, "line 1: "},
		"one word":       {"ada@corp.example", "line 1: neither an OpenPGP key nor"},
		"nonsense":       {"# x\nada@corp.example ssh-ed25519 AAAA", "line 2: neither an OpenPGP key nor"},
		"option":         {"ada@corp.example zone=\"x\" " + public, "line 1: the option \"zone\" is not known"},
		"authority":      {"ada@corp.example cert-authority " + public, "line 1: cert-authority: SSH certificates are not supported"},
		"time":           {"ada@corp.example valid-after=\"yesterday\" " + public, "line 1: \"yesterday\" is no time"},
		"quote":          {`"ada@corp.example ` + public, "line 1: a quote is missing"},
		"weak":           {"ada@corp.example " + weak, "line 1: an RSA key of 1024 bits is too weak"},
		"does not end":   {"ada@corp.example " + public + "\n" + block[:len(block)-40], "line 2: the OpenPGP key does not end"},
		"damaged":        {strings.Replace(block, "\n\n", "\n\nAAAA", 1), "line 1: the OpenPGP key can't be read"},
		"private":        {secret, "line 1: this is a private key"},
		"private of SSH": {"-----BEGIN OPENSSH PRIVATE KEY-----\n", "line 1: this is a private key"},
		"good, then not": {"ada@corp.example " + public + "\n" + block + "x\n", "neither an OpenPGP key nor"},
	} {
		t.Run(name, func(t *testing.T) {
			if set, err := signers.Parse([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, %v; want %s", set, err, test.want)
			}
		})
	}
	set, err := signers.Parse([]byte("ada@corp.example " + public + "\r\n" + block))
	if err != nil || set.Len() != 2 {
		t.Error(set, err)
	}
}

func FuzzVerify(f *testing.F) {
	r := newRepository(f)
	key, public := sshKey(f)
	commit := r.Git("cat-file", "commit", r.ssh(key)) + "\n"
	set, err := signers.Parse([]byte("ada@corp.example " + public))
	if err != nil {
		f.Fatal(err)
	}
	header, _, _ := strings.Cut(commit[strings.Index(commit, "gpgsig ")+7:], "\n\n")
	f.Add(strings.ReplaceAll(header, "\n ", "\n"))
	f.Add("-----BEGIN PGP SIGNATURE-----\n\nwnUEABYKAB0WIQQ=\n-----END PGP SIGNATURE-----\n")
	f.Fuzz(func(t *testing.T, signature string) {
		if signer, err := set.Verify([]byte("nothing of what was signed"), []byte(signature), time.Now()); err == nil {
			t.Errorf("taken for one of %s", signer)
		}
	})
}

func FuzzParse(f *testing.F) {
	_, public := sshKey(f)
	f.Add(fmt.Sprintf("ada@corp.example namespaces=\"git\",valid-after=\"20260101Z\" %s\n", public))
	f.Add("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDME\n-----END PGP PUBLIC KEY BLOCK-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		if set, err := signers.Parse([]byte(text)); err == nil && set.Len() == 0 {
			t.Error("no keys are no error")
		}
	})
}
