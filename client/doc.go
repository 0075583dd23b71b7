// Package client answers feature flags in a Go service.
//
// A [Client] follows a Yardarm feed over a websocket, holds the newest snapshot of one environment in memory and decides
// from it: no question leaves the process, and no evaluation context does. [New] returns at once and connects in the
// background; [Client.Bool] and its sisters never fail, never wait, and answer the caller's fallback when there is nothing
// better. While the feed is away the last snapshot keeps answering, and [Client.Status] says that it is stale. Where
// websockets do not pass, the client asks for snapshots by HTTP, and goes on trying.
//
//	flags, err := client.New(client.Config{URL: "wss://flags.example", Environment: "production", Name: "checkout"})
//	...
//	defer flags.Close()
//	if flags.Bool("checkout.new-payment", client.Context{client.TargetingKey: "user-1842", "plan": "pro"}, false) {
//
// The package is not an OpenFeature provider (client/openfeature is), and holds no flags of its own: tests of services use
// package clienttest, an in-process feed. It links an engine (package eval), the wire protocol (package sync/feed) and a
// websocket, nothing else; docs/protocol.md is for whoever writes a client in another language.
package client
