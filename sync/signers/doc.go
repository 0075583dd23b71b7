// Package signers knows whose signatures count: it reads a file of public keys, of SSH as in OpenSSH's allowed_signers and of
// OpenPGP, and checks a commit's signature by them.
//
// [Parse] reads the file, [Set.Verify] checks a signature over bytes that it is given. The package knows nothing of Git and reads
// no files.
package signers
