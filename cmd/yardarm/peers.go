package main

import (
	"github.com/spf13/cobra"

	"github.com/yardarm-io/yardarm/sync/daemon"
)

// peerOptions are the flags of a daemon that is one of several.
type peerOptions struct {
	peers   []string
	peerKey string
}

func (o *peerOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.peers, "peer", nil, "the URL of another replica, whose holds are taken over; once for each")
	cmd.Flags().StringVar(&o.peerKey, "peer-key-file", "", "a file with an operator's key to show to the peers, where they want one")
}

func (o *peerOptions) peersInto(config *daemon.Config) {
	config.Peers, config.PeerKeyFile = o.peers, o.peerKey
}
