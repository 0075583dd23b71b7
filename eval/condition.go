package eval

// Op is the form of a condition, as its only key in JSON.
type Op string

// The forms of a condition. Each says what it asks of a value; a value of another type never satisfies it.
const (
	OpFields   Op = "fields"   // an object that has each of Fields, satisfying its condition
	OpOptional Op = "optional" // an object in which each of Fields is absent or satisfies its condition
	OpAll      Op = "all"      // satisfies each of Of; of none: always
	OpAny      Op = "any"      // satisfies one of Of; of none: never
	OpSegment  Op = "segment"  // satisfies the condition of the segment named Text
	OpType     Op = "type"     // Text is boolean, string, number, integer, object, list, null or any

	OpEq Op = "eq" // equals Value: null, boolean, string or number
	OpIn Op = "in" // equals one of Values
	OpNe Op = "ne" // has the type of Value and is not equal to it; with null: is not null
	OpLt Op = "lt" // Value is a number or a string, here and below; strings compare by their UTF-8 bytes
	OpLe Op = "le"
	OpGt Op = "gt"
	OpGe Op = "ge"

	OpMatch    Op = "match"    // a string in which the regular expression Text matches somewhere
	OpNoMatch  Op = "noMatch"  // a string in which it matches nowhere
	OpPrefix   Op = "prefix"   // a string that begins with Text
	OpSuffix   Op = "suffix"   // a string that ends with Text
	OpContains Op = "contains" // a string in which Text occurs

	OpCIDR     Op = "cidr"     // a string that is an IP address in the network Text, such as 10.0.0.0/8
	OpVersion  Op = "version"  // a string that is a semantic version in the range Text, such as >=2.4.0 <3.0.0
	OpTime     Op = "time"     // a string that is an instant of RFC 3339 within Period
	OpInSHA256 Op = "inSHA256" // a string whose SHA-256 is one of Values, each 64 lower-case hexadecimal digits
	OpInFold   Op = "inFold"   // a string that, folded by [Fold], equals one of Values, which are folded

	OpHas    Op = "has"    // a list with an element that equals Value: null, boolean, string or number
	OpMatchN Op = "matchN" // a list: the number of its elements that satisfy Of[1] satisfies Of[0]
)

// Condition is a test of a value; a rule's conditions test the evaluation context as a whole, which is an object.
// In JSON it is an object with one key, the form: {"all":[...]}, {"fields":{"plan":{"eq":"pro"}}}, {"ge":18}.
type Condition struct {
	Op     Op
	Text   string
	Value  any   // nil, bool, string or float64
	Values []any // as Value
	Of     []Condition
	Fields []Field // in order of name
	Period *Period
}

// Field is a condition on one attribute of an object.
type Field struct {
	Name      string
	Condition Condition
}
