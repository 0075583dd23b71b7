package folder

import (
	"fmt"
	"time"
)

// Overdue warns of a flag whose day of expiry has passed at now; nil if it has not, or the flag has none.
// It stands apart from [Compile], whose results may be kept, because it depends on the clock.
func (f *Flag) Overdue(now time.Time) *Error {
	if f.Expires == "" {
		return nil
	}
	day, err := parseDay(f.Expires) // Compile has refused what is no day
	if err == nil && now.UTC().Before(day.AddDate(0, 0, 1)) {
		return nil
	}
	at := f.ExpiresAt
	return &Error{
		File: at.File, Line: at.Line, Column: at.Column, Path: pathString([]string{"flags", f.Key, "expires"}), Warning: true,
		Message: fmt.Sprintf("the flag %s should be gone since %s", quote(f.Key), f.Expires),
		Hint:    "remove it, or give it more time",
	}
}

// Over warns of each rule that has ended for good at now. Like [Flag.Overdue] it depends on the clock.
func (f *Flag) Over(now time.Time) []*Error {
	var over []*Error
	for _, end := range f.Ends {
		if now.Before(end.Until) {
			continue
		}
		over = append(over, &Error{
			File: end.At.File, Line: end.At.Line, Column: end.At.Column, Path: pathString([]string{"flags", f.Key}), Warning: true,
			Message: fmt.Sprintf("the rule %s ended at %s and never applies again", quote(end.Rule), end.Until.Format(time.RFC3339)),
			Hint:    "remove it",
		})
	}
	return over
}

func parseDay(day string) (time.Time, error) {
	return time.Parse(time.DateOnly, day)
}
