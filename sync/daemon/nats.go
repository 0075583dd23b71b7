package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/yardarm-io/yardarm/sync/gitrepo"
	"github.com/yardarm-io/yardarm/sync/holds"
	"github.com/yardarm-io/yardarm/sync/nats"
)

// NATS says where daemons keep their flags in common: those that compile write them there, and relays read them.
type NATS struct {
	// URLs are the servers, such as nats://flags.example:4222; none: there is no NATS.
	URLs []string
	// CredentialsFile is a file of NATS credentials, read again at each connection; "": none but what the URLs have.
	CredentialsFile string
	// CAFile has the authorities of the servers' certificates, as PEM; "": the system's.
	CAFile string
	// Bucket is the name of the key-value bucket and the object store; "": [nats.DefaultBucket].
	Bucket string
	// Relay has the flags come from there in place of a repository: of Environments or, where there are none, of all that there are.
	Relay        bool
	Environments []string
}

// natsPart is the daemon's part in NATS: it writes, reads, or neither.
type natsPart struct {
	compiler *nats.Compiler
	relay    *nats.Relay
}

// openNATS prepares the part in NATS that the configuration says.
func (d *Daemon) openNATS() (err error) {
	config := d.config.NATS
	if len(config.URLs) == 0 {
		return nil
	}
	host, err := os.Hostname()
	link := nats.Link{
		URLs: config.URLs, CredentialsFile: config.CredentialsFile, CAFile: config.CAFile, Bucket: config.Bucket,
		Name: fmt.Sprintf("%s-%.8s", cmp.Or(host, "unknown"), d.id), Logger: d.config.Logger,
	}
	if err != nil {
		d.config.Logger.Debug("the machine's name is unknown", "error", err)
	}
	if config.Relay {
		d.nats.relay, err = nats.NewRelay(d.natsRelay(link))
	} else {
		d.nats.compiler, err = nats.NewCompiler(d.natsCompiler(link))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return nil
}

func (d *Daemon) natsCompiler(link nats.Link) nats.CompilerConfig {
	return nats.CompilerConfig{
		Link: link, Source: d.config.natsSource(), Precedes: d.precedes, Unrelated: d.unrelated, Behind: d.Hint, Answer: d.answer,
		Holds: nats.Holds{Merge: d.mergeHoldsText, Text: d.holdsText},
	}
}

// natsSource names the repository so that it has one name however it is reached.
func (c Config) natsSource() nats.Source {
	address := c.Repository.URL
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		address = u.Host + u.Path
	} else if user, rest, scp := strings.Cut(address, "@"); scp && !strings.Contains(user, "/") {
		address = strings.Replace(rest, ":", "/", 1)
	}
	return nats.Source{
		Repository: strings.TrimSuffix(strings.TrimSuffix(address, "/"), ".git"),
		Branch:     cmp.Or(c.Repository.Branch, gitrepo.DefaultBranch), Path: c.Repository.Path,
	}
}

// precedes says whether a revision is a later one, or the later one comes from it.
func (d *Daemon) precedes(ctx context.Context, earlier, later string) (bool, error) {
	repository := d.look.repository.Load()
	if repository == nil {
		return false, nil
	}
	in, err := repository.IsAncestor(ctx, earlier, later)
	if errors.Is(err, gitrepo.ErrNoCommit) {
		return false, nil
	}
	return in, err
}

func (d *Daemon) mergeHoldsText(text []byte) error {
	var ledger holds.Ledger
	if err := json.Unmarshal(text, &ledger); err != nil {
		return err
	}
	return d.mergeHolds(&ledger)
}

// holdsText gives the ledger of holds for others to merge; nil: there never were any.
func (d *Daemon) holdsText() []byte {
	ledger := d.holding.ledger.Load()
	text, err := json.Marshal(ledger)
	if err != nil || ledger.Len() == 0 {
		return nil
	}
	return text
}

// runNATS writes to NATS what is published here, until ctx ends.
func (d *Daemon) runNATS(ctx context.Context) error {
	compiler := d.nats.compiler
	if compiler == nil {
		return nil
	}
	news := d.holding.watch()
	compiler.Publish(d.serving.given(), d.board.lagging()) // of the disk, for who has lost more
	telling, stop := context.WithCancel(ctx)
	defer stop()
	told := make(chan struct{})
	go func() {
		defer close(told)
		for {
			select {
			case <-telling.Done():
				return
			case <-news:
				compiler.HoldsChanged()
			}
		}
	}()
	err := compiler.Run(ctx)
	stop()
	<-told
	return err
}

// toNATS has a publication written to NATS, later, by another goroutine.
func (d *Daemon) toNATS(p publication) {
	if d.nats.compiler != nil {
		d.nats.compiler.Publish(p.snapshots, p.lagging)
	}
}

// natsStatus says how things are with NATS; nil: there is none.
func (d *Daemon) natsStatus() *nats.Status {
	var status nats.Status
	switch {
	case d.nats.compiler != nil:
		status = d.nats.compiler.Status()
	case d.nats.relay != nil:
		status = d.nats.relay.Status()
	default:
		return nil
	}
	return &status
}

// question is what a relay asks a compiler: one of these.
type question struct {
	Unrelated string `json:"unrelated,omitempty"` // a revision: has it no place in the branch?
	Asked     string `json:"asked,omitempty"`     // a revision: what is served with it?
}

// reply is the answer to it.
type reply struct {
	Unrelated bool   `json:"unrelated,omitempty"`
	Asked     *Asked `json:"asked,omitempty"`
}

// answer answers a relay.
func (d *Daemon) answer(ctx context.Context, text []byte) []byte {
	var q question
	var a reply
	switch err := json.Unmarshal(text, &q); {
	case err != nil:
	case hash.MatchString(q.Asked):
		a.Asked = d.ask(ctx, q.Asked)
	case q.Unrelated != "":
		a.Unrelated = d.unrelated(ctx, q.Unrelated)
	}
	told, err := json.Marshal(a)
	if err != nil {
		return nil
	}
	return told
}
