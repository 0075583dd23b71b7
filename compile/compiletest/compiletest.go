// Package compiletest writes flag repositories of any size, for tests and benchmarks of what compiles them.
// Not for use outside tests; start with [Tree].
package compiletest

import (
	"fmt"
	"testing/fstest"

	"github.com/yardarm-io/yardarm/schema"
)

// Context and Project are the user's part of the schema in the trees written here.
const (
	Context = `package schema

#Context: {
	targetingKey?: string
	email?:        string
	age?:          int & >=0
	plan?:         "free" | "pro" | "team"
	country?:      =~"^[A-Z]{2}$"
}
`
	Project = `package schema

project: {
	language: 1
	environments: ["staging", "production"]
}
`
)

// New gives a tree with the schema and the files given by path, and nothing else.
func New(files map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	product, err := schema.Files(schema.Language)
	if err != nil {
		panic(err) // the newest language is known
	}
	for path, text := range product {
		Set(tree, path, string(text))
	}
	Set(tree, "schema/context.cue", Context)
	Set(tree, "schema/project.cue", Project)
	for path, text := range files {
		Set(tree, path, text)
	}
	return tree
}

// Set writes a file.
func Set(tree fstest.MapFS, path, text string) {
	tree[path] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
}

// Tree gives a repository of folders with so many flags each, one flag a file, and three segments. The same sizes give the
// same tree.
func Tree(folders, flags int) fstest.MapFS {
	tree := New(map[string]string{"flags/segments/people.cue": segments})
	for i := range folders {
		for j := range flags {
			key := Key(i, j)
			Set(tree, File(i, j), Flag(key, 10+(i+j)%80))
		}
	}
	return tree
}

// Key is the key of flag j in folder i of a [Tree].
func Key(i, j int) string { return fmt.Sprintf("team%03d.flag%03d", i, j) }

// File is where that flag stands.
func File(i, j int) string { return fmt.Sprintf("flags/team%03d/flag%03d.cue", i, j) }

// Flag is the text of a file with one flag of the usual size, about a kilobyte, with a share of so many percent somewhere
// in it.
func Flag(key string, share int) string { return fmt.Sprintf(flag, key, share) }

const segments = `package segments

#staff: {email: =~"@corp\\.example$", ...}
#adults: {age: >=18, ...}
#europe: {country: "DE" | "FR" | "ES" | "IT" | "AT", ...}
`

const flag = `package flags

import "flags.local/flags/segments"

flags: %[1]q: {
	description: "A flag of the usual size, which is like those that people write."
	owner:       "team-payments"
	kind:        "ops"
	variants: {
		control:   "old"
		treatment: "new"
		off:       "none"
	}
	off: "off"

	environments: staging: {
		targets: treatment: ["user-1842", "user-1843", "user-2001"]
		rules: [
			{
				name:  "staff"
				#when: segments.#staff
				serve: "treatment"
			},
		]
		split: {control: 50, treatment: 50}
	}
	environments: production: {
		enabled: true
		targets: treatment: ["user-1842"]
		rules: [
			{
				name:  "staff"
				#when: segments.#staff
				serve: "treatment"
			},
			{
				name: "early"
				#when: {plan: "pro" | "team", age: >=18}
				#unless: country: "FR"
				share: %[2]d
				serve: "treatment"
			},
			{
				name: "europe"
				#any: [segments.#europe, {country: "CH"}]
				split: {control: 90, treatment: 10}
			},
		]
		serve: "control"
	}
}
`
