package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/yardarm-io/yardarm/"

// allowed is the house's plan: what each package may import of this module, directly, and why. A package that is not here
// has no place yet; give it one with its reason.
var allowed = map[string]struct {
	imports string
	why     string
}{
	"schema":                   {"", "the CUE schema, as files"},
	"eval":                     {"", "a service links it: the model and the engine, standard library only"},
	"sync/gitrepo":             {"", "the only package that knows go-git; it hands out trees and commits"},
	"sync/gitrepo/pull":        {"sync/gitrepo compile/worker", "fetches what nobody has approved yet, in a process of its own"},
	"sync/gitrepo/gitrepotest": {"", "a real Git server, for tests"},
	"compile/worker":           {"", "a bounded process that knows nothing of what it runs"},
	"compile/folder":           {"schema eval", "CUE in, eval's model out"},
	"compile":                  {"schema eval compile/folder compile/worker", "a tree in, snapshots out"},
	"compile/compiletest":      {"schema", "writes trees of many flags, for tests and benchmarks"},
	"diff":                     {"eval", "two snapshots in, a judgement out; what else is known is given to it"},
	"diff/review":              {"compile compile/folder diff eval", "two trees in, a review out; what Git knows is given to it"},
	"diff/render":              {"compile diff diff/review", "a review in, what people and programs read out"},
	"history":                  {"compile diff eval sync/gitrepo", "the past of the flags, as Git's log tells it"},
	"edit":                     {"schema", "changes flag files; the other package that knows CUE"},
	"sync/feed":                {"eval", "the protocol, apart from its server so that clients never link that"},
	"sync/feed/feedtest":       {"sync/feed", "crowds of subscribers in a process of their own, for benchmarks"},
	"sync/hub":                 {"sync/feed eval", "fans the feed out; what it serves is given to it"},
	"sync/keys":                {"", "who may ask a daemon what; it reads no files"},
	"sync/holds":               {"", "which flags are kept off at the server; pure data that replicas exchange"},
	"client":                   {"sync/feed eval", "what a service links"},
	"client/clienttest":        {"client sync/hub sync/feed eval", "a server inside the users' own tests"},
	"sync/nats":                {"sync/feed eval", "keeps snapshots in NATS; what Git says is asked of its caller"},
	"sync/nats/natstest":       {"", "a real NATS server, for tests"},
	"sync/worktree":            {"", "watches uncommitted files, for trying things"},
	"sync/soak":                {"", "makes networks bad, for tests; what it is held against is for its tests to choose"},
	"sync/reread":              {"", "files of keys and certificates that may change; it does not know what is in them"},
	"sync/strangers":           {"sync/keys", "bounds what who is not known yet may connect"},
	"sync/upstream":            {"client sync/feed eval", "follows daemons for a relay; what is in force is asked of its caller"},
	"sync/publog":              {"", "the log of what was published; plain data in, lines out"},
	"sync/signers":             {"", "whose signatures count; it knows nothing of Git and reads no files"},
	"sync/daemon":              {"sync/gitrepo sync/publog sync/signers sync/worktree sync/feed sync/holds sync/hub sync/keys sync/nats sync/reread sync/strangers sync/upstream compile diff diff/review history eval webhook/signature", "wires the parts together"},
	"webhook":                  {"eval compile diff diff/review diff/render history sync/gitrepo sync/gitrepo/pull webhook/signature", "the bot: reviews what a forge tells of"},
	"webhook/signature":        {"", "what deliveries are signed with, the bot's and the daemon's"},
	"webhook/webhooktest":      {"", "a GitHub, for tests"},
	"cmd/yardarm":              {"*", "the command line reaches everything"},
}

// outside keeps heavy libraries where they belong.
var outside = map[string][]string{
	"cuelang.org/go/":             {"compile/folder", "edit"},
	"github.com/go-git/go-git/":   {"sync/gitrepo"},
	"github.com/hiddeco/sshsig":   {"sync/signers"},
	"github.com/ProtonMail/":      {"sync/signers"},
	"github.com/gorilla/":         {"sync/hub", "client", "client/clienttest", "cmd/yardarm"}, // there for thousands of subscribers that keep no flags
	"github.com/spf13/":           {"cmd/yardarm"},
	"google.golang.org/grpc":      {},
	"github.com/google/go-github": {"webhook"},
	"github.com/bradleyfalzon/":   {"webhook"},
	"github.com/golang-jwt/":      {"webhook", "webhook/webhooktest"},
	"github.com/getkin/":          {"webhook/webhooktest"},
	"github.com/hmarr/codeowners": {"diff/review"},
	"github.com/nats-io/":         {"sync/nats", "sync/nats/natstest"},
	"github.com/prometheus/":      {"sync/daemon"},
	// What tests alone link.
	"github.com/yuin/goldmark":    {},
	"github.com/santhosh-tekuri/": {},
	"go.yaml.in/yaml":             {},
}

func TestImports(t *testing.T) {
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		plan, ok := allowed[name]
		if !ok {
			t.Errorf("package %s has no place in the table of allowed imports", name)
			continue
		}
		for _, imported := range p.Imports {
			if own, ok := strings.CutPrefix(imported, module); ok {
				if plan.imports != "*" && !slices.Contains(strings.Fields(plan.imports), own) {
					t.Errorf("package %s imports %s; allowed: %q, because: %s", name, own, plan.imports, plan.why)
				}
				continue
			}
			for prefix, homes := range outside {
				if strings.HasPrefix(imported, prefix) && !slices.Contains(homes, name) {
					t.Errorf("package %s imports %s, which belongs in %v only", name, imported, homes)
				}
			}
		}
	}
}

// TestServiceLinks is the promise to whoever links the client: an engine and a websocket, nothing else.
func TestServiceLinks(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", module+"client").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dependency := range strings.Lines(string(out)) {
		for _, heavy := range []string{"cuelang.org/", "github.com/go-git/", "google.golang.org/", "github.com/prometheus/", "sync/hub"} {
			if strings.Contains(dependency, heavy) {
				t.Errorf("client reaches %s", strings.TrimSpace(dependency))
			}
		}
	}
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []goPackage
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
