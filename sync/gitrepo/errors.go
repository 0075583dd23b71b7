package gitrepo

import "errors"

// What can be wrong, for errors.Is. The errors returned say more: which repository (without credentials) and what to do.
var (
	// ErrNoRepository: there is no Git repository at the address.
	ErrNoRepository = errors.New("not a Git repository")
	// ErrUnsupported: a repository in a form that can't be read, such as one with SHA-256 object names.
	ErrUnsupported = errors.New("unsupported repository")
	// ErrEmpty: the repository has no commits yet.
	ErrEmpty = errors.New("the repository has no commits yet")
	// ErrNoBranch: the repository has branches, but not the one asked for.
	ErrNoBranch = errors.New("branch does not exist")
	// ErrNoCommit: the repository has no commit of that hash.
	ErrNoCommit = errors.New("no such commit")
	// ErrNoPath: the commit has no folder Config.Path.
	ErrNoPath = errors.New("folder does not exist")
	// ErrNotFetched: a remote that was never fetched, so that there is nothing to read yet.
	ErrNotFetched = errors.New("nothing fetched yet")
	// ErrUnreachable: the remote did not answer, or not as a Git server.
	ErrUnreachable = errors.New("remote unreachable")
	// ErrAuth: the remote refuses the credentials, or demands some.
	ErrAuth = errors.New("authentication refused")
	// ErrHostKey: the ssh host is not in the known hosts, or shows another key than the one there.
	ErrHostKey = errors.New("ssh host not trusted")
	// ErrTimeout: the remote was silent for longer than Config.Timeout, or took much longer in all.
	ErrTimeout = errors.New("timed out")
	// ErrRejected: the remote does not take what is pushed.
	ErrRejected = errors.New("push rejected")
	// ErrLocked: Config.Dir is in use by another process or another Repo.
	ErrLocked = errors.New("folder in use")
	// ErrCorrupt: an object is missing or damaged. The next fetch of a remote makes its mirror anew.
	ErrCorrupt = errors.New("repository damaged")
	// ErrIrregular: reading an entry of a tree that is not a plain file: a symbolic link or a submodule.
	ErrIrregular = errors.New("not a plain file")
	// ErrTooLarge: reading a file larger than Config.MaxFileSize, or a tree with too many entries.
	ErrTooLarge = errors.New("too large")
	// ErrClosed: the Repo was closed.
	ErrClosed = errors.New("repository closed")
)
