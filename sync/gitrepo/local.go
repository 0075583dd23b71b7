package gitrepo

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/config"
)

// A gitFolder is where a local repository keeps its data.
type gitFolder struct {
	dot    string // .git, or the bare repository itself
	common string // what a work tree of git worktree shares with its repository; else empty
	top    string // the checkout's top folder; a bare repository: itself
}

// findGitFolder looks for a repository at a folder, and above it as git does.
func findGitFolder(start string) (gitFolder, error) {
	if info, err := os.Stat(start); err != nil || !info.IsDir() {
		return gitFolder{}, fmt.Errorf("%s: %w: there is no such folder", start, ErrNoRepository)
	}
	if resolved, err := filepath.EvalSymlinks(start); err == nil {
		start = resolved
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if isGitFolder(dir) {
			return withCommon(gitFolder{dot: dir, top: dir})
		}
		dot, err := readDotGit(filepath.Join(dir, ".git"))
		if err != nil {
			return gitFolder{}, err
		}
		if dot != "" {
			return withCommon(gitFolder{dot: dot, top: dir})
		}
		if dir == filepath.Dir(dir) {
			return gitFolder{}, fmt.Errorf("%s: %w; make one with git init, or name another with --repo", start, ErrNoRepository)
		}
	}
}

// isGitFolder uses git's own test: HEAD, objects and refs are there, or commondir says where they are.
func isGitFolder(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// readDotGit gives the Git folder that .git is, or names (in a work tree or a submodule); empty when there is no .git.
func readDotGit(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
		return "", fmt.Errorf("look for a repository: %w", err)
	}
	if info.IsDir() {
		if !isGitFolder(path) {
			return "", nil
		}
		return path, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("look for a repository: %w", err)
	}
	target, found := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
	if !found {
		return "", fmt.Errorf("%s: %w: the file does not say gitdir: FOLDER", path, ErrNoRepository)
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(path), target)
	}
	if _, err := os.Stat(filepath.Join(target, "HEAD")); err != nil {
		return "", fmt.Errorf("%s: %w: it points to %s, which is gone", path, ErrNoRepository, target)
	}
	return target, nil
}

func withCommon(g gitFolder) (gitFolder, error) {
	text, err := os.ReadFile(filepath.Join(g.dot, "commondir"))
	if errors.Is(err, fs.ErrNotExist) {
		return g, nil
	}
	if err != nil {
		return g, fmt.Errorf("read work tree: %w", err)
	}
	g.common = strings.TrimSpace(string(text))
	if !filepath.IsAbs(g.common) {
		g.common = filepath.Join(g.dot, g.common)
	}
	if !isGitFolder(g.common) {
		return g, fmt.Errorf("%s: %w: the work tree's repository %s is gone", g.top, ErrNoRepository, g.common)
	}
	return g, nil
}

// checkFormat refuses repositories that would be misread.
func (g gitFolder) checkFormat() error {
	dir := g.dot
	if g.common != "" {
		dir = g.common
	}
	f, err := os.Open(filepath.Join(dir, "config"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: read the repository's config: %w", g.top, err)
	}
	defer f.Close()
	cfg, err := config.ReadConfig(bufio.NewReader(f))
	if err != nil {
		return fmt.Errorf("%s: read the repository's config: %w", g.top, err)
	}
	for _, o := range cfg.Raw.Section("extensions").Options {
		if err := checkExtension(strings.ToLower(o.Key), strings.ToLower(o.Value)); err != nil {
			return fmt.Errorf("%s: %w", g.top, err)
		}
	}
	return nil
}

// checkExtension knows the extensions that change nothing for a reader. A partial clone reads well but for what it lacks.
func checkExtension(key, value string) error {
	switch {
	case key == "objectformat" && value == "sha1", key == "refstorage" && value == "files":
		return nil
	case key == "objectformat":
		return fmt.Errorf("%w: its object names are %s; only SHA-1 repositories can be read (git init --object-format=sha1)", ErrUnsupported, strings.ToUpper(value))
	case key == "refstorage":
		return fmt.Errorf("%w: its references are stored as %s; git refs migrate --ref-format=files makes it readable", ErrUnsupported, value)
	}
	switch key {
	case "noop", "noop-v1", "partialclone", "preciousobjects", "worktreeconfig", "relativeworktrees":
		return nil
	}
	return fmt.Errorf("%w: it needs the extension %q", ErrUnsupported, key)
}
