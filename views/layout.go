package views

import (
	"fmt"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// fileLines say in which files the rows lie, what scans left out of them, and what compaction does; none for an engine
// that has no such files.
func fileLines(c *ui.Ctx, d *api.Dataset, w int) []string {
	var out []string
	add := func(label, text string, s ui.Style) {
		for i, l := range ui.Wrap(text, max(w-12, 4)) {
			if i > 0 {
				label = ""
			}
			out = append(out, " "+c.Theme.Dim.On(ui.Pad(label, 10))+" "+s.On(l))
		}
	}
	plain := ui.Style("")
	if l := d.Layout; l != nil {
		text := filesWords(l)
		if l.Total.Files > 0 {
			text += ", " + ui.Bytes(l.Total.Bytes)
		}
		add("files", text, plain)
		if n := l.Total.Deleted; n > 0 {
			add("deleted", fmt.Sprintf("%s rows (%s of all) are still in the files", ui.Thousands(n), share(n, n+l.Total.Rows)), plain)
		}
	}
	if r := d.Reads; r != nil {
		add("scans", readsWords(c, r), plain)
	}
	if x := d.Compaction; x != nil {
		g, text, s := compactionWords(c, x)
		add("compaction", g+" "+text, s)
		if x.Err != "" {
			add("", c.Glyphs.Failed+" the last one failed, it is tried again: "+ui.Clean(x.Err), c.Theme.Bad)
		}
	}
	return out
}

// filesWords are how many files there are.
func filesWords(l *api.Layout) string {
	if l.Total.Files == 0 {
		return "none yet: the first refresh writes them, r starts one"
	}
	s := ui.Plural(l.Total.Files, "file")
	if l.Total.Small > 0 {
		s += fmt.Sprintf(" (%s small)", ui.Thousands(int64(l.Total.Small)))
	}
	if l.Partitioned() {
		s += " in " + ui.Plural(len(l.Partitions), "partition")
	}
	return s
}

// readsWords tell what scans read and what bounds told them to leave out.
func readsWords(c *ui.Ctx, r *api.Reads) string {
	if r.Scans == 0 {
		return "none since the start: no query has read the files yet"
	}
	s := ui.Thousands(r.Scans)
	part := func(what string, read, left int64) {
		s += fmt.Sprintf(" %s %s read %s, left out %s (%s)", c.Glyphs.Dot, what, ui.Thousands(read), ui.Thousands(left), share(left, read+left))
	}
	if r.PartitionsLeft > 0 {
		s += fmt.Sprintf(" %s partitions left out %s", c.Glyphs.Dot, ui.Thousands(r.PartitionsLeft))
	}
	part("files", r.Files, r.FilesLeft)
	if r.Zones+r.ZonesLeft > 0 {
		part("zones", r.Zones, r.ZonesLeft)
	}
	return s
}

// compactionWords are sign, words and style of what compaction does.
func compactionWords(c *ui.Ctx, x *api.Compaction) (glyph, text string, s ui.Style) {
	done := fmt.Sprintf("%s: %s became %s", ui.Plural(int(x.Runs), "run"), ui.Plural(int(x.Before), "file"), ui.Thousands(x.After))
	switch {
	case x.Running && x.Runs == 0:
		return c.Glyphs.Running, "runs now; none has ended well since the start", c.Theme.Info
	case x.Running:
		return c.Glyphs.Running, "runs now; before, " + done, c.Theme.Info
	case x.Runs == 0:
		return c.Glyphs.Dot, "none since the start", c.Theme.Dim
	}
	return c.Glyphs.OK, done, c.Theme.Good
}

// share is a part of a whole in percent.
func share(part, whole int64) string {
	if part > 0 && part*100 < whole {
		return "<1%"
	}
	return ui.Percent(float64(part) / float64(max(whole, 1)))
}
