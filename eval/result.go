package eval

// TargetingKey is the attribute of an evaluation context that holds the targeting key.
const TargetingKey = "targetingKey"

// Context is an evaluation context in OpenFeature's flattened form: attributes by name, [TargetingKey] among them.
// Values are what JSON can carry: nil, bool, string, numbers of any Go kind or json.Number, maps with string keys and
// slices; a time.Time counts as its RFC 3339 text in UTC. Other values satisfy no condition. A nil Context has no
// attributes.
type Context map[string]any

// Reason says why a flag answered what it did, in OpenFeature's words.
type Reason string

// OpenFeature's reasons. An engine gives the first six; the rest are for what stands between it and a caller.
const (
	ReasonStatic         Reason = "STATIC"
	ReasonDefault        Reason = "DEFAULT"
	ReasonTargetingMatch Reason = "TARGETING_MATCH"
	ReasonSplit          Reason = "SPLIT"
	ReasonDisabled       Reason = "DISABLED"
	ReasonError          Reason = "ERROR"
	ReasonCached         Reason = "CACHED"
	ReasonStale          Reason = "STALE"
	ReasonUnknown        Reason = "UNKNOWN"
)

// ErrorCode says what went wrong where the reason is [ReasonError], in OpenFeature's words.
type ErrorCode string

// OpenFeature's error codes. An engine gives FLAG_NOT_FOUND and PARSE_ERROR.
const (
	CodeFlagNotFound        ErrorCode = "FLAG_NOT_FOUND"
	CodeParseError          ErrorCode = "PARSE_ERROR"
	CodeTypeMismatch        ErrorCode = "TYPE_MISMATCH"
	CodeProviderNotReady    ErrorCode = "PROVIDER_NOT_READY"
	CodeProviderFatal       ErrorCode = "PROVIDER_FATAL"
	CodeTargetingKeyMissing ErrorCode = "TARGETING_KEY_MISSING"
	CodeInvalidContext      ErrorCode = "INVALID_CONTEXT"
	CodeGeneral             ErrorCode = "GENERAL"
)

// Result is the answer of a flag.
type Result struct {
	// Value is a bool, string, float64 or map[string]any, which must not be changed; nil: the caller's own default.
	Value any `json:"value,omitempty"`
	// Variant is the name of Value; "" where Value is nil.
	Variant string `json:"variant,omitempty"`
	Reason  Reason `json:"reason"`
	// ErrorCode and ErrorMessage are set where Reason is ReasonError, and only there.
	ErrorCode    ErrorCode `json:"errorCode,omitempty"`
	ErrorMessage string    `json:"errorMessage,omitempty"`
}
