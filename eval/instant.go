package eval

import (
	"fmt"
	"time"
)

// Period is a range of instants: from After on, and before Before. Either may be nil, which leaves that end open.
type Period struct {
	After  *time.Time `json:"after,omitempty"`
	Before *time.Time `json:"before,omitempty"`
}

// Has reports whether t is in the period.
func (p *Period) Has(t time.Time) bool {
	return (p.After == nil || !t.Before(*p.After)) && (p.Before == nil || t.Before(*p.Before))
}

// String writes the period as people read it.
func (p *Period) String() string {
	text := "a time"
	if p.After != nil {
		text += " at or after " + instantText(*p.After)
	}
	if p.After != nil && p.Before != nil {
		text += " and"
	}
	if p.Before != nil {
		text += " before " + instantText(*p.Before)
	}
	return text
}

func instantText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// hasText reports whether s is an instant in the period.
func (p *Period) hasText(s string) bool {
	t, ok := readInstant(s)
	return ok && p.Has(t)
}

// holdsOf reports whether v, which may also be a time.Time, is an instant in the period.
func (p *Period) holdsOf(v any) bool {
	if t, ok := v.(time.Time); ok {
		return inCalendar(t.UTC()) && p.Has(t)
	}
	s, ok := text(v)
	return ok && p.hasText(s)
}

// inCalendar reports whether RFC 3339 can write an instant of UTC, which has four digits for the year.
func inCalendar(utc time.Time) bool { return 0 <= utc.Year() && utc.Year() <= 9999 }

// Instant reads an instant of RFC 3339: a date, "T", the time of day to the second or a fraction of it, and "Z" or the
// offset from UTC, as in 2026-12-01T09:00:00Z and 2026-12-01T10:00:00.5+01:00. Of a fraction, nine digits count; there are
// no leap seconds.
func Instant(s string) (time.Time, error) {
	t, ok := readInstant(s)
	if !ok && !inCalendar(t) {
		return time.Time{}, fmt.Errorf("%q is outside the years 0000 to 9999 in UTC", s)
	}
	if !ok {
		return time.Time{}, fmt.Errorf("%q is no time such as 2026-12-01T09:00:00Z or 2026-12-01T10:00:00+01:00", s)
	}
	return t, nil
}

// readInstant is [Instant] without allocating, as time.Parse does for some zones and for what is no time.
func readInstant(s string) (t time.Time, ok bool) {
	const layout = "dddd-dd-ddTdd:dd:dd"
	if len(s) <= len(layout) || !hasLayout(s[:len(layout)], layout) {
		return time.Time{}, false
	}
	year, month, day := decimal(s[0:4]), decimal(s[5:7]), decimal(s[8:10])
	hour, minute, second := decimal(s[11:13]), decimal(s[14:16]), decimal(s[17:19])
	nanos, rest := fraction(s[len(layout):])
	offset, ok := zone(rest)
	if !ok || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	utc := t.Add(-offset)
	return utc, t.Day() == day && inCalendar(utc) // the 31st of a short month is another day
}

// hasLayout reports whether s has a digit wherever layout has a d, and layout's own character elsewhere.
func hasLayout(s, layout string) bool {
	if len(s) != len(layout) {
		return false
	}
	for i := range len(s) {
		if digit := '0' <= s[i] && s[i] <= '9'; layout[i] == 'd' && !digit || layout[i] != 'd' && layout[i] != s[i] {
			return false
		}
	}
	return true
}

func decimal(s string) int {
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// fraction reads the fraction of a second, if there is one, as nanoseconds. What is wrong with it is left in rest.
func fraction(s string) (nanos int, rest string) {
	if s == "" || s[0] != '.' {
		return 0, s
	}
	n := digits(s[1:])
	if n == 0 {
		return 0, s
	}
	for i := range 9 {
		nanos *= 10
		if i < n {
			nanos += int(s[1+i] - '0')
		}
	}
	return nanos, s[1+n:]
}

// zone reads what ends an instant: Z, or the offset from UTC.
func zone(s string) (offset time.Duration, ok bool) {
	if s == "Z" {
		return 0, true
	}
	if s == "" || s[0] != '+' && s[0] != '-' || !hasLayout(s[1:], "dd:dd") {
		return 0, false
	}
	hours, minutes := decimal(s[1:3]), decimal(s[4:6])
	if hours > 23 || minutes > 59 {
		return 0, false
	}
	offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}
