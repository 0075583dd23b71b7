// Package folder compiles one folder of a flag repository, which is one CUE instance, into flags, segments and tests.
//
// [Compile] is a pure function of a file tree: it starts no process, keeps no cache, reads no clock and no network. It is
// also the only code besides package edit that knows CUE: what comes out is [eval] data in canonical JSON and errors that
// point at the author's text. What it takes several folders to know (a flag key given twice, prerequisites that do not
// exist) belongs to package compile, which also bounds the time and memory that hostile CUE may take.
//
// The way through: load.go finds the files, syntax.go refuses what the language leaves out before anything is evaluated,
// problems.go turns CUE's errors into sentences, flag.go and rule.go read the data, condition.go reads the conditions.
package folder
