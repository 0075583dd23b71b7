// Package keys knows who may ask a daemon what: it makes keys, reads the file of their hashes and finds the one that a request
// came with.
//
// A key is a text "ID.SECRET". Whoever uses it has the text, the keys file has the SHA-256 of it, which is enough for 256 random
// bits: nobody can go through them. [New] makes one, [Parse] reads the file as a [Ring], [Ring.Find] knows a key again, and
// [Attempts] bounds what wrong ones cost. The package reads no files and logs nothing.
package keys
