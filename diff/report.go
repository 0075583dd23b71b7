package diff

import (
	"time"

	"github.com/yardarm-io/yardarm/eval"
)

// Report is what a change does, in all environments.
type Report struct {
	// Environments are those of either side, in the author's order; each holds only the flags that differ.
	Environments []Environment `json:"environments"`
	// Verdicts are the policy's, failures first; see [Judge].
	Verdicts []Verdict `json:"verdicts"`
	// Effect is a SHA-256, in lower-case hexadecimal, of what the change does to decisions, whenever it is merged: it stays the
	// same while a branch is rebased, reformatted or described better. It is "" where no decision changes.
	Effect string `json:"effect"`
}

// Environment is what a change does in one environment.
type Environment struct {
	Name string `json:"name"`
	// Added and Removed say that only one side has the environment.
	Added   bool `json:"added,omitempty"`
	Removed bool `json:"removed,omitempty"`
	// Flags are those that differ, and those whose answers may because they depend on such a one, in order of key.
	Flags []Flag `json:"flags"`
	// Risks are what stands in the new state and can hardly be meant, of the flags that differ.
	Risks []Risk `json:"risks,omitempty"`
}

// Flag is what a change does to one flag in one environment.
type Flag struct {
	Key string `json:"key"`
	// Owner and Kind are the new state's; of a removed flag the old one's.
	Owner string `json:"owner,omitempty"`
	Kind  string `json:"kind,omitempty"`
	// Changes are what differs in the flag itself; none where it only follows what it depends on.
	Changes []Change `json:"changes,omitempty"`
	// Because names the changed flags ("flag KEY") and segments ("segment NAME") through which the flag is affected.
	Because []string `json:"because,omitempty"`
	// Steps are the instants at which somebody is moved: the merge first, then each later boundary, in order of time. The step
	// of the merge is always there.
	Steps []Step `json:"steps"`
	// Off is the variant that "off" means in the new state; "" for the caller's own default.
	Off string `json:"off,omitempty"`

	// Whether off means another value than before, and the kind that it had; "" for a new flag.
	otherOff bool
	kindWas  string
}

// ChangeKind says what sort of thing differs.
type ChangeKind string

// The kinds of change, in the order in which they are told.
const (
	FlagAdded            ChangeKind = "flag added"
	FlagRemoved          ChangeKind = "flag removed"
	FlagEnabled          ChangeKind = "enabled"
	FlagDisabled         ChangeKind = "disabled"
	TypeChanged          ChangeKind = "type changed"
	VariantAdded         ChangeKind = "variant added"
	VariantRemoved       ChangeKind = "variant removed"
	VariantChanged       ChangeKind = "variant value changed"
	OffChanged           ChangeKind = "off changed"
	PrerequisiteChanged  ChangeKind = "prerequisite changed"
	TargetsChanged       ChangeKind = "targets changed"
	RuleAdded            ChangeKind = "rule added"
	RuleRemoved          ChangeKind = "rule removed"
	RuleMoved            ChangeKind = "rule moved"
	AudienceWidened      ChangeKind = "audience widened"
	AudienceNarrowed     ChangeKind = "audience narrowed"
	AudienceChanged      ChangeKind = "audience changed" // neither wider nor narrower: some come in and some go
	ShareChanged         ChangeKind = "share changed"
	RampChanged          ChangeKind = "ramp changed"
	ScheduleChanged      ChangeKind = "schedule changed" // from, until
	LayerChanged         ChangeKind = "layer changed"
	SplitChanged         ChangeKind = "split changed"
	OutcomeChanged       ChangeKind = "outcome changed" // another variant is served
	BucketingChanged     ChangeKind = "bucketing changed"
	ExposureChanged      ChangeKind = "exposure changed" // whether browsers may ask for the flag
	MetadataChanged      ChangeKind = "metadata changed" // nothing is decided by it
	SegmentChangedInside ChangeKind = "segment changed"
)

// Change is one difference of a flag, in words for people who never saw its file.
type Change struct {
	Kind ChangeKind `json:"kind"`
	// Rule names the rule that differs; "" for the flag itself or the environment's own outcome.
	Rule string `json:"rule,omitempty"`
	// Text is one sentence without its full stop, such as: the rule "early" takes 60 % of those it is for instead of 5 %.
	Text string `json:"text"`

	// The rule on both sides, as far as there is one, for the way forward that a verdict proposes. What an environment does with
	// those who remain is a rule without a name.
	before, after *eval.Rule
}

// Step is who is moved at one instant.
type Step struct {
	// At is the instant; zero for the merge itself.
	At time.Time `json:"at,omitzero"`
	// Planned says that the base moves the same people at that instant, so that it is not this change that does.
	Planned bool `json:"planned,omitempty"`
	// Classes are the contexts that are moved, the most moved first; none where nobody is.
	Classes []Class `json:"classes,omitempty"`
	// Moved is which part of the audience the step moves, in percent: weighted where there is a population; otherwise the
	// greatest of all classes but those of single keys. Counted leaves out who is turned off and who is exempt, and is what
	// a policy's maxStep bounds.
	Moved   float64 `json:"moved"`
	Counted float64 `json:"counted"`
	// Keys counts the single targeting keys that are moved.
	Keys int `json:"keys,omitempty"`
	// Incomplete says that the conditions tell apart more classes than were looked at, so that Moved and Counted are 100, the most
	// that can be.
	Incomplete bool `json:"incomplete,omitempty"`
}

// Class is all contexts that no condition of either side tells apart, as far as they are served the same.
type Class struct {
	// Who says it in words, such as: plan is "pro" or "team", country is not "FR", no age. "everyone" where there is one class.
	Who string `json:"who"`
	// Weight is which part of the population is in the class, in percent; nil where there is no population.
	Weight *float64 `json:"weight,omitempty"`
	// Keys counts the single values of a bucketing attribute that the class consists of; 0: it is not such a class.
	Keys int `json:"keys,omitempty"`
	// Exempt says that all of the class are in a segment that the policy exempts.
	Exempt bool `json:"exempt,omitempty"`
	// Example is a context of the class but for its bucketing values; nil where none is known.
	Example eval.Context `json:"example,omitempty"`
	// Before and After are who is served what, in order of variant; Moves, from what to what, in order of points, the most first.
	Before []Served `json:"before"`
	After  []Served `json:"after"`
	Moves  []Move   `json:"moves"`
}

// Served is the part of a class that gets a variant.
type Served struct {
	// Variant is "" for the caller's own default.
	Variant string  `json:"variant"`
	Percent float64 `json:"percent"`
}

// Move is the part of a class that goes from one variant to another, or from one value of a variant to another.
type Move struct {
	// From and To are "" for the caller's own default.
	From string `json:"from"`
	To   string `json:"to"`
	// Percent is of the class, over all 100,000 buckets of each hash, exactly.
	Percent float64 `json:"percent"`
	// Off says that To is what the flag's "off" means: such a move is always allowed.
	Off bool `json:"off,omitempty"`
}

// Risk is something in the new state that can hardly be meant.
type Risk struct {
	Flag string `json:"flag"`
	Rule string `json:"rule,omitempty"`
	// Text says what, as one sentence without its full stop: condition "late" can never hold, rule "x" is never reached.
	Text string `json:"text"`
	// File, Line and Column are the place to mend; "" and 0 where there is none. [Compare] leaves them empty.
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}
