// Package eval is the compiled flag model and the engine that decides from it.
//
// A [Snapshot] is one environment at one revision: flags and the segments they use, prepared once and immutable from then
// on, so any number of goroutines may ask it at the same time. [Snapshot.Decide] answers a flag for an evaluation context
// and never allocates, logs, waits or fails; what went wrong is in the [Result]. [Snapshot.Explain] answers the same with
// the reasons, for people.
//
// The package knows nothing of CUE, Git or networks and imports the standard library only, so that a service links no more
// than an engine. Flags are written in CUE (package compile) and travel as lines (package sync/feed); both end here.
// docs/evaluation.md says what every part means, for whoever writes another engine.
package eval
