// Package gitrepotest makes real Git repositories for tests, with the git command, and serves them as a Git host does.
//
// A [Checkout] is a repository with a work tree. A [Server] is a bare repository behind git's own smart HTTP server on a
// loopback port, with a checkout that pushes to it; it can refuse, stall, go away and come back. Nothing outside the test's
// temporary folder is read or written: not the user's Git configuration either. Author and dates are fixed, so equal steps
// give equal hashes.
//
// It needs the git command and fails the test without it. It is for tests only.
package gitrepotest
