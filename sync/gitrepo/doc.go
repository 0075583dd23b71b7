// Package gitrepo reads a flag repository: a branch of a Git repository, as commits and as immutable trees; and it finds what two
// states have in common and merges them, without touching a work tree.
//
// A local repository (a path or a file: URL) is read in place: nothing is transported and nothing but notes is written into it, so a
// commit made in a checkout is seen by the next poll. A remote one (https, http, ssh or git@host:path) is kept as a bare
// mirror on disk, with its full history, and is readable while the remote is away.
//
// It is not a Git library: it knows nothing of work trees or uncommitted files, and pushes nothing but notes ([Repo.AddNote]). What the files of a commit mean
// is for package compile.
//
// Start at [Open], then [Repo.Watch] to follow the branch and [Repo.Tree] to read a commit's files. All methods of [Repo] are
// safe for concurrent use; go-git's repository handle, which is not, has one owner inside.
package gitrepo
