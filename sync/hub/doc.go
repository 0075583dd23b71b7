// Package hub serves the feed: it keeps the newest snapshot of each environment and brings it to every subscriber over a
// websocket.
//
// [New] prepares a [Hub], [Hub.Run] owns its goroutines, [Hub.Publish] gives it a snapshot and [Hub.Feed] and [Hub.Snapshot]
// are its two HTTP handlers. A subscriber is not queued for: it has one slot that says what it is owed, and its writer sends
// the way from what was sent last to whatever is newest at that moment. So publishing never waits, memory does not grow with
// slow subscribers, and one that cannot keep up skips states but always ends at the newest.
//
// Whoever may see a part of an environment only, as [Config.Authorize] says, is brought that part as if it were the environment: the
// states of a part are made of those of the whole.
//
// The package compiles nothing, stores nothing and knows no Git. The messages are package feed's; docs/protocol.md says what
// a subscriber sees.
package hub
