// Package history answers questions about the past of a flag repository from its commits: when a flag was last widened, and
// whether it was there at a time.
//
// What counts is the branch itself, that is the first parents of its tip: of a merge, what it brought to the branch at that time. Times
// are the committers'. What a forge merges, be it by a merge, a squash or a rebase, is committed at the time of the merge. What is
// pushed otherwise bears the time at which it was made, or any other, and is taken to have come no earlier than the commit before it:
// whoever may push past pull requests can make what he widens seem as old as that. A branch that takes pull requests only is safe.
//
// Commits that do not compile were never served as a whole, and are passed over.
package history
