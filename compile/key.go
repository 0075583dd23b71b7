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
	source   *source
	product  *product
	files    []string // the author's, sorted
	segments bool     // whether the segments' files are among them
	key      string   // of all that decides the outcome
}

// newInput gathers what a folder sees: the product's files and the author's.
func newInput(s *source, p *product, dir string) input {
	in := input{dir: dir, source: s, product: p, files: s.sees(dir)}
	slices.Sort(in.files)
	in.files = slices.DeleteFunc(in.files, func(file string) bool { _, read := s.files[file]; return !read })
	b := fmt.Appendf(make([]byte, 0, 4<<10), "unit\x00%s\x00%d\x00%s\x00%s\n", build(), p.language, p.sum, dir)
	for _, file := range in.files {
		in.segments = in.segments || path.Dir(file) == segmentsDir
		sum := s.files[file].sum
		b = append(append(append(b, file...), 0), sum[:]...)
	}
	sum := sha256.Sum256(b)
	in.key = hex.EncodeToString(sum[:])
	return in
}

// request writes the input for a worker.
func (in *input) request() ([]byte, error) {
	r := request{Build: build(), Dir: in.dir, Files: make(map[string]string, len(in.files)+len(in.product.files))}
	for file, c := range in.product.files {
		r.Files[file] = string(c.data)
	}
	for _, file := range in.files {
		r.Files[file] = string(in.source.files[file].data)
	}
	return json.Marshal(r)
}

// product is the product's own files, for a version of the language.
type product struct {
	language int
	files    map[string]content
	sum      string // of all of them
}

func newProduct(language int) (*product, error) {
	texts, err := schema.Files(language)
	if err != nil {
		return nil, err
	}
	p := &product{language: language, files: make(map[string]content, len(texts))}
	hash := sha256.New()
	for _, file := range sortedKeys(texts) {
		c := newContent(texts[file], "")
		p.files[file] = c
		_, _ = io.WriteString(hash, file+"\x00")
		hash.Write(c.sum[:])
	}
	p.sum = hex.EncodeToString(hash.Sum(nil))
	return p, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
