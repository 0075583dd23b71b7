// Package clienttest is an in-process feed for the tests of services that use package client.
//
// [NewServer] serves one environment over a real websocket on a port of this host, with the same hub as the daemon and
// without Git or CUE: a test says in Go what its flags are, and may take the server away and bring it back.
//
//	flags := clienttest.NewServer(t)
//	flags.Set("checkout.new-payment", true)
//	app := newApp(flags.Client(t))     // or: the app makes its own client, from flags.URL or flags.Config()
//	...
//	flags.Set("checkout.new-payment", false)
//	flags.WaitApplied()
package clienttest
