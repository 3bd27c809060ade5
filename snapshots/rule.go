package snapshots

import (
	"fmt"
	"slices"
	"time"
)

// Rule says which snapshots are kept: the newest Last, and the newest one of each of the newest Daily days,
// Weekly weeks and Monthly months that have one (UTC, weeks of ISO 8601), and all that are younger than MinAge.
type Rule struct {
	Last, Daily, Weekly, Monthly int
	MinAge                       time.Duration
}

// Kept is a snapshot that stays, and why: "current", "pinned", "in use", "young", "last", "daily", "weekly",
// "monthly".
type Kept struct {
	Snapshot
	Reasons []string
}

// Choose divides snapshots, newest first as List gives them. The current, the pinned and the newest one always
// stay, and those in use.
func (r Rule) Choose(list []Snapshot, now time.Time, inUse func(id uint64) bool) (keep []Kept, remove []Snapshot) {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b Snapshot) int {
		if c := b.Created.Compare(a.Created); c != 0 {
			return c
		}
		return int(int64(b.ID) - int64(a.ID))
	})
	periods := []*period{
		{name: "daily", left: r.Daily, of: func(t time.Time) string { return t.Format(time.DateOnly) }},
		{name: "weekly", left: r.Weekly, of: func(t time.Time) string { y, w := t.ISOWeek(); return fmt.Sprint(y, w) }},
		{name: "monthly", left: r.Monthly, of: func(t time.Time) string { return t.Format("2006-01") }},
	}
	for i, s := range sorted {
		var why []string
		add := func(reason string, yes bool) {
			if yes {
				why = append(why, reason)
			}
		}
		add("current", s.Current || s.pointed)
		add("pinned", s.Pinned)
		add("in use", inUse != nil && inUse(s.ID))
		add("young", s.Age(now) < r.MinAge)
		add("last", i < max(1, r.Last))
		for _, p := range periods {
			add(p.name, p.take(s.Created.UTC()))
		}
		if len(why) > 0 {
			keep = append(keep, Kept{s, why})
		} else {
			remove = append(remove, s)
		}
	}
	return keep, remove
}

// period counts the days, weeks or months of which the newest snapshot is kept.
type period struct {
	name string
	left int
	of   func(time.Time) string
	last string
}

func (p *period) take(t time.Time) bool {
	this := p.of(t)
	if p.left == 0 || this == p.last {
		return false
	}
	p.left, p.last = p.left-1, this
	return true
}
