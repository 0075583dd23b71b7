package diff

import "time"

// Policy is what a project allows a change to do. The zero value allows everything that compiles.
type Policy struct {
	// Environments holds the bounds of an environment by its name. One that is named here is guarded: what [Judge] always looks at
	// (a re-bucketing, a variant's type, a deletion) fails there, and is a warning elsewhere.
	Environments map[string]Guard `json:"environments,omitempty"`
	// MaxFlags is how many flags an owner may have of a kind: by owner ("*": each that is not named), then by kind ("*": all kinds
	// together).
	MaxFlags map[string]map[string]int `json:"maxFlags,omitempty"`
	// MaxAge is how old a flag of a kind may grow, in hours. An older one may be turned off and removed, and not widened.
	MaxAge map[string]int `json:"maxAge,omitempty"`
	// Approvers may allow an override: user names of the forge, or "org/team".
	Approvers []string `json:"approvers,omitempty"`
}

// Guard bounds what one change or one boundary may do in an environment. Zero values bound nothing.
type Guard struct {
	// MaxStep is the greatest part of the audience, in percent, that may be moved at once; nil: any.
	MaxStep *float64 `json:"maxStep,omitempty"`
	// MinSoak is how many minutes have to pass between two widenings of one flag.
	MinSoak int `json:"minSoak,omitempty"`
	// Freeze are windows in which nobody may be moved but to off.
	Freeze []Freeze `json:"freeze,omitempty"`
	// RequireTests demands, for each flag whose decisions change here, a flag test that asks for it here.
	RequireTests bool `json:"requireTests,omitempty"`
	// RequireOwner demands that CODEOWNERS gives the files of each flag that changes here to its owner.
	RequireOwner bool `json:"requireOwner,omitempty"`
	// MaxTargets is how many single targeting keys one change may move; nil: any.
	MaxTargets *int `json:"maxTargets,omitempty"`
	// Exempt names segments whose people MaxStep does not count, such as colleagues.
	Exempt []string `json:"exempt,omitempty"`
}

// Freeze is a window of time: from From on, and before Until.
type Freeze struct {
	Name  string    `json:"name"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// RuleName names a rule of the policy, as verdicts and overrides do.
type RuleName string

// The rules of a policy.
const (
	RuleMaxStep      RuleName = "maxStep"
	RuleMinSoak      RuleName = "minSoak"
	RuleFreeze       RuleName = "freeze"
	RuleRequireTests RuleName = "requireTests"
	RuleRequireOwner RuleName = "requireOwner"
	RuleMaxTargets   RuleName = "maxTargets"
	RuleMaxFlags     RuleName = "maxFlags"
	RuleMaxAge       RuleName = "maxAge"
	RuleDeletion     RuleName = "deletion" // of a flag that is still evaluated, or that others require
	RuleRebucket     RuleName = "rebucket" // who gets what is dealt out anew
	RuleType         RuleName = "type"     // a flag's or variant's type changes under the services that read it
	RulePolicy       RuleName = "policy"   // the change loosens the policy that it is judged by
)

// Outcome says how a rule of the policy judges a change.
type Outcome string

// The outcomes.
const (
	Failed     Outcome = "fail"
	Warned     Outcome = "warn"
	Overridden Outcome = "overridden" // it fails, and one who may allowed it
)

// Verdict is one finding of the policy.
type Verdict struct {
	Rule        RuleName  `json:"rule"`
	Outcome     Outcome   `json:"outcome"`
	Environment string    `json:"environment,omitempty"`
	Flag        string    `json:"flag,omitempty"`
	At          time.Time `json:"at,omitzero"` // the boundary at which; zero: the merge
	// Message says what is wrong, with the figure and the bound; Hint, what to do instead.
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Until is when waiting alone mends it, such as the end of a freeze; zero: never.
	Until time.Time `json:"until,omitzero"`
	// Override is the override that names the rule, whether or not it counts; nil: none does.
	Override *Override `json:"override,omitempty"`
	// File, Line and Column are the place to mend; "" and 0 where there is none. [Judge] leaves them empty.
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// Override is a request to let one rule of the policy pass, from a trailer of a commit: Yardarm-Override: RULE reason.
type Override struct {
	Rule   RuleName `json:"rule"`
	Reason string   `json:"reason"`
	// ApprovedBy names who allowed it; "" as long as nobody did who may.
	ApprovedBy string `json:"approvedBy,omitempty"`
}

// Approval is that somebody approved a head commit.
type Approval struct {
	Who  string `json:"who"`
	Head string `json:"head"`
	// Teams are the teams of Who, as "org/team", as far as they are known.
	Teams []string `json:"teams,omitempty"`
}

// Facts are what is known of a change from outside of the two states. Zero values are unknown, which never makes a rule
// pass that asks for it unless the field says so.
type Facts struct {
	// Now is the time of the merge; it must be set.
	Now time.Time
	// Head is the commit that is proposed; "": none, so that no approval counts.
	Head string
	// Widened says when a flag was last widened in an environment before this change; false: not within the policy's minSoak.
	// nil: unknown, and minSoak warns.
	Widened func(environment, flag string) (time.Time, bool)
	// Existed says whether a flag existed at an instant; nil: unknown, and maxAge warns.
	Existed func(flag string, at time.Time) bool
	// Tested says whether a flag test of the new state asks for the flag in the environment.
	Tested func(environment, flag string) bool
	// Owners gives the owners of the flag's files by CODEOWNERS, such as "@org/team-payments"; nil: there is no CODEOWNERS.
	Owners func(flag string) []string
	// Usage is how often flags were asked for of late. Of an environment without any count nothing is known, and no deletion fails
	// by it.
	Usage Usage
	// Flags counts the flags by owner and kind, before and after.
	Before, After Census
	// Overrides and Approvals are those of the proposal.
	Overrides []Override
	Approvals []Approval
	// PolicyChanges says, a line each, how the new state's policy differs from the one that judges; none: it does not.
	PolicyChanges []string
	// Loosened are those of PolicyChanges that loosen the policy: see [PolicyChanges].
	Loosened []string
}

// Usage counts evaluations of late: by flag, then environment.
type Usage map[string]map[string]int64

// Census counts flags: by owner, then kind.
type Census map[string]map[string]int
