package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/yardarm-io/yardarm/schema"
)

// input is one folder to compile, with all that its CUE instance can see.
type input struct {
	dir      string
	product  *product
	bundles  []*bundle
	segments bool   // whether the segments' files are among them
	key      string // of all that decides the outcome
}

// newInput gathers what a folder sees: the product's files and the author's.
func newInput(s *source, p *product, dir string) input {
	in := input{dir: dir, product: p}
	b := fmt.Appendf(make([]byte, 0, 1<<10), "unit\x00%s\x00%d\x00%s\x00%s\n", build(), p.language, p.sum, dir)
	for _, at := range s.sees(dir) {
		seen := s.bundles[at]
		in.bundles = append(in.bundles, seen)
		in.segments = in.segments || at == segmentsDir
		b = append(append(append(b, at...), 0), seen.sum[:]...)
	}
	sum := sha256.Sum256(b)
	in.key = hex.EncodeToString(sum[:])
	return in
}

// request writes the input for a worker.
func (in *input) request() ([]byte, error) {
	r := request{Build: build(), Dir: in.dir, Files: make(map[string]string, len(in.product.files))}
	for file, c := range in.product.files {
		r.Files[file] = string(c.data)
	}
	for _, b := range in.bundles {
		for _, file := range b.paths {
			if c, ok := b.files[file]; ok {
				r.Files[file] = string(c.data)
			}
		}
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
