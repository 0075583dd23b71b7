// Package feed is Yardarm's wire protocol: the messages between a server and its subscribers, and how they are applied.
//
// A [Message] is one websocket text message: a JSON header on the first line, then one line an item of the snapshot.
// [Encode] and [Decode] are the codec, [Full], [Delta] and [Current] say the same state in three ways, and [Apply] is the
// only way from one state to the next. The text of a snapshot message is also the file format of snapshots: for a client's
// disk cache, for bootstrapping and for GET /snapshot; see [WriteSnapshot] and [ReadSnapshot].
//
// The package has no server and no client and does no I/O of its own: package sync/hub serves the feed, package client
// subscribes to it. docs/protocol.md describes the same for whoever writes a client in another language.
package feed
