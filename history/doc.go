// Package history answers questions about the past of a flag repository from its commits: when a flag was last widened, and
// whether it was there at a time.
//
// What counts is the branch itself, that is the first parents of its tip: of a merge, what it brought to the branch at that time. Times
// are the committers', which for what a forge merges is the time of the merge, and for a commit that is pushed later the time at which
// it was made. Commits that do not compile were never served as a whole, and are passed over.
package history
