package folder

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

var reExample = regexp.MustCompile("(?ms)^```cue\n(.*?)^```$")

// TestWritingFlags compiles every example of docs/writing-flags.md; one that is only a part of a flag is given the rest.
func TestWritingFlags(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "writing-flags.md"))
	if err != nil {
		t.Fatal(err)
	}
	examples := reExample.FindAllStringSubmatch(string(text), -1)
	if len(examples) < 7 {
		t.Fatalf("%d examples, want seven at least", len(examples))
	}
	for _, example := range examples {
		source := example[1]
		tree, dir := startTree(t), "flags/example"
		if strings.Contains(source, "package segments") {
			dir = segmentsDir
			delete(tree, "flags/segments/people.cue")
		}
		tree[dir+"/example.cue"] = &fstest.MapFile{Data: []byte(source)}
		if strings.Contains(source, "payments.instalments") {
			rest, err := os.ReadFile(filepath.Join(root, "flags", "payments", "payments.cue"))
			if err != nil {
				t.Fatal(err)
			}
			tree[dir+"/payments.cue"] = &fstest.MapFile{Data: rest}
		}
		r := Compile(tree, dir)
		for _, e := range r.Errors {
			t.Errorf("%s\n%s", e, source)
		}
		if len(r.Flags)+len(r.Segments) == 0 {
			t.Errorf("nothing comes out of\n%s", source)
		}
	}
}

// TestWritingFlagsTable compiles every form that the table of conditions shows.
func TestWritingFlagsTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "writing-flags.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "What can be asked of an attribute:")
	table, _, _ = strings.Cut(table, "```")
	rows := regexp.MustCompile("(?m)^\\| `(.+?)` \\|").FindAllStringSubmatch(table, -1)
	if len(rows) < 19 {
		t.Fatalf("%d forms, want nineteen at least", len(rows))
	}
	for _, row := range rows {
		condition := strings.ReplaceAll(row[1], `\|`, "|")
		tree := startTree(t)
		source := "package flags\n\nimport (\n\t\"list\"\n\t\"net\"\n\t\"strings\"\n\n\t\"flags.local/schema\"\n)\n\n" +
			"_used: [list.Contains(1), net.InCIDR(\"::/0\"), strings.Contains(\"\"), schema.#Test]\n\n" +
			"flags: x: {description: \"d\", owner: \"o\", kind: \"ops\", environments: production: " +
			"{rules: [{name: \"r\", #when: {" + condition + "}, serve: \"on\"}], serve: \"off\"}}\n"
		tree["flags/example/example.cue"] = &fstest.MapFile{Data: []byte(source)}
		r := Compile(tree, "flags/example")
		if len(r.Errors) > 0 || !strings.Contains(string(r.Flags[0].Environments["production"]), `"when"`) {
			t.Errorf("%s: %v, %v", condition, r.Errors, r.Flags)
		}
	}
}
