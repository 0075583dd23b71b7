package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yardarm-io/yardarm/sync/holds"
)

const (
	// askPeers is how often each peer is asked for its holds.
	askPeers = time.Second
	// peerTimeout bounds how long a peer may take to answer.
	peerTimeout = 5 * time.Second
)

// PeerStatus is what is known of another replica whose holds are taken over.
type PeerStatus struct {
	URL string `json:"url"`
	// AnsweredAt is when it last told its holds; nil: not since the start.
	AnsweredAt *time.Time `json:"answeredAt,omitempty"`
	// Error is why it does not now, Since when; "": it does.
	Error string     `json:"error,omitempty"`
	Since *time.Time `json:"since,omitempty"`
}

// peers is what became of asking other replicas.
type peers struct {
	mu  sync.Mutex
	all []PeerStatus
}

func (p *peers) status() []PeerStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]PeerStatus(nil), p.all...)
}

// note notes what became of asking a peer, and says whether that is news.
func (p *peers) note(i int, err error) (news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now().UTC().Truncate(time.Second)
	peer := &p.all[i]
	if err == nil {
		news = peer.Error != ""
		peer.AnsweredAt, peer.Error, peer.Since = &now, "", nil
		return news
	}
	if news = peer.Error == ""; news {
		peer.Since = &now
	}
	peer.Error = err.Error()
	return news
}

// checkPeers requires that peers can be asked.
func (c Config) checkPeers() error {
	for _, peer := range c.Peers {
		u, err := url.Parse(peer)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
			return fmt.Errorf("peer %.200q: write the URL of another replica, such as https://flags-b.example", peer)
		}
	}
	if c.PeerKeyFile != "" && len(c.Peers) == 0 {
		return errors.New("there is a key for peers, and no peer: name them with --peer")
	}
	return nil
}

// followPeers takes over the holds of the other replicas until ctx ends.
func (d *Daemon) followPeers(ctx context.Context) error {
	d.peers.mu.Lock()
	for _, peer := range d.config.Peers {
		d.peers.all = append(d.peers.all, PeerStatus{URL: peer})
	}
	d.peers.mu.Unlock()
	group, ctx := errgroup.WithContext(ctx)
	for i, peer := range d.config.Peers {
		group.Go(func() error { return d.followPeer(ctx, i, strings.TrimSuffix(peer, "/")+"/holds?all=true") })
	}
	return group.Wait()
}

// followPeer asks one peer again and again.
func (d *Daemon) followPeer(ctx context.Context, i int, address string) error {
	client := &http.Client{Timeout: peerTimeout}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(askPeers)
	defer tick.Stop()
	for have := ""; ; {
		etag, err := d.askPeer(ctx, client, address, have)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			have = etag
		}
		switch news := d.peers.note(i, err); {
		case news && err != nil:
			d.config.Logger.Error("a peer does not tell its holds: each replica has only its own until it does", "peer", d.config.Peers[i], "error", err)
		case news:
			d.config.Logger.Info("a peer tells its holds again", "peer", d.config.Peers[i])
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// askPeer takes over the holds of a peer, if they are others than those that have is the tag of, and gives the tag of what it has.
func (d *Daemon) askPeer(ctx context.Context, client *http.Client, address, have string) (etag string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	if have != "" {
		request.Header.Set("If-None-Match", have)
	}
	if d.config.PeerKeyFile != "" {
		key, err := os.ReadFile(d.config.PeerKeyFile)
		if err != nil {
			return "", err
		}
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(key)))
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusNotModified:
		return have, nil
	case http.StatusOK:
	default:
		text, _ := io.ReadAll(io.LimitReader(response.Body, 300)) // whatever came
		return "", fmt.Errorf("it answers %s: %s", response.Status, strings.TrimSpace(string(text)))
	}
	var theirs holds.Ledger
	if err := json.NewDecoder(io.LimitReader(response.Body, holds.MaxBytes)).Decode(&theirs); err != nil {
		return "", fmt.Errorf("its answer is no ledger of holds: %w", err)
	}
	if err := d.mergeHolds(&theirs); err != nil {
		return "", err
	}
	return response.Header.Get("ETag"), d.untold(response.Header.Get(keyFor))
}

// untold is an error if a peer tells the holds of some environments only, as the key shown to it is for no others.
func (d *Daemon) untold(told string) error {
	if told == "" {
		return nil
	}
	only := strings.Split(told, ",")
	missing := slices.DeleteFunc(d.hub.Environments(), func(name string) bool { return slices.Contains(only, name) })
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("the key shown to it is for %s: holds of %s do not come", strings.Join(only, ", "), strings.Join(missing, ", "))
}
