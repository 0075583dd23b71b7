package webhooktest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault is an answer out of turn.
type Fault struct {
	// Method and Path choose the requests: of that method, with a path that contains Path. "": all.
	Method, Path string
	// Status, Header and Body are the answer. Status 0 cuts the connection without one.
	Status int
	Header map[string]string
	Body   string
	// After carries the request out first, so that only the answer is lost.
	After bool
	// Until holds the answer back until it is closed, or the client is gone.
	Until <-chan struct{}
	// Times is to how many requests it happens; 0: one.
	Times int
}

// Fail makes the server answer so. The faults are looked through in order; one that has happened often enough is gone.
func (s *Server) Fail(faults ...Fault) {
	defer s.lock()()
	for _, fault := range faults {
		fault.Times = max(fault.Times, 1)
		s.faults = append(s.faults, &fault)
	}
}

// Heal takes all faults away.
func (s *Server) Heal() {
	defer s.lock()()
	s.faults = nil
}

// SecondaryLimit is how GitHub answers who asks too fast. Less than a second leaves the time to wait unsaid, as GitHub may.
func SecondaryLimit(retryAfter time.Duration) Fault {
	header := map[string]string{}
	if retryAfter >= time.Second {
		header["Retry-After"] = strconv.Itoa(int(retryAfter.Seconds()))
	}
	return Fault{Status: http.StatusForbidden, Header: header, Body: `{"message":"You have exceeded a secondary rate limit. ` +
		`Please wait a few minutes before you try again.","documentation_url":` +
		`"https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`}
}

// RateLimit is how GitHub answers who used up what an hour allows.
func RateLimit(reset time.Time) Fault {
	return Fault{Status: http.StatusForbidden, Header: map[string]string{
		"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": strconv.FormatInt(reset.Unix(), 10),
	}, Body: `{"message":"API rate limit exceeded for installation ID 1.","documentation_url":` +
		`"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"}`}
}

// BadGateway is how GitHub answers when it is unwell.
func BadGateway() Fault {
	return Fault{Status: http.StatusBadGateway, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>Unicorn!</html>"}
}

// fault gives what is to go wrong with a request; nil: nothing.
func (s *state) fault(r *http.Request) *Fault {
	for i, fault := range s.faults {
		if (fault.Method != "" && fault.Method != r.Method) || !strings.Contains(r.URL.Path, fault.Path) {
			continue
		}
		if fault.Times--; fault.Times == 0 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		}
		return fault
	}
	return nil
}
