package gitrepo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/skeema/knownhosts"
)

// explain turns what went wrong in a fetch into what a person can act on. limited is the fetch's context, made from ctx.
func (r *Repo) explain(ctx, limited context.Context, err error) error {
	if limited.Err() != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return context.Cause(limited)
	}
	if _, ok := errors.AsType[*remoteError](err); !ok {
		return err
	}
	var unverified *tls.CertificateVerificationError
	switch {
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return noBranch(r.config.Branch, nil)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fmt.Errorf("%w, or not one that these credentials may see", ErrNoRepository)
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return fmt.Errorf("%w: %s", ErrAuth, r.remote.wire.authHint())
	case knownhosts.IsHostKeyChanged(err):
		return fmt.Errorf("%w: its key is another than the known one; make sure that nobody is in between, then correct %s", ErrHostKey, knownHostsName(r.config))
	case knownhosts.IsHostUnknown(err):
		return fmt.Errorf("%w: it is not in %s; ssh-keyscan HOST makes the lines, compare them with what the host publishes", ErrHostKey, knownHostsName(r.config))
	case strings.Contains(err.Error(), "ssh: unable to authenticate"): // x/crypto/ssh has no type for it
		return fmt.Errorf("%w: the host does not accept %s; is its public half registered there?", ErrAuth, keyName(r.config))
	case errors.As(err, &unverified):
		return fmt.Errorf("%w: its certificate is not trusted: %w; %s", ErrUnreachable, unverified.Err, trustHint(r.config))
	}
	return unreachable(err)
}

// knownHostsName, keyName and trustHint name the files to look at.
func knownHostsName(c Config) string {
	if c.KnownHostsFile == "" {
		return "~/.ssh/known_hosts"
	}
	return c.KnownHostsFile
}

func keyName(c Config) string {
	if c.SSHKeyFile == "" {
		return "any key of the ssh-agent"
	}
	return "the ssh key " + c.SSHKeyFile
}

func trustHint(c Config) string {
	if c.CAFile == "" {
		return "a CA file adds certificates to trust"
	}
	return "it is of none of the authorities in the CA file " + c.CAFile
}

// unreachable strips what go-git and net/http wrap around a cause: mostly the address again.
func unreachable(err error) error {
	if unexpected, ok := errors.AsType[*plumbing.UnexpectedError](err); ok {
		err = unexpected.Err
	}
	if answer, ok := errors.AsType[*githttp.Err](err); ok {
		code := answer.StatusCode()
		return fmt.Errorf("%w: it answers %d %s", ErrUnreachable, code, http.StatusText(code))
	}
	if request, ok := errors.AsType[*url.Error](err); ok {
		err = request.Err
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

func (w *wire) authHint() string {
	switch {
	case w.config.Token != nil:
		return "the token is not accepted; may it read this repository, and write to it where that is needed?"
	case w.config.TokenFile != "":
		return "the token in " + w.config.TokenFile + " is not accepted; has it expired, may it read this repository?"
	case w.at.password != "":
		return "the password in the URL is not accepted"
	}
	return "the repository is private, or there is none of that name; a token file gives access"
}
