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
}

// Field is a condition on one attribute of an object.
type Field struct {
	Name      string
	Condition Condition
}
