package render

import "github.com/yardarm-io/yardarm/diff/review"

// text is a review for a terminal.
func text(r *review.Review, _ Options) []byte { return []byte(Summary(r) + "\n") }
