package compile

import "github.com/yardarm-io/yardarm/eval"

// CheckContext warns of what in an evaluation context does not fit the project's #Context: attributes that it does not
// have, of another type, or outside of the values to choose from. Bounds and patterns are not looked at. A context that does
// not fit is decided on all the same: nothing keeps a service from sending it.
func (o *Output) CheckContext(ec eval.Context) []*Error { return o.Project.Context.Check(ec) }
