package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/compile"
	"github.com/yardarm-io/yardarm/compile/folder"
	"github.com/yardarm-io/yardarm/eval"
)

// TestPlanUpgrade goes from an older version of the language, which there is not yet, to a newer one.
func TestPlanUpgrade(t *testing.T) {
	product := func(language int) (map[string][]byte, error) {
		switch language {
		case 7:
			return map[string][]byte{"schema/flag.cue": []byte("seven"), "schema/gone.cue": []byte("seven"), "flags/tie.cue": []byte("tie")}, nil
		case 8:
			return map[string][]byte{"schema/flag.cue": []byte("eight"), "schema/new.cue": []byte("eight"), "flags/tie.cue": []byte("tie")}, nil
		}
		return nil, errors.New("unknown")
	}
	files, err := product(7)
	if err != nil {
		t.Fatal(err)
	}
	files["schema/project.cue"] = []byte("package schema\n\nproject: {language: 7, environments: [\"a\"]} // ours\n")
	files["flags/a/a.cue"] = []byte("package flags\n")
	steps, err := planUpgrade(files, 7, 8, product)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&got, "%s %s: %q\n", s.file, s.why, s.text)
	}
	want := `schema/flag.cue differs from this Yardarm's: "eight"
schema/gone.cue is no part of language 8: ""
schema/new.cue is missing: "eight"
schema/project.cue language 7 becomes 8: "package schema\n\nproject: {language: 8, environments: [\"a\"]} // ours\n"
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
	for _, s := range steps {
		if s.text == nil {
			delete(files, s.file)
		} else {
			files[s.file] = s.text
		}
	}
	if again, err := planUpgrade(files, 8, 8, product); len(again) > 0 || err != nil {
		t.Errorf("afterwards there is still to do: %v, %v", again, err)
	}
	if _, err := planUpgrade(files, 8, 9, product); err == nil {
		t.Error("a version that does not exist is no error")
	}
}

func TestEffects(t *testing.T) {
	output := func(flags ...string) *compile.Output {
		lines := [][]byte{[]byte(`meta {"bucketing":"murmur3-v2","compiler":"1","environment":"a","format":1}`)}
		for _, flag := range flags {
			lines = append(lines, []byte(flag))
		}
		s, err := eval.New(eval.At{}, lines, nil)
		if err != nil {
			t.Fatal(err)
		}
		return &compile.Output{Project: folder.Project{Environments: []string{"a"}}, Snapshots: map[string]*eval.Snapshot{"a": s}}
	}
	before := output(`flag x {"off":null}`, `flag y {"off":null}`)
	if got := effects(before, before); len(got) != 1 || got[0] != `no effect: every flag stays as it is in "a"` {
		t.Errorf("the same has %q", got)
	}
	got := strings.Join(effects(before, output(`flag x {"enabled":true}`, `segment s {"condition":{"all":[]}}`)), "\n")
	if want := "effect in a: flag x changes\neffect in a: flag y goes\neffect in a: segment s comes"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
