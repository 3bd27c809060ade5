package config

import (
	"strings"
	"time"
)

// Drill is snapshots_verify: stored snapshots are read and opened again and again. The zero Drill does nothing.
type Drill struct {
	// All snapshots, or only the one that new replicas load.
	All   bool
	Every time.Duration
}

// String is as in the file, such as "newest daily", or empty.
func (d Drill) String() string {
	for name, every := range drillPeriods() {
		if every == d.Every {
			if d.All {
				return "all " + name
			}
			return "newest " + name
		}
	}
	return ""
}

func drillPeriods() map[string]time.Duration {
	return map[string]time.Duration{"hourly": time.Hour, "daily": 24 * time.Hour, "weekly": 7 * 24 * time.Hour}
}

// drill resolves snapshots_verify.
func (e *entry) drill() {
	const key = accel + "snapshots_verify"
	if !e.set(key) || e.broken[e.path(key)] {
		return
	}
	which, period, _ := strings.Cut(strings.Join(strings.Fields(strings.ToLower(e.raw.Acceleration.SnapshotsVerify)), " "), " ")
	every, ok := drillPeriods()[period]
	if !ok || which != "newest" && which != "all" {
		e.errorf(e.path(key), "newest or all, then hourly, daily or weekly, such as newest daily", "not a schedule of verifications: %q", clip(e.raw.Acceleration.SnapshotsVerify, 40))
		return
	}
	e.ds.Acceleration.SnapshotsVerify = Drill{All: which == "all", Every: every}
}
