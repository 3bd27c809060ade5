package views

import (
	"cmp"
	"fmt"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// datasetColumns are the columns of the home screen. The order in which they go when the window
// becomes narrow is in Prio.
func (v *datasets) datasetColumns() []ui.Column[*api.Dataset] {
	return []ui.Column[*api.Dataset]{
		{Title: "NAME", Width: nameMin, Flex: 44, Compare: byName, Cell: func(c *ui.Ctx, d *api.Dataset, _ int) ui.Cell {
			return ui.Cell{Text: ui.Clean(d.Name)}
		}},
		{Title: "ENGINE", Width: 8, Prio: 4, Compare: func(a, b *api.Dataset) int { return cmp.Compare(a.Engine, b.Engine) }, Cell: func(c *ui.Ctx, d *api.Dataset, _ int) ui.Cell {
			if d.Engine == "" {
				return ui.Cell{Text: "-", Style: c.Theme.Dim}
			}
			return ui.Cell{Text: ui.Clean(d.Engine), Style: c.Theme.Dim}
		}},
		{Title: "STATE", Width: 14, Compare: func(a, b *api.Dataset) int { return cmp.Compare(stateRank(a), stateRank(b)) }, Cell: stateCell},
		{Title: "PROGRESS", Width: 16, Prio: 1, Cell: func(c *ui.Ctx, d *api.Dataset, w int) ui.Cell { return progress(c, d, w) }},
		{Title: "ROWS", Width: 5, Right: true, Prio: 3, Compare: func(a, b *api.Dataset) int { return cmp.Compare(b.Rows, a.Rows) }, Cell: func(c *ui.Ctx, d *api.Dataset, _ int) ui.Cell {
			if !d.HasData {
				return ui.Cell{Text: "-", Style: c.Theme.Dim}
			}
			return ui.Cell{Text: ui.Count(d.Rows)}
		}},
		{Title: "SIZE", Width: 8, Right: true, Prio: 7, Compare: func(a, b *api.Dataset) int { return cmp.Compare(b.Bytes, a.Bytes) }, Cell: func(c *ui.Ctx, d *api.Dataset, _ int) ui.Cell {
			if !d.HasData {
				return ui.Cell{Text: "-", Style: c.Theme.Dim}
			}
			return ui.Cell{Text: ui.Bytes(d.Bytes)}
		}},
		{Title: "REFRESHED", Width: 9, Prio: 2, Compare: func(a, b *api.Dataset) int { return a.LastRefresh.Compare(b.LastRefresh) }, Cell: refreshedCell},
		{Title: "NEXT", Width: 7, Prio: 5, Compare: func(a, b *api.Dataset) int { return soonest(a).Compare(soonest(b)) }, Cell: nextCell},
		{Title: "SNAPSHOT", Width: 14, Prio: 5, Compare: func(a, b *api.Dataset) int { return snapTime(a).Compare(snapTime(b)) }, Cell: snapshotCell},
		{Title: "FAILURES", Width: 8, Right: true, Prio: 6, Compare: func(a, b *api.Dataset) int { return cmp.Compare(failures(b), failures(a)) }, Cell: func(c *ui.Ctx, d *api.Dataset, _ int) ui.Cell {
			if n := failures(d); n > 0 {
				return ui.Cell{Text: ui.Count(int64(n)), Style: c.Theme.Warn}
			}
			return ui.Cell{Text: "0", Style: c.Theme.Dim}
		}},
		{Title: "Δ", Width: 1, Prio: 3, Cell: v.deltaCell},
	}
}

func stateCell(c *ui.Ctx, d *api.Dataset, _ int) ui.Cell {
	g, word, s := c.Status(d)
	switch {
	case d.Held && d.Stream != nil:
		word += " paused"
	case d.Held:
		word += " held"
	}
	return ui.Cell{Text: g + " " + word, Style: s}
}

func refreshedCell(c *ui.Ctx, d *api.Dataset, _ int) ui.Cell {
	age := ui.Age(c.Now, d.LastRefresh)
	if overdue(c.Now, d) {
		return ui.Cell{Text: age + " !", Style: c.Theme.Warn}
	}
	return ui.Cell{Text: age}
}

// overdue tells whether a planned refresh did not begin although its time has passed for long.
func overdue(now time.Time, d *api.Dataset) bool {
	return !d.NextRefresh.IsZero() && d.Run == nil && !d.Held && now.Sub(d.NextRefresh) > 30*time.Second
}

func nextCell(c *ui.Ctx, d *api.Dataset, _ int) ui.Cell {
	switch {
	case d.Stream != nil:
		return streamNext(c, d.Stream)
	case d.Held:
		return ui.Cell{Text: "on hold", Style: c.Theme.Warn}
	case d.Retry != nil:
		return ui.Cell{Text: ui.Until(c.Now, d.Retry.At), Style: c.Theme.Warn}
	case d.Run != nil:
		return ui.Cell{Text: "running", Style: c.Theme.Dim}
	}
	return ui.Cell{Text: ui.Until(c.Now, d.NextRefresh), Style: c.Theme.Dim}
}

// soonest is when the next attempt of any kind is due, the far future when none is.
func soonest(d *api.Dataset) time.Time {
	switch {
	case d.Retry != nil:
		return d.Retry.At
	case d.NextRefresh.IsZero():
		return time.Unix(1<<40, 0)
	}
	return d.NextRefresh
}

func snapTime(d *api.Dataset) time.Time {
	if d.Snapshots.Newest == nil {
		return time.Time{}
	}
	return d.Snapshots.Newest.Created
}

func failures(d *api.Dataset) int { return d.Failures + d.Snapshots.Failures }

func snapshotCell(c *ui.Ctx, d *api.Dataset, _ int) ui.Cell {
	s := &d.Snapshots
	switch {
	case s.LastErr != "":
		return ui.Cell{Text: ui.Age(c.Now, snapTime(d)) + " " + c.Glyphs.Failed + " failed", Style: c.Theme.Bad}
	case s.Standby != "" && s.Newest != nil:
		return ui.Cell{Text: ui.Age(c.Now, s.Newest.Created) + " standby", Style: c.Theme.Dim}
	case s.Newest != nil:
		age, sum := ui.Age(c.Now, s.Newest.Created), s.Newest.ShortChecksum()
		switch s.Newest.Verified.State {
		case api.VerifyFailed, api.VerifyGone:
			return ui.Cell{Text: age + " " + c.Glyphs.Failed + " " + sum, Style: c.Theme.Bad}
		case api.VerifiedSum:
			return ui.Cell{Text: age + " " + c.Glyphs.OK + " " + sum}
		}
		return ui.Cell{Text: age + " " + c.Glyphs.Dot + " " + sum}
	case s.Off != "" || s.Mode == "" || s.Mode == "disabled":
		return ui.Cell{Text: "off", Style: c.Theme.Dim}
	}
	return ui.Cell{Text: "none yet", Style: c.Theme.Dim}
}

// progress is the bar of a refresh or a transfer, or the countdown of a re-try.
func progress(c *ui.Ctx, d *api.Dataset, w int) ui.Cell {
	bar := func(f float64, label string) ui.Cell {
		if f < 0 {
			return ui.Cell{Text: label, Style: c.Theme.Info}
		}
		return ui.Cell{Raw: true, Text: c.Bar(f, w-5) + ui.PadLeft(ui.Percent(f), 5)}
	}
	switch t := d.Snapshots.Run; {
	case d.Run != nil && d.Run.Phase == api.PhaseQueued:
		return ui.Cell{Text: "queued", Style: c.Theme.Dim}
	case d.Run != nil && d.Run.Phase == api.PhaseCommit:
		return ui.Cell{Text: "commit", Style: c.Theme.Info}
	case d.Run != nil:
		return bar(d.Run.Fraction, ui.Count(d.Run.Rows)+" rows")
	case t != nil:
		f := -1.0
		if t.Total > 0 {
			f = float64(t.Done) / float64(t.Total)
		}
		return bar(f, t.Kind+" "+t.Phase)
	case d.Retry != nil:
		return ui.Cell{Text: retryText(c, d.Retry), Style: c.Theme.Warn}
	case d.Stream != nil:
		return streamProgress(c, d.Stream, w)
	}
	return ui.Cell{}
}

func retryText(c *ui.Ctx, r *api.Retry) string {
	if r.Max > 0 {
		return fmt.Sprintf("retry %d/%d %s", r.Attempt, r.Max, ui.Until(c.Now, r.At))
	}
	return fmt.Sprintf("retry %d %s", r.Attempt, ui.Until(c.Now, r.At))
}
