package schedule

import "time"

// Cron is a parsed refresh_cron (spec data-refresh 5.4): it tells the first tick after a time, zero when
// there is none.
type Cron interface {
	Next(after time.Time) time.Time
}

// Next returns the next n ticks after a time; fewer when the schedule ends, such as that of 31 February.
func Next(c Cron, after time.Time, n int) []time.Time {
	var out []time.Time
	for range n {
		if after = c.Next(after); after.IsZero() {
			break
		}
		out = append(out, after)
	}
	return out
}
