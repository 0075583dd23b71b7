// Package diff says what a change of flags does: which flags differ and how, in people's words ([Change]); who is moved from
// which variant to which, at once and at every later boundary ([Step]); and whether the project's policy allows it ([Verdict]).
//
// [Compare] looks at two snapshots of one environment, [Judge] at the comparison of all of them. Both are pure: what is known
// from outside (the clock, the last widening, usage, approvals) is given to them as [Facts]. Nothing here reads Git or CUE; see
// package diff/review for the way from two trees to a [Report].
package diff
