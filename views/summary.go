package views

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// summary is a dataset in some lines: the side panel of the home screen.
func summary(c *ui.Ctx, d *api.Dataset, w, h int) []string {
	out := append(stateLines(c, d, w), snapshotLines(c, d, w)...)
	out = append(out, placeLines(c, d, w)...)
	return out[:min(len(out), max(h, 0))]
}

// placeLines say where the data comes from and where it is.
func placeLines(c *ui.Ctx, d *api.Dataset, w int) []string {
	var out []string
	for _, x := range [][2]string{{"from", d.From}, {"file", d.File}, {"about", d.Description}} {
		if x[1] != "" {
			out = append(out, " "+c.Theme.Dim.On(ui.Pad(x[0], 10))+" "+ui.Cut(ui.Clean(x[1]), max(w-12, 1)))
		}
	}
	return out
}

// stateLines say how a dataset is and how its refreshes go.
func stateLines(c *ui.Ctx, d *api.Dataset, w int) []string {
	t := c.Theme
	var out []string
	add := func(label, text string) {
		if text != "" {
			out = append(out, " "+t.Dim.On(ui.Pad(label, 10))+" "+ui.Cut(text, max(w-12, 1)))
		}
	}
	g, word, s := c.Status(d)
	out = append(out, " "+s.Bold().On(g+" "+word)+t.Dim.On(" for "+ui.Age(c.Now, d.Since)+"  "+ui.Clean(kindOf(d))))
	out = append(out, troubles(c, d, w)...)
	if p := progress(c, d, min(w-12, 30)); p.Text != "" && (d.Stream == nil || d.Snapshots.Run != nil || d.Stream.Phase == api.StreamLoading) {
		add("progress", p.Style.On(p.Text))
		if d.Run != nil {
			add("", rateOf(d.Run))
		}
	}
	add("rows", rowsOf(d))
	if d.Stream != nil {
		return append(out, streamLines(c, d, w)...)
	}
	add("schedule", ui.Clean(d.Schedule)+heldWord(c, d))
	if !d.NextRefresh.IsZero() {
		when := "in " + ui.Until(c.Now, d.NextRefresh)
		switch {
		case overdue(c.Now, d):
			when = t.Warn.On("overdue for " + ui.Age(c.Now, d.NextRefresh))
		case d.NextRefresh.Before(c.Now):
			when = "due now"
		case d.Waiting:
			when += ", waiting for its jitter"
		}
		add("next", ui.Clock(c.Now, d.NextRefresh)+", "+when)
	}
	add("last", lastWords(c, d))
	add("durations", durations(c, d, max(w-12, 0)))
	add("watermark", ui.Clean(d.Watermark))
	return out
}

// troubles are the error and the hint of a dataset, wrapped.
func troubles(c *ui.Ctx, d *api.Dataset, w int) []string {
	msg, hint := problem(c, d)
	if msg == "" {
		return nil
	}
	var out []string
	glyph, style := gravity(c, d)
	for _, l := range ui.Wrap(glyph+" "+ui.Clean(msg), max(w-2, 4)) {
		out = append(out, " "+style.On(l))
	}
	if hint != "" {
		for _, l := range ui.Wrap("hint: "+ui.Clean(hint), max(w-2, 4)) {
			out = append(out, " "+c.Theme.Accent.On(l))
		}
	}
	if !d.FailingSince.IsZero() {
		out = append(out, " "+c.Theme.Warn.On("failing for "+ui.Age(c.Now, d.FailingSince)))
	}
	return append(out, "")
}

// kindOf is engine, mode and refresh mode in a few words.
func kindOf(d *api.Dataset) string {
	if d.Engine == "" {
		return "not accelerated"
	}
	return strings.Join(slices.DeleteFunc([]string{d.Engine, d.Mode, d.RefreshMode}, func(s string) bool { return s == "" }), " ")
}

func heldWord(c *ui.Ctx, d *api.Dataset) string {
	if d.Held {
		return c.Theme.Warn.On(" on hold, H resumes")
	}
	return ""
}

func rowsOf(d *api.Dataset) string {
	if !d.HasData {
		return "no data yet"
	}
	s := ui.Thousands(d.Rows)
	if d.RowsDelta != 0 {
		s += "  " + ui.Signed(d.RowsDelta)
	}
	return s + "  " + ui.Bytes(d.Bytes)
}

// rateOf is the speed and the remaining time of a refresh.
func rateOf(r *api.RefreshRun) string {
	s := ui.Count(r.Rows) + " rows"
	if r.RowsPerSecond > 0 {
		s += " " + ui.Count(int64(r.RowsPerSecond)) + "/s"
	}
	if r.ETA > 0 {
		s += " eta " + ui.Duration(r.ETA.Truncate(time.Second))
	}
	return s
}

// lastWords tells the newest finished refresh.
func lastWords(c *ui.Ctx, d *api.Dataset) string {
	if len(d.Refreshes) == 0 {
		if d.LastRefresh.IsZero() {
			return "never refreshed"
		}
		return ui.Age(c.Now, d.LastRefresh) + " ago"
	}
	r := &d.Refreshes[0]
	return fmt.Sprintf("%s %s, %s ago", string(r.Outcome), ui.Duration(r.Duration), ui.Age(c.Now, r.StartedAt.Add(r.Duration)))
}

// durations is the sparkline of the refresh durations, oldest first, with the median.
func durations(c *ui.Ctx, d *api.Dataset, w int) string {
	ds, sorted := history(d)
	if len(ds) == 0 {
		return ""
	}
	p50 := ""
	if len(sorted) > 0 {
		p50 = "p50 " + ui.Duration(sorted[len(sorted)/2]) + " max " + ui.Duration(sorted[len(sorted)-1]) + "  "
	}
	return p50 + c.Spark(ds, max(w-ui.Width(p50), 1))
}

// history returns the durations of the finished refreshes, oldest first, failures as -1, and the
// good ones sorted.
func history(d *api.Dataset) (ds, sorted []time.Duration) {
	for i := len(d.Refreshes) - 1; i >= 0; i-- {
		switch r := &d.Refreshes[i]; r.Outcome {
		case api.Failed:
			ds = append(ds, -1)
		case api.Succeeded:
			ds, sorted = append(ds, r.Duration), append(sorted, r.Duration)
		}
	}
	slices.Sort(sorted)
	return ds, sorted
}

// snapshotLines tell what a dataset does with snapshots.
func snapshotLines(c *ui.Ctx, d *api.Dataset, w int) []string {
	t, s := c.Theme, &d.Snapshots
	line := func(label, text string) string {
		return " " + t.Dim.On(ui.Pad(label, 10)) + " " + ui.Cut(text, max(w-12, 1))
	}
	if s.Off != "" {
		return []string{line("snapshots", t.Dim.On(ui.Clean(s.Off)))}
	}
	words := s.Mode
	for _, x := range []string{s.Trigger, s.Policy} {
		if x != "" {
			words += " " + c.Glyphs.Dot + " " + ui.Clean(x)
		}
	}
	var out []string
	for i, l := range ui.Wrap(words, max(w-12, 4)) {
		out = append(out, line(map[bool]string{true: "snapshots"}[i == 0], l))
	}
	if s.Retain != "" {
		out = append(out, line("retain", ui.Clean(s.Retain)))
	}
	if s.Standby != "" {
		for i, l := range ui.Wrap(ui.Clean(s.Standby), max(w-12, 4)) {
			out = append(out, line(map[bool]string{true: "standby"}[i == 0], t.Warn.On(l)))
		}
	}
	if n := s.Newest; n != nil {
		out = append(out, line(map[bool]string{true: "pinned", false: "newest"}[n.Pinned], fmt.Sprintf("%s %s %s ago, %s", ui.Clean(n.ShortChecksum()), verifyWords(c, n, false), ui.Age(c.Now, n.Created), ui.Bytes(n.Bytes))))
	}
	if s.Kept > 0 {
		out = append(out, line("kept", fmt.Sprint(s.Kept)))
	}
	if b := s.Booted; b != nil {
		out = append(out, line("booted", fmt.Sprintf("from #%d in %s, %s ago", b.ID, ui.Duration(b.Duration), ui.Age(c.Now, b.At))))
		if !s.Undo.IsZero() {
			out = append(out, line("", "u brings back what it replaced, until the next refresh"))
		}
		for _, r := range b.Rejected {
			out = append(out, line("", t.Warn.On(c.Glyphs.Warn+" "+ui.Clean(r))))
		}
	}
	return out
}

// verifyWords says how far a snapshot is trusted, with the time of the check when long.
func verifyWords(c *ui.Ctx, s *api.Snapshot, long bool) string {
	t, g := c.Theme, c.Glyphs
	at := ""
	if long && !s.Verified.At.IsZero() {
		at = " " + ui.Age(c.Now, s.Verified.At) + " ago"
	}
	switch s.Verified.State {
	case api.VerifiedSum:
		return t.Good.On(g.OK + " verified" + at)
	case api.VerifyFailed:
		return t.Bad.On(g.Failed + " mismatch")
	case api.VerifyGone:
		return t.Bad.On(g.Failed + " missing")
	}
	return t.Dim.On(g.Dot + " unverified")
}
