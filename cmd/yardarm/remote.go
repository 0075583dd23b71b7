package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
)

// remoteOptions are the flags of what follows a branch: which, and how to get at it.
type remoteOptions struct {
	path, branch, stateDir            string
	tokenFile, sshKey, knownHosts, ca string
}

func (o *remoteOptions) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.path, "path", "", "the folder inside the repository that holds cue.mod and flags (default: its root)")
	flags.StringVar(&o.branch, "branch", "main", "the branch to follow")
	flags.StringVar(&o.stateDir, "state", "", "the folder of the last good state and of the mirror (default: below the cache folder, one a repository)")
	flags.StringVar(&o.tokenFile, "token-file", "", "a file with the token for an https remote, read at each fetch")
	flags.StringVar(&o.sshKey, "ssh-key", "", "the private key file for an ssh remote, read at each fetch (default: the ssh agent)")
	flags.StringVar(&o.knownHosts, "known-hosts", "", "the known_hosts file for an ssh remote (default: ~/.ssh/known_hosts)")
	flags.StringVar(&o.ca, "ca-file", "", "the certificate authorities of an https remote, as PEM (default: the system's)")
}

// config says how to get at a repository, but not where its mirror is.
func (o *remoteOptions) config(url string) gitrepo.Config {
	return gitrepo.Config{
		URL: url, Branch: o.branch, Path: o.path, Proxy: http.ProxyFromEnvironment,
		TokenFile: o.tokenFile, SSHKeyFile: o.sshKey, SSHAgent: os.Getenv("SSH_AUTH_SOCK"), KnownHostsFile: o.knownHosts, CAFile: o.ca,
	}
}

// serveURL is what to serve: the URL of a remote, or the folder that --repo names. Where that lies in a flag repository, it is
// that one's root, so that serve works from any folder below it.
func (a *app) serveURL(path string) (string, error) {
	if isRemote(a.repo) {
		return a.repo, nil
	}
	dir, err := filepath.Abs(a.repo)
	if err != nil {
		return "", usagef("--repo %s: %w", a.repo, err)
	}
	if !isDir(dir) {
		return "", usagef("--repo %s is neither a folder nor the URL of a remote", a.repo)
	}
	if root, err := a.flagRoot(); err == nil && path == "" {
		return root, nil
	}
	return dir, nil
}

// isRemote says whether --repo is a URL or of the form user@host:path.
func isRemote(repo string) bool {
	if strings.Contains(repo, "://") {
		return true
	}
	host, _, found := strings.Cut(repo, ":")
	return found && strings.Contains(host, "@") && !strings.Contains(host, "/")
}

// stateName names the folder of what a command keeps of one branch of one repository.
func stateName(command string, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return filepath.Join(command, hex.EncodeToString(sum[:8]))
}
