package schema

import (
	"maps"
	"slices"
	"testing"
	"testing/fstest"
)

// TestFiles requires that the newest version is the one that stands here, and that others are unknown.
func TestFiles(t *testing.T) {
	if len(versions) != Language {
		t.Errorf("%d versions, and the newest is %d", len(versions), Language)
	}
	all, err := Files(Language)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range Start() {
		if all[name] != nil || len(text) == 0 {
			t.Errorf("%s is the product's too, or empty", name)
		}
	}
	for _, unknown := range []int{-1, 0, Language + 1} {
		if _, err := Files(unknown); err == nil {
			t.Errorf("language %d has files", unknown)
		}
	}
}

// TestEarlierVersion requires that a version keeps its own files when another follows it.
func TestEarlierVersion(t *testing.T) {
	now, err := Files(Language)
	if err != nil {
		t.Fatal(err)
	}
	defer func(all []version) { versions = all }(versions)
	older := version{fstest.MapFS{"all.cue": {Data: []byte("package schema // older\n")}}, []string{"all.cue"}, "package flags // older\n", Module}
	versions = slices.Insert(slices.Clone(versions), 0, older)
	first, err := Files(1)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(first)); !slices.Equal(got, []string{"cue.mod/module.cue", "flags/tie.cue", "schema/all.cue"}) ||
		string(first["schema/all.cue"]) != "package schema // older\n" || string(first["flags/tie.cue"]) != older.tie {
		t.Errorf("language 1 is %q", first)
	}
	next, err := Files(Language + 1)
	if err != nil || !maps.EqualFunc(next, now, slices.Equal) {
		t.Errorf("language %d is not what language %d was: %v", Language+1, Language, err)
	}
}
