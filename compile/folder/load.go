package folder

import (
	"context"
	"errors"
	"io/fs"

	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/load"
	"cuelang.org/go/mod/modfile"
	"cuelang.org/go/mod/module"
)

// load reads the instances of folders of the tree, and of what they import, without evaluating anything.
// It sees no disk, no network, no environment variable and no build tag.
func loadInstances(tree fs.FS, dirs ...string) []*build.Instance {
	args := make([]string, len(dirs))
	for i, dir := range dirs {
		args[i] = "./" + dir
	}
	return load.Instances(args, &load.Config{FS: tree, Dir: "/", Registry: offline{}, Env: []string{}})
}

var errOffline = errors.New("modules from elsewhere are switched off: a flag repository imports only its own folders")

// offline is a module registry that has nothing.
type offline struct{}

func (offline) ModFile(context.Context, module.Version) (*modfile.File, error) {
	return nil, errOffline
}

func (offline) Fetch(context.Context, module.Version) (module.SourceLoc, error) {
	return module.SourceLoc{}, errOffline
}

func (offline) ModuleVersions(context.Context, string) ([]string, error) {
	return nil, errOffline
}
