package eval

import "time"

// Situation says which step of deciding gave the answer.
type Situation string

// The situations, in the order in which they are looked at.
const (
	SituationUnknown      Situation = "unknown"      // the snapshot has no such flag
	SituationBroken       Situation = "broken"       // this engine cannot decide the flag
	SituationHeld         Situation = "held"         // kept off at the server: off
	SituationDisabled     Situation = "disabled"     // not enabled: off
	SituationPrerequisite Situation = "prerequisite" // one is not met: off
	SituationTarget       Situation = "target"
	SituationRule         Situation = "rule"
	SituationOutcome      Situation = "outcome"   // the environment's own
	SituationNoBucket     Situation = "no bucket" // the environment's own split, and nothing to bucket by: off
)

// Trace is why a flag answered what it did: each step that was looked at, up to the one that gave the Result. It holds
// values of the evaluation context; who logs it logs those.
type Trace struct {
	Flag        string    `json:"flag"`
	Environment string    `json:"environment"`
	Revision    string    `json:"revision"`
	Situation   Situation `json:"situation"`
	Result      Result    `json:"result"`
	// Held is the hold of a flag that is held.
	Held *Held `json:"held,omitempty"`
	// Now is the instant asked about, if the clock was asked.
	Now *time.Time `json:"now,omitempty"`

	Requires []PrerequisiteTrace `json:"requires,omitempty"`
	// Target is the targeting key looked for among the targets; nil: not looked for, or the context has none.
	Target *string     `json:"target,omitempty"`
	Rules  []RuleTrace `json:"rules,omitempty"`
	// Split is the bucket of the environment's own split.
	Split *BucketTrace `json:"split,omitempty"`
}

// PrerequisiteTrace is what was found of a prerequisite.
type PrerequisiteTrace struct {
	Flag   string   `json:"flag"`
	Want   []string `json:"want"` // variants
	Met    bool     `json:"met"`
	Result Result   `json:"result"` // FLAG_NOT_FOUND where there is no such flag
	Held   *Held    `json:"held,omitempty"`
}

// RuleTrace is what was found of a rule.
type RuleTrace struct {
	Name    string `json:"name"`
	Applies bool   `json:"applies"`
	// Failed is the part by which the rule does not apply: when, any, unless, from, until, layer, share, ramp or split.
	Failed string `json:"failed,omitempty"`
	// Conditions are those that failed: one of when, or one for each alternative of any.
	Conditions []ConditionTrace `json:"conditions,omitempty"`
	// Unless is the condition that holds, where Failed is unless.
	Unless *Condition `json:"unless,omitempty"`
	From   *time.Time `json:"from,omitempty"`
	Until  *time.Time `json:"until,omitempty"`
	// Buckets are those looked at, in order: a layer's, a share's or ramp's, a split's.
	Buckets []BucketTrace `json:"buckets,omitempty"`
}

// ConditionTrace is a condition that failed.
type ConditionTrace struct {
	Attribute string    `json:"attribute"` // with dots between names; "": the context as a whole
	Absent    bool      `json:"absent,omitempty"`
	Have      string    `json:"have,omitempty"` // the value, as JSON
	Want      Condition `json:"want"`
	Segment   string    `json:"segment,omitempty"` // the segment that the condition stands in
}

// BucketTrace is a bucket and the range it was looked for in: from <= bucket < to.
type BucketTrace struct {
	Part string `json:"part"` // layer, share, ramp or split
	By   string `json:"by"`   // the attribute
	// Text is what was hashed; "": the attribute is absent, empty or neither a string nor an integer.
	Text   string `json:"text,omitempty"`
	Bucket int    `json:"bucket"`
	From   int    `json:"from"`
	To     int    `json:"to"`
	// Variant is what a split gives for the bucket.
	Variant string `json:"variant,omitempty"`
	// Since is when the step of a ramp began that counts; nil: none has begun.
	Since *time.Time `json:"since,omitempty"`
}
