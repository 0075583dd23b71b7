package webhooktest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// GitHub's own description of its API, and its examples of webhooks, as .ci/install lays them here.
const (
	descriptionFile = "@octokit/openapi/generated/api.github.com.json"
	examplesFile    = "@octokit/webhooks-examples/api.github.com/index.json"
)

// readPackage reads a file of the installed npm packages.
func readPackage(name string) ([]byte, error) {
	_, source, _, _ := runtime.Caller(0)
	content, err := os.ReadFile(filepath.Join(filepath.Dir(source), "testdata", "node_modules", filepath.FromSlash(name)))
	if err != nil {
		return nil, fmt.Errorf("GitHub's own description is not installed, run .ci/install: %w", err)
	}
	return content, nil
}

// whole is a description of which only the top is read: nine tenths of GitHub's are of no use here, and reading them takes
// seconds.
type whole struct {
	OpenAPI    string                                `json:"openapi"`
	Info       json.RawMessage                       `json:"info"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Webhooks   map[string]map[string]json.RawMessage `json:"x-webhooks,omitempty"`
	Components map[string]map[string]json.RawMessage `json:"components"`
}

// events are the webhooks that are described too; their operations get paths below webhookPath.
var events = regexp.MustCompile(`^(ping|push|(pull-request|pull-request-review|merge-group|check-run|check-suite|installation|` +
	`installation-repositories)-(opened|synchronize|reopened|edited|ready-for-review|converted-to-draft|closed|submitted|dismissed|` +
	`checks-requested|destroyed|rerequested|completed|created|requested|deleted|suspend|unsuspend|added|removed))$`)

const webhookPath = "/x-webhooks/"

// slice keeps of a description the operations in use, the webhooks, and what these refer to.
func slice(content []byte) ([]byte, error) {
	var all whole
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, err
	}
	kept := whole{OpenAPI: all.OpenAPI, Info: all.Info, Paths: map[string]map[string]json.RawMessage{}}
	for _, route := range routes() {
		if all.Paths[route.path][route.method] == nil {
			return nil, fmt.Errorf("GitHub describes no %s %s", route.method, route.path)
		}
		item := kept.Paths[route.path]
		if item == nil {
			item = map[string]json.RawMessage{}
			kept.Paths[route.path] = item
		}
		item[route.method] = all.Paths[route.path][route.method]
	}
	for name, item := range all.Webhooks {
		if events.MatchString(name) {
			kept.Paths[webhookPath+name] = item
		}
	}
	kept.Components = reachable(kept.Paths, all.Components)
	for _, name := range []string{"basic-error"} { // of replies that are described nowhere
		kept.Components["schemas"][name] = all.Components["schemas"][name]
	}
	return json.Marshal(kept)
}

var reference = regexp.MustCompile(`"\$ref":\s*"#/components/([^/"]+)/([^"]+)"`)

// reachable gives the components that operations refer to, those that these refer to, and so on.
func reachable(paths, all map[string]map[string]json.RawMessage) map[string]map[string]json.RawMessage {
	kept := map[string]map[string]json.RawMessage{}
	var follow func(raw json.RawMessage)
	follow = func(raw json.RawMessage) {
		for _, match := range reference.FindAllSubmatch(raw, -1) {
			kind, name := string(match[1]), strings.ReplaceAll(string(match[2]), "~1", "/")
			if kept[kind] == nil {
				kept[kind] = map[string]json.RawMessage{}
			}
			if _, seen := kept[kind][name]; !seen {
				kept[kind][name] = all[kind][name]
				follow(all[kind][name])
			}
		}
	}
	for _, item := range paths {
		for _, operation := range item {
			follow(operation)
		}
	}
	return kept
}
