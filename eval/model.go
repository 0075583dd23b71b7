package eval

import "time"

// Bucketing names the only arithmetic of buckets that this engine knows: see [Bucket].
const Bucketing = "murmur3-v2"

// Format is the version of the item lines that this engine reads and writes.
const Format = 1

// At is a snapshot's position in history.
type At struct {
	// Revision is the commit, as Git names it.
	Revision string `json:"revision"`
	// Generation is 1 + the greatest generation of the commit's parents: it always grows along history.
	Generation uint64 `json:"generation"`
	// Overlay counts the holds laid over the revision.
	Overlay uint64 `json:"overlay"`
	// Digest is the hash of all items, in lower-case hexadecimal: see [Snapshot.At].
	Digest string `json:"digest"`
	// Time is when the revision was committed, in UTC.
	Time time.Time `json:"time"`
}

// Meta is the item named "meta": what a snapshot is of, and what decided its content besides the commit.
type Meta struct {
	Format      int    `json:"format"`
	Environment string `json:"environment"`
	Bucketing   string `json:"bucketing"`
	Compiler    string `json:"compiler"`
}

// Type is the one type that all variants of a flag have, in OpenFeature's words.
type Type string

// The types a flag can have.
const (
	Boolean Type = "boolean"
	String  Type = "string"
	Number  Type = "number"
	Object  Type = "object"
)

// Flag is the item "flag KEY": one flag as it stands in one environment.
// It is read-only once it is part of a snapshot.
type Flag struct {
	Key string `json:"-"`

	// For people; nothing is decided by these.
	Description string `json:"description,omitempty"`
	Owner       string `json:"owner,omitempty"`
	Kind        string `json:"kind,omitempty"`
	Expires     string `json:"expires,omitempty"`
	// Client marks a flag that browsers and other public clients may ask for.
	Client bool `json:"client,omitempty"`

	Type     Type           `json:"type"`
	Variants map[string]any `json:"variants"` // bool, string, float64 or map[string]any
	// Off is the variant that "off" means; nil: the caller's own default.
	Off     *string `json:"off"`
	Enabled bool    `json:"enabled"`
	// Held is why the flag is off whatever else stands here; nil: it is not held.
	Held *Held `json:"held,omitempty"`
	// Requires names flags and, for each, the variants of it that will do.
	Requires map[string][]string `json:"requires,omitempty"`
	// Targets names, for a variant, the targeting keys that get it.
	Targets map[string][]string `json:"targets,omitempty"`
	Rules   []Rule              `json:"rules,omitempty"`
	// Outcome is what remains for those whom no target and no rule took. It may be empty in a flag that is not enabled.
	Outcome
}

// Held is the hold by which an operator, or the server on its own, keeps a flag off at the server, without a commit. What of it an
// engine does not understand is zero, and the flag is off all the same.
type Held struct {
	ID     string    `json:"id"`
	By     string    `json:"by"` // who, for people
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	// Until is when the server lets the flag go by itself; nil: when it is told to, or a commit takes over.
	Until *time.Time `json:"until,omitempty"`
}

// Rule is one targeting rule. It applies to a context for which When holds, one of Any holds, Unless does not hold, and
// which the clock (From, Until), Layer and Share or Ramp let in. What is left out lets everyone in.
type Rule struct {
	Name   string      `json:"name"`
	When   *Condition  `json:"when,omitempty"`
	Any    []Condition `json:"any,omitempty"`
	Unless *Condition  `json:"unless,omitempty"`
	From   *time.Time  `json:"from,omitempty"`  // inclusive
	Until  *time.Time  `json:"until,omitempty"` // exclusive
	Layer  *Layer      `json:"layer,omitempty"`
	// Share is the part of contexts that the rule applies to, in thousandths of a percent; nil: all.
	Share *int `json:"share,omitempty"`
	// Ramp is Share as a schedule, in order of time: the last step that has begun counts, and none before the first.
	Ramp []Step `json:"ramp,omitempty"`
	Outcome
}

// Outcome is what is served: one variant, or a split of several.
type Outcome struct {
	Serve string `json:"serve,omitempty"`
	// Split gives each variant a weight in thousandths of a percent; the weights add up to 100,000.
	Split map[string]int `json:"split,omitempty"`
	// By is the attribute whose value is hashed into a bucket; "": the targeting key.
	By string `json:"by,omitempty"`
	// Salt is hashed before the value, so that flags with different salts bucket independently; "": the flag key.
	Salt string `json:"salt,omitempty"`
}

// Step is one step of a ramp: from At on, Share.
type Step struct {
	At    time.Time `json:"at"`
	Share int       `json:"share"` // thousandths of a percent
}

// Layer makes rules of several flags exclude each other: those of one layer see the same bucket of a context, and a rule
// applies where from <= bucket < to.
type Layer struct {
	Name  string `json:"name"`
	Slots [2]int `json:"slots"` // from, to, in thousandths of a percent
}

// Segment is the item "segment NAME": a condition with a name, which rules refer to.
type Segment struct {
	Name      string    `json:"-"`
	Condition Condition `json:"condition"`
}
