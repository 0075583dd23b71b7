package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"

	"github.com/yardarm-io/yardarm/schema"
)

// input is one folder to compile, with all that its CUE instance can see.
type input struct {
	dir      string
	files    map[string]content
	segments bool   // whether the segments' files are among them
	key      string // of all that decides the outcome
}

// newInput gathers what a folder sees: the product's files and the author's.
func newInput(s *source, product map[string]content, language int, dir string) input {
	in := input{dir: dir, files: maps.Clone(product)}
	for _, file := range s.sees(dir) {
		if c, ok := s.files[file]; ok {
			in.files[file] = c
			in.segments = in.segments || path.Dir(file) == segmentsDir
		}
	}
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "unit\x00%s\x00%d\x00%s\n", build(), language, dir)
	for _, file := range sortedKeys(in.files) {
		sum := in.files[file].sum
		_, _ = io.WriteString(hash, file+"\x00")
		hash.Write(sum[:])
	}
	in.key = hex.EncodeToString(hash.Sum(nil))
	return in
}

// request writes the input for a worker.
func (in *input) request() ([]byte, error) {
	r := request{Build: build(), Dir: in.dir, Files: make(map[string]string, len(in.files))}
	for file, c := range in.files {
		r.Files[file] = string(c.data)
	}
	return json.Marshal(r)
}

// productFiles is the product's files for a version of the language.
func productFiles(language int) (map[string]content, error) {
	texts, err := schema.Files(language)
	if err != nil {
		return nil, err
	}
	files := make(map[string]content, len(texts))
	for file, text := range texts {
		files[file] = newContent(text)
	}
	return files, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
