package compile

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/yardarm-io/yardarm/compile/folder"
	"github.com/yardarm-io/yardarm/compile/worker"
)

// request is what a worker is asked: one folder, with all that it may see.
type request struct {
	Build string            `json:"build"`
	Dir   string            `json:"dir"`
	Files map[string]string `json:"files"`
}

var errBuild = errors.New("the program was replaced by another version while it runs: start it anew")

// ErrNoMain says that this program cannot compile, as it has to become a worker when it is started as one.
var ErrNoMain = errors.New("compile.Main was not called: make it the first statement of main, and of TestMain")

// Main makes this process a compile worker if a [Compiler] started it as one, and returns at once otherwise. It is the
// first statement of main, and of every TestMain whose tests compile. A program that has workers for other work too calls worker.Main
// instead, with [Work] by the name [Worker].
func Main() { worker.Main(map[string]worker.Handler{Worker: Work}) }

// Worker is the name of this package's handler among those of a program's workers.
const Worker = "compile"

// Work compiles one folder, in a worker.
func Work(data []byte) ([]byte, error) {
	var r request
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if r.Build != build() {
		return nil, errBuild
	}
	tree := memFS{}
	for path, text := range r.Files {
		tree[path] = []byte(text)
	}
	if r.Dir == schemaDir {
		project, problems := folder.ReadProject(tree)
		return encode(project, folder.Result{Errors: problems})
	}
	return encode(folder.Project{}, folder.Compile(tree, r.Dir))
}
