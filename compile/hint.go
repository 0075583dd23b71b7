package compile

import (
	"fmt"
	"strings"

	"github.com/yardarm-io/yardarm/compile/folder"
)

// Nearest is the candidate that word is most likely a slip of: the one with the fewest letters changed, in any case. It is ""
// if none is near. The hints of errors are found by it too.
func Nearest(word string, candidates []string) string { return folder.Nearest(word, candidates) }

// choices suggests what somebody may have meant: the likeliest, or all where they are few.
func choices(word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(known) == 0 || len(known) > 8 {
		return ""
	}
	return fmt.Sprintf("there is %s", strings.Join(quoteAll(known), ", "))
}

func quoteAll(words []string) []string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = fmt.Sprintf("%q", word)
	}
	return quoted
}
