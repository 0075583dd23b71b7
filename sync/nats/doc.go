// Package nats keeps flags in NATS JetStream, between the daemons that compile commits and the relays that serve what those
// compiled. A [Compiler] writes, a [Relay] reads; NATS is neither the truth, which is Git, nor needed to serve: who loses it goes
// on with what it has.
//
// In one bucket there is a key for each environment, with the newest snapshot, and one that says how fresh they are. A snapshot
// that is large for a message is in the object store of the same name. A compiler replaces a snapshot only by what comes after
// it in the branch's history, compare-and-set, so that compilers may race; a relay takes nothing whose digest does not fit.
//
// Nothing here is a JetStream consumer: who writes says so on a plain subject, and whoever hears that, or has not for a while,
// reads. There is nothing that a server that restarts could forget, or that a storm of reconnecting daemons could leave behind.
package nats
