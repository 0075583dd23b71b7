// Package publog keeps the publication log: what a server published or refused, when the branch was rewritten, and every hold, one
// JSON object a line, in a file that only grows.
//
// Each line names the SHA-256 of the line before it, so that a line that was changed, left out or put in later is found: see
// [Verify]. That shows nothing where the end was cut off, or all of it written anew, unless the digest of a later line was kept
// elsewhere.
//
// [Open] a log and [Log.Append] to it; [Read] gives its lines back. A file that has grown to 4 MiB is renamed log-0001.jsonl and so
// on, and the next one continues its chain.
package publog

// ContentType is the media type of a log's lines by HTTP.
const ContentType = "application/jsonl"
