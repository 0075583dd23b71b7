package compile

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/yardarm-io/yardarm/compile/folder"
	"github.com/yardarm-io/yardarm/eval"
)

func example() (folder.Project, folder.Result) {
	return folder.Project{Language: 1, Environments: []string{"staging"}}, folder.Result{
		Errors: []*Error{{File: "flags/a/a.cue", Line: 1, Column: 2, Message: "no"}},
		Flags: []folder.Flag{{
			Key: "a.b", Type: eval.Boolean, Variants: []string{"off", "on"}, Files: []string{"flags/a/a.cue"},
			Environments: map[string]json.RawMessage{
				"production": json.RawMessage(`{"rules":[{"name":"x","when":{"all":[{"segment":"staff"},{"fields":{"segment":{"eq":"x"}}}]}},` +
					`{"name":"y","any":[{"segment":"b"},{"segment":"staff"}],"unless":{"any":[{"segment":"a"}]}}]}`),
				"staging": json.RawMessage(`{"enabled":false}`),
			},
		}},
		Segments: []folder.Segment{{Name: "staff", JSON: json.RawMessage(`{"condition":{"segment":"b"}}`), Uses: []string{"b"}}},
		Tests:    []folder.Test{{Name: "t", Flag: "a.b", Contexts: []folder.TestContext{{Attributes: map[string]any{"age": 18.5}}}}},
	}
}

func TestCodec(t *testing.T) {
	project, result := example()
	data, err := encode(project, result)
	if err != nil {
		t.Fatal(err)
	}
	u, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(u.result, result) || !reflect.DeepEqual(u.project, project) {
		t.Errorf("got\n%+v\nwant\n%+v", u.result, result)
	}
	if got, want := u.items[0].Uses, []string{"a", "b", "staff"}; !reflect.DeepEqual(got, want) {
		t.Errorf("the flag uses the segments %v, want %v", got, want)
	}
	if got, want := string(u.items[1].line), `flag a.b {"enabled":false}`; got != want {
		t.Errorf("line %q, want %q", got, want)
	}
	if got, want := string(u.items[2].line), `segment staff {"condition":{"segment":"b"}}`; got != want {
		t.Errorf("line %q, want %q", got, want)
	}
	for i := range data {
		if _, err := decode(data[:i]); !errors.Is(err, errEncoding) {
			t.Fatalf("the first %d bytes alone: %v", i, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	data, err := encode(example())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte{})
	f.Add([]byte("\x13{\"items\":[{\"flag\":9}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := decode(data)
		if err != nil {
			if !errors.Is(err, errEncoding) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		for _, it := range u.items {
			if len(it.line) != it.Length {
				t.Errorf("a line of %d bytes, not %d", len(it.line), it.Length)
			}
		}
	})
}
