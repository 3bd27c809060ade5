package filter

import "time"

// isoLayouts are the forms of ISO 8601 that engines.CompareText reads; digits of a second may follow.
func isoLayouts() [7]string {
	return [...]string{
		time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", time.DateTime, time.DateOnly,
		"2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00",
	}
}

// ParseInstant reads a time in ISO 8601: with a T or a space, with or without digits of a second, with an
// offset or else in UTC; or a date, which is its midnight.
func ParseInstant(text string) (time.Time, bool) {
	for _, layout := range isoLayouts() {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
