// Package feedtest has crowds of subscribers, for benchmarks of what serves a feed: thousands of them, in a process of their own,
// so that neither their memory nor their file descriptors are counted as the server's. They know as much of the protocol as
// it takes to note when a state arrives and to say that it is applied; they keep no flags.
//
// Not for use outside tests. TestMain begins with [Main]; start with [Gather].
package feedtest
