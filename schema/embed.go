// Package schema hands out the CUE files that define the flag language, which stand beside it.
//
// The files of the product (see [Files]) decide what a flag may say: whoever compiles lays them over the repository's own
// copies, so that no change to a repository can loosen the language. The user's files (see [Start]) belong to each flag
// repository, which only begins with these.
package schema

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
)

// Language is the newest version of the flag language.
const Language = 1

// Tie is the text of flags/tie.cue, which ties every flag and test in the folders below it to the schema.
const Tie = `package flags

import "flags.local/schema"

// Every flag and test below this folder is checked against the language in ../schema.
// Files in the folders below begin with ` + "`package flags`" + ` and need not say so again.
flags: [string]: schema.#Flag
tests: [string]: schema.#Test
`

// Module is the text of cue.mod/module.cue, which lets the flags import the schema without a network.
const Module = `module: "flags.local"
language: version: "v0.15.0"
`

//go:embed *.cue
var files embed.FS

var users = []string{"context.cue", "project.cue"}

// version is one version of the flag language: the product's files in schema/ and the text of those elsewhere.
type version struct {
	files       fs.FS
	products    []string
	tie, module string
}

// versions holds every version of the language there was, the first one first, so that a new build reads old repositories
// as they were meant. The newest one's files stand in this folder; those of an earlier one are a folder of their own,
// which no CUE module may see as part of this one.
var versions = []version{
	{files, []string{"flag.cue", "rule.cue", "condition.cue", "language.cue"}, Tie, Module},
}

// Files gives the product's files for a version of the language, by their path in a flag repository, such as
// "schema/flag.cue" and "flags/tie.cue". The map and its bytes are the caller's to keep.
// A version that this build does not know is an error.
func Files(language int) (map[string][]byte, error) {
	if language < 1 || language > len(versions) {
		return nil, fmt.Errorf("language %d of flags is unknown: this build knows them up to %d", language, len(versions))
	}
	v := versions[language-1]
	all := read(v.files, v.products)
	all["flags/tie.cue"] = []byte(v.tie)
	all["cue.mod/module.cue"] = []byte(v.module)
	return all, nil
}

// Start gives the first version of the files that belong to the user of a new flag repository, by path.
func Start() map[string][]byte {
	return read(files, users)
}

func read(from fs.FS, names []string) map[string][]byte {
	all := map[string][]byte{}
	for _, name := range names {
		text, err := fs.ReadFile(from, name)
		if err != nil {
			panic(err) // the names are constants and the files are compiled in
		}
		all[path.Join("schema", name)] = text
	}
	return all
}
