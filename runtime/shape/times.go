package shape

import (
	"regexp"
	"strconv"
	"time"
)

var timeText = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(Z|([+-])(\d\d)(?::(\d\d))?)?)?$`)

// parseTime reads a date or a timestamp in the one form that PostgreSQL, DuckDB and Go agree about. hasTime
// and hasZone say what was written.
func parseTime(s string) (t time.Time, hasTime, hasZone, ok bool) {
	m := timeText.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false, false, false
	}
	n := func(i int) int { v, _ := strconv.Atoi(m[i]); return v } // digits, or empty for 0
	micros, _ := strconv.Atoi((m[7] + "000000")[:6])
	t = time.Date(n(1), time.Month(n(2)), n(3), n(4), n(5), n(6), micros*1000, time.UTC)
	if n(1) < 1 || t.Year() != n(1) || t.Month() != time.Month(n(2)) || t.Day() != n(3) || t.Hour() != n(4) || t.Minute() != n(5) || t.Second() != n(6) {
		return time.Time{}, false, false, false // such as February 30
	}
	offset := time.Duration(n(10))*time.Hour + time.Duration(n(11))*time.Minute
	if offset > 14*time.Hour || n(11) > 59 {
		return time.Time{}, false, false, false
	}
	if m[9] == "+" {
		offset = -offset
	}
	return t.Add(offset), m[4] != "", m[8] != "", true
}

// asTime converts a constant to a type of time; a string is read as that type.
func (l literal) asTime(to kind) (literal, bool) {
	switch l.kind {
	case unknown:
		t, hasTime, hasZone, ok := parseTime(l.text)
		ok = ok && (to != date || !hasTime) && (to != timestamp || !hasZone)
		return literal{kind: to, t: t}, ok
	case date, timestamp, instant:
		if to == date {
			l.t = midnight(l.t)
		}
		return literal{kind: to, t: l.t}, true
	default:
		return literal{}, false
	}
}
