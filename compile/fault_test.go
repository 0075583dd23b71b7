package compile

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/yardarm-io/yardarm/compile/compiletest"
	"github.com/yardarm-io/yardarm/eval"
)

// TestFaults lists what is the matter of one folder, and what is that of all.
func TestFaults(t *testing.T) {
	const broken, tie = "package flags\n\nflags: {", "package flags\n"
	flag := func(key, more string) string {
		return "package flags\n\nflags: \"" + key + "\": {\n\tdescription: \"d\", owner: \"o\", kind: \"ops\"\n\tenvironments: production: serve: \"on\"\n" + more + "}\n"
	}
	for name, tt := range map[string]struct {
		files   map[string]string
		folders string
		shared  bool
	}{
		"nothing":                 {},
		"syntax":                  {files: map[string]string{"flags/a/x.cue": broken}, folders: "flags/a"},
		"two":                     {files: map[string]string{"flags/a/x.cue": broken, "flags/b/x.cue": flag("b", "kind: \"opps\"\n")}, folders: "flags/a flags/b"},
		"deep, on its own":        {files: map[string]string{"flags/eu/a/x.cue": broken, "flags/eu/b/x.cue": flag("b", "")}, folders: "flags/eu/a"},
		"under a tie of its own":  {files: map[string]string{"flags/eu/tie.cue": tie, "flags/eu/a/x.cue": broken, "flags/eu/b/x.cue": flag("b", "")}, folders: "flags/eu"},
		"a broken tie":            {files: map[string]string{"flags/eu/tie.cue": broken, "flags/eu/a/x.cue": flag("a", "")}, folders: "flags/eu"},
		"a file above folders":    {files: map[string]string{"flags/eu/x.cue": flag("x", ""), "flags/eu/a/x.cue": flag("a", "")}, folders: "flags/eu"},
		"a name that CUE skips":   {files: map[string]string{"flags/a/_x.cue": flag("a", "")}, folders: "flags/a"},
		"a folder that CUE skips": {files: map[string]string{"flags/_a/x.cue": flag("a", "")}, folders: "flags/_a"},
		"segments":                {files: map[string]string{"flags/segments/x.cue": "package segments\n\n#a: {"}, shared: true},
		"context":                 {files: map[string]string{"schema/context.cue": "package schema\n\n#Context: {"}, shared: true},
		"project":                 {files: map[string]string{"schema/project.cue": strings.Replace(compiletest.Project, "1", "999", 1)}, shared: true},
		"in flags itself":         {files: map[string]string{"flags/x.cue": flag("x", "")}, shared: true},
		"a key twice":             {files: map[string]string{"flags/a/x.cue": flag("a", ""), "flags/b/x.cue": flag("a", "")}},
		"a missing prerequisite":  {files: map[string]string{"flags/a/x.cue": flag("a", "environments: production: requires: b: [\"on\"]\n")}},
	} {
		t.Run(name, func(t *testing.T) {
			compiler, err := New(Config{})
			if err != nil {
				t.Fatal(err)
			}
			out, err := compiler.Compile(t.Context(), compiletest.New(tt.files), eval.At{})
			if err != nil {
				t.Fatal(err)
			}
			folders := strings.Join(slices.Sorted(maps.Keys(out.Faults.Folders)), " ")
			if folders != tt.folders || (len(out.Faults.Shared) > 0) != tt.shared {
				t.Errorf("faults in %q and shared %v, want %q, %t", folders, out.Faults.Shared, tt.folders, tt.shared)
			}
			if n := len(out.Faults.Shared) + len(out.Faults.Folders); n > 0 && out.Err() == nil {
				t.Error("faults, and yet snapshots")
			}
		})
	}
}
