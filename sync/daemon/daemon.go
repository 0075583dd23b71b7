package daemon

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/sync/hub"
	"github.com/yardarm-io/yardarm/sync/publog"
	"github.com/yardarm-io/yardarm/sync/reread"
	"github.com/yardarm-io/yardarm/sync/upstream"
)

// Daemon serves one branch of one flag repository.
type Daemon struct {
	config      Config
	id          string // another for each daemon that ever runs
	compiler    *compile.Compiler
	judging     *compile.Compiler // compiles what is only judged, so that it is no hindrance to what is published
	hub         *hub.Hub
	listener    net.Listener
	lock        io.Closer        // of the state folder; nil: there is none
	board       board            // what people are told
	disk        chan struct{}    // one slot, held while the state folder is written: see withDisk
	publishing  sync.Mutex       // held to change what is served, from the decision to the disk
	serving     serving          // what is served
	look        look             // by which subscribers are told whether their revision is in the branch
	upstream    *upstream.Source // nil: the source is no daemon
	nats        natsPart         // neither: there is no NATS
	accepted    *accepted        // nil: nothing was published yet; of the goroutine that follows the source
	awaiting    noted            // likewise
	later       *later           // what was published, to be judged
	lags        lags             // where folders that do not compile last did
	door        door             // who may ask for what
	refresh     refresh
	tls         atomic.Pointer[tls.Config]
	credentials []*reread.Files // of keys and certificates
	log         *publog.Log     // nil: none is kept
	vouching    vouching        // whose signatures count
	metrics     *metrics
	stirred     chan struct{} // one slot: something was published
	holding     holding       // which flags are held
	peers       peers         // the other replicas
}

// New checks the configuration, loads the last good state from disk and listens, so that a port in use is an error here.
// It waits for neither Git nor the compiler. Run or Close must follow.
func New(config Config) (*Daemon, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	d := &Daemon{config: config, id: rand.Text(), later: newLater(), metrics: newMetrics(), stirred: make(chan struct{}, 1), disk: make(chan struct{}, 1), look: look{turn: make(chan struct{}, 1), found: make(chan struct{}, 1)}}
	if err := d.prepareSource(); err != nil {
		return nil, err
	}
	d.holding.init()
	if d.hub, err = hub.New(hub.Config{Logger: config.Logger, MaxConnections: config.MaxSubscribers, Heartbeat: config.Heartbeat, Unrelated: d.unrelated, Lost: d.lostHolds, Authorize: d.authorize, Changed: d.subscribersChanged}); err != nil {
		return nil, err
	}
	if err := errors.Join(d.openDoor(), d.openRefresh(), d.readCertificates(), d.openSigners()); err != nil {
		return nil, err
	}
	if d.listener = config.Listener; d.listener == nil {
		if d.listener, err = net.Listen("tcp", config.Listen); err != nil {
			return nil, fmt.Errorf("%w; choose another address with --listen", err)
		}
	}
	d.board.begin(config)
	d.lockState()
	d.openLog()
	d.recallRewritten()
	if err := d.restore(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// prepareSource makes what it takes to get flags from the source.
func (d *Daemon) prepareSource() (err error) {
	if len(d.config.Upstream.URLs) > 0 {
		return d.openUpstream()
	}
	if err := d.openNATS(); err != nil || d.config.relays() {
		return err
	}
	d.config.Repository.Fetched = d.metrics.fetched
	if d.compiler, err = compile.New(compile.Config{CacheDir: d.config.CacheDir}); err != nil {
		return err
	}
	d.judging, err = compile.New(compile.Config{CacheDir: d.config.CacheDir, Workers: 1})
	return err
}

// Addr is the address that the daemon listens on, host:port.
func (d *Daemon) Addr() string { return d.listener.Addr().String() }

// Run serves until ctx ends, drains the subscribers and returns when everything it started has ended: nil after ctx, or
// the error that ended it earlier, such as a repository that isn't one while there is no last good state to serve.
func (d *Daemon) Run(ctx context.Context) error {
	hubContext, endHub := context.WithCancel(context.WithoutCancel(ctx))
	defer endHub()
	server := d.server()
	d.config.Logger.Info("listening", "address", d.Addr()) // first, for whoever reads the log for the address
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return ignoreCanceled(d.hub.Run(hubContext)) })
	group.Go(func() error { return ignoreClosed(server.Serve(d.secured(d.listener))) })
	group.Go(func() error { return ignoreCanceled(d.follow(ctx)) })
	group.Go(func() error { return ignoreCanceled(d.judgeLater(ctx)) })
	group.Go(func() error { return ignoreCanceled(d.rest(ctx)) })
	group.Go(func() error { return ignoreCanceled(d.rereadCredentials(ctx)) })
	group.Go(func() error { return ignoreCanceled(d.keepHolds(ctx)) })
	group.Go(func() error { return ignoreCanceled(d.followPeers(ctx)) })
	group.Go(func() error { return ignoreCanceled(d.keepLog(ctx)) })
	group.Go(func() error { return ignoreCanceled(d.runNATS(ctx)) })
	group.Go(func() error {
		<-ctx.Done()
		return d.end(server, endHub)
	})
	return errors.Join(group.Wait(), d.log.Close(), d.unlockState())
}

// Close gives up a daemon that was never run.
func (d *Daemon) Close() error {
	return errors.Join(d.listener.Close(), d.log.Close(), d.unlockState())
}

// end drains the subscribers, then stops the server and the hub. Its deadline starts now, not when the daemon did.
func (d *Daemon) end(server *http.Server, endHub context.CancelFunc) error {
	defer endHub()
	d.board.drain()
	if d.config.Listener != nil {
		_ = d.listener.Close() // from now on they wait for the next daemon
	}
	d.config.Logger.Info("draining", "subscribers", len(d.hub.Subscribers()))
	ctx, cancel := context.WithTimeout(context.Background(), d.config.Drain)
	defer cancel()
	if err := d.hub.Drain(ctx); err != nil {
		d.config.Logger.Warn("subscribers were cut off before they had moved away", "error", err)
	}
	last, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return server.Close()
	}
	return nil
}

func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
