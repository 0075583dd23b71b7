package render

import "github.com/yardarm-io/yardarm/diff/review"

// markdown is a review as Markdown, of at most so many bytes.
func markdown(r *review.Review, _ Options, _ int) string { return Summary(r) + "\n" }
