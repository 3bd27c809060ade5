package config

import (
	"fmt"
	"strings"
	"time"
)

// Retain is snapshots_retain: which snapshots of a dataset are kept. The zero Retain keeps all.
type Retain struct {
	// Last newest ones, and the newest of each of so many days, weeks and months.
	Last, Daily, Weekly, Monthly int
	// MinAge is how old a snapshot is at least when it is removed.
	MinAge time.Duration
}

// defaultRetain is the rule of snapshots_compaction without snapshots_retain.
var defaultRetain = Retain{Last: 10, Daily: 7, Weekly: 4, Monthly: 12, MinAge: time.Hour}

// Set tells whether snapshots are removed at all.
func (r Retain) Set() bool { return r != Retain{} }

// String is such as "last 10, daily 7, min_age 1h", or empty.
func (r Retain) String() string {
	if !r.Set() {
		return ""
	}
	var parts []string
	for _, p := range []struct {
		name string
		n    int
	}{{"last", r.Last}, {"daily", r.Daily}, {"weekly", r.Weekly}, {"monthly", r.Monthly}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", p.name, p.n))
		}
	}
	return strings.Join(append(parts, "min_age "+FormatDuration(r.MinAge)), ", ")
}

// retain resolves which snapshots are kept.
func (e *entry) retain() {
	r, a := &e.raw.Acceleration, &e.ds.Acceleration
	if a.SnapshotsCompaction {
		a.SnapshotsRetain = defaultRetain
	}
	const key = accel + "snapshots_retain"
	if !e.set(key) || e.broken[e.path(key)] {
		return
	}
	raw := r.SnapshotsRetain
	a.SnapshotsRetain = Retain{Last: int(raw.Last), Daily: int(raw.Daily), Weekly: int(raw.Weekly), Monthly: int(raw.Monthly), MinAge: defaultRetain.MinAge}
	if e.set(key + ".min_age") {
		a.SnapshotsRetain.MinAge = raw.MinAge.d
	}
	if raw.Last+raw.Daily+raw.Weekly+raw.Monthly == 0 {
		e.errorf(e.path(key), "such as {last: 10, daily: 7, weekly: 4, monthly: 12}", "snapshots_retain keeps nothing but the current snapshot")
	}
	if a.Snapshots == SnapshotsBootstrapOnly {
		e.warnf(e.path(key), "set it where snapshots are written", "snapshots_retain has no effect: the dataset only reads snapshots")
	}
}
