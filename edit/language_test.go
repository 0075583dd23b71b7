package edit

import "testing"

func TestSetLanguage(t *testing.T) {
	for source, want := range map[string]string{
		"package schema\n\n// Ours.\nproject: {\n\tlanguage: 1 // newest\n\tenvironments: [\"a\"]\n}\n": "package schema\n\n// Ours.\nproject: {\n\tlanguage: 12 // newest\n\tenvironments: [\"a\"]\n}\n",
		"package schema\nproject: environments: [\"a\"]\nproject: language: 007_0\n":                    "",
		"package schema\nproject: environments: [\"a\"]\nproject: \"language\": 10\n":                   "package schema\nproject: environments: [\"a\"]\nproject: \"language\": 12\n",
		"package schema\nproject: language: \"1\"\n":                                                    "",
		"package schema\nproject: {}\n":                                                                 "",
		"package schema\nproject:\n":                                                                    "",
	} {
		got, err := SetLanguage("schema/project.cue", []byte(source), 12)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v", source, got, err)
		}
	}
}
