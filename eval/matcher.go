package eval

import "fmt"

// Matcher is a condition made ready to be asked. It is immutable.
type Matcher struct {
	test test
}

// Prepare makes c ready to be asked by itself, apart from any rule: for tests of conditions and for the blast radius.
// Segments are those of s, which may be nil and has none then. It fails where a flag with this condition would be broken.
// The condition must not be changed afterwards.
func (s *Snapshot) Prepare(c *Condition) (*Matcher, error) {
	p := preparer{}
	if s != nil {
		p.segments = s.ready().segments
	}
	t, err := p.test(c)
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return nil, fmt.Errorf("prepare a condition: %w", err)
	}
	return &Matcher{t}, nil
}

// Holds reports whether ec satisfies the condition, as it would in a rule.
func (m *Matcher) Holds(ec Context) bool { return m.test.holds(ec) }
