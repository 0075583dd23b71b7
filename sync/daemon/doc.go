// Package daemon wires the parts of Yardarm into the process that serves flags: it watches a branch, compiles each commit and
// publishes the snapshots to the hub. It has no logic of flags, Git or the feed of its own; those live in the packages it
// wires.
//
// [New] prepares and listens, [Daemon.Run] works until its context ends.
//
// Start reading in publish.go, through which all goes that is served. What comes before it:
//
//   - A source, of which follow.go picks one: a repository (follow.go, path.go, refresh.go), uncommitted files (worktree.go), daemons
//     (relay.go) or NATS (natsrelay.go).
//   - What a commit is served as: lag.go compiles it and has folders that are broken lag, by the walk of lagwalk.go. signed.go and
//     rewrite.go refuse commits, and so does the policy (policy.go, judge.go); turnoff.go holds what one that is refused turns off.
//
// What comes after it, or beside:
//
//   - Holds are laid over what the source gave (hold.go), on the word of operators (holdhttp.go), peers (peer.go) or NATS (nats.go), and
//     last on the disk (holddisk.go).
//   - The last good state is written by statesave.go and read by state.go; publog.go writes the publication log.
//   - What people and programs are told: status.go and the files of its parts, metrics.go, http.go; who may ask, door.go.
//
// Daemon.publishing is held by whoever changes what is served, from the decision to the disk; everything else reads what it left in
// Daemon.serving and Daemon.board, which have locks of their own that are held for a moment only, and the ledger of holds.
package daemon
