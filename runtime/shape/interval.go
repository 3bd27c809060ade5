package shape

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// interval is PostgreSQL's: months, days and microseconds are added in this order.
type interval struct {
	months, days int
	rest         time.Duration // whole microseconds
}

var (
	intervalPart = regexp.MustCompile(`^\s*([+-]?\d{1,6})\s*([a-z]+)(\s+|$)`)
	wholeNumber  = regexp.MustCompile(`^\s*[+-]?\d{1,6}\s*$`)
)

// intervalUnits are the units, without their plural s.
var intervalUnits = map[string]interval{
	"year": {months: 12}, "month": {months: 1}, "mon": {months: 1}, "week": {days: 7}, "day": {days: 1},
	"hour": {rest: time.Hour}, "minute": {rest: time.Minute}, "min": {rest: time.Minute}, "second": {rest: time.Second},
	"sec": {rest: time.Second}, "millisecond": {rest: time.Millisecond}, "microsecond": {rest: time.Microsecond},
}

// intervalMasks are the typmods of interval '1' day, as PostgreSQL's parser has them.
var intervalMasks = map[int32]string{1 << 2: "year", 1 << 1: "month", 1 << 3: "day", 1 << 10: "hour", 1 << 11: "minute", 1 << 12: "second"}

// parseInterval reads whole numbers with units, such as "1 month -2 days"; false for anything else.
func parseInterval(s string) (interval, bool) {
	var out interval
	for s = strings.ToLower(s); strings.TrimSpace(s) != ""; {
		m := intervalPart.FindStringSubmatch(s)
		if m == nil {
			return interval{}, false
		}
		unit, ok := intervalUnits[m[2]]
		if !ok {
			unit, ok = intervalUnits[strings.TrimSuffix(m[2], "s")]
		}
		n, err := strconv.Atoi(m[1])
		if !ok || err != nil {
			return interval{}, false
		}
		out.months += n * unit.months
		out.days += n * unit.days
		out.rest += time.Duration(n) * unit.rest
		s = s[len(m[0]):]
	}
	return out, out != interval{}
}

// add returns t plus sign times the interval. A month later than the 31st is the last of its month.
func (v interval) add(t time.Time, sign int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(sign*v.months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	last := time.Date(first.Year(), first.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1+sign*v.days).Add(time.Duration(sign) * v.rest)
}
