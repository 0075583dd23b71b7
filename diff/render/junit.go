package render

import (
	"encoding/xml"

	"github.com/yardarm-io/yardarm/diff"
	"github.com/yardarm-io/yardarm/diff/review"
)

type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Line    int           `xml:"line,attr,omitempty"`
		Failure *junitFailure `xml:"failure,omitempty"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// junit is a suite for the flag files, one for the policy as a whole, and one for each environment: a case for each finding,
// and a good one for each flag that differs and has none.
func junit(r *review.Review, o Options) ([]byte, error) {
	files := junitSuite{Name: "flag files"}
	policy := junitSuite{Name: "policy"}
	environments := map[string]*junitSuite{}
	touched := map[[2]string]bool{} // environment and flag
	for _, f := range Findings(r) {
		suite := environments[f.Environment]
		switch {
		case f.Rule == "files", f.Rule == "test":
			suite = &files
		case f.Environment == "":
			suite = &policy
		case suite == nil:
			suite = &junitSuite{Name: f.Environment}
			environments[f.Environment] = suite
		}
		suite.add(ofFinding(f))
		touched[[2]string{f.Environment, f.Flag}] = true
	}
	if len(files.Cases) == 0 {
		name := plural(r.Flags, "flag") + " and " + plural(r.Tests, "flag test")
		files.add(junitCase{Name: name, Class: files.Name})
	}
	suites := junitSuites{Name: plain(o.title())}
	suites.add(files)
	if len(policy.Cases) > 0 {
		suites.add(policy)
	}
	if r.Report != nil {
		for _, e := range r.Report.Environments {
			suites.add(ofEnvironment(e, environments[e.Name], touched))
		}
	}
	out, err := xml.MarshalIndent(suites, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(out, '\n')...), nil
}

func ofEnvironment(e diff.Environment, found *junitSuite, touched map[[2]string]bool) junitSuite {
	suite := junitSuite{Name: plain(e.Name)}
	if found != nil {
		suite.Cases, suite.Failures = found.Cases, found.Failures
	}
	for _, flag := range e.Flags {
		if !touched[[2]string{e.Name, flag.Key}] {
			suite.add(junitCase{Name: plain(flag.Key), Class: suite.Name})
		}
	}
	suite.Tests = len(suite.Cases)
	return suite
}

func ofFinding(f Finding) junitCase {
	c := junitCase{Name: f.Title, Class: f.Rule, File: plain(f.File), Line: f.Line}
	if f.Environment != "" {
		c.Class = plain(f.Environment)
	}
	if f.Level == Error {
		c.Failure = &junitFailure{Type: f.Rule, Message: line(f.Message, 500), Text: f.Message}
	} else {
		c.Out = string(f.Level) + ": " + f.Message
	}
	return c
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
}

func (s *junitSuites) add(suite junitSuite) {
	s.Suites = append(s.Suites, suite)
	s.Tests += suite.Tests
	s.Failures += suite.Failures
}
