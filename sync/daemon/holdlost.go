package daemon

import "time"

// heardSince is how much older than what it tells a peer's answer may be: when it was asked, and that times are told in seconds.
const heardSince = peerTimeout + 2*time.Second

// lostHolds says whether what a client that came at a time saw of holds can't come here any more: the daemon was started without its
// state folder, say, and nobody it hears of knows more. Until all peers have answered a question that was asked later, one of them may;
// a relay has what its upstream has.
func (d *Daemon) lostHolds(came time.Time) bool {
	if d.config.relays() {
		return false
	}
	if c := d.nats.compiler; c != nil {
		if status := c.Status(); !status.Connected || status.Error != "" || time.Since(came) < heardSince {
			return false
		}
	}
	peers := d.peers.status()
	if len(peers) < len(d.config.Peers) {
		return false // they have not been asked yet
	}
	for _, peer := range peers {
		if peer.Error != "" || peer.AnsweredAt == nil || peer.AnsweredAt.Sub(came) < heardSince {
			return false
		}
	}
	if !d.holding.lost.Swap(true) {
		d.config.Logger.Warn("a client has seen holds that nobody here knows of any more: it is told that they are lost")
	}
	return true
}
