// Package soak holds what Yardarm promises against what goes wrong: networks that are cut, held up or half dead, processes that are
// killed at any moment, disks that are full, read-only or lie, and clients that mean harm. Its tests run the real program, real Git
// servers and real sockets; in their short form they are part of `make test`, in their long one `make soak`, which prints what was
// survived.
//
// The package itself is only the [Proxy] that makes a network bad; start reading in faults_test.go, kill_test.go and hostile_test.go. It
// is for tests only.
package soak
