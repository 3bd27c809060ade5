// Package schedule decides when things are due: start-up, interval, jitter and the backoff between
// re-tries (spec data-refresh.md section 5). It is pure: time and randomness are arguments.
package schedule

import (
	"math/rand/v2"
	"time"
)

// Start is what a dataset knows when it starts (spec 5.1).
type Start struct {
	// Append is true for refresh_mode append, which always starts at once.
	Append bool
	// Always is refresh_on_startup: always.
	Always bool
	// Checkpoint is the time of the last successful refresh that survived; zero when there is none.
	Checkpoint time.Time
	// Interval is refresh_check_interval; 0 when unset.
	Interval time.Duration
}

// First returns how long to wait for the first refresh, and false when only a command or a cron
// schedule starts one.
func First(s Start, now time.Time) (time.Duration, bool) {
	if s.Append || s.Always || s.Checkpoint.IsZero() {
		return 0, true
	}
	if s.Interval == 0 {
		return 0, false
	}
	// A checkpoint from the future, after the clock was set back, never delays for longer than an interval.
	return min(s.Interval, max(0, s.Interval-now.Sub(s.Checkpoint))), true
}

// Delay returns d plus or minus a random part below jitter, never negative (spec 5.3).
func Delay(d, jitter time.Duration, r *rand.Rand) time.Duration {
	if jitter <= 0 {
		return d
	}
	j := time.Duration(r.Int64N(int64(jitter)))
	if r.IntN(2) == 0 {
		j = -j
	}
	return max(0, d+j)
}

// maxBackoff is the longest wait between two attempts (spec 5.5).
const maxBackoff = 300 * time.Second

// Backoff returns the wait before re-try n (from 1): 1, 2, 3, 5, 8, ... 233, 300, 300 seconds, times
// a random factor in [0.7, 1.3) (spec 5.5).
func Backoff(n int, r *rand.Rand) time.Duration {
	a, b := time.Second, 2*time.Second
	for i := 1; i < n && a < maxBackoff; i++ {
		a, b = b, a+b
	}
	return time.Duration(float64(min(a, maxBackoff)) * (0.7 + 0.6*r.Float64()))
}
