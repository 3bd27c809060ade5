package ui

import "pitwall/runtime/api"

// Glyphs are the signs of the console, one cell each. Both sets say the same.
type Glyphs struct {
	Ready, Running, Waiting, Failed, Off, Warn, OK, Dot string
	// Cursor marks the selected row, Mark a marked one, Arrow is something that follows or plays.
	Cursor, Mark, Arrow, Crumb, Stale     string
	BarDone, BarRest                      string
	Up, Down, Delta, Ellipsis             string
	TopLeft, TopRight, BotLeft, BotRight  string
	Horizontal, Vertical                  string
	DialogTL, DialogTR, DialogBL, DialogR string
	Spark, Spinner                        []string
}

// Unicode returns the signs that JetBrains Mono and DejaVu Sans Mono both have.
func Unicode() *Glyphs {
	return &Glyphs{
		Ready: "●", Running: "◔", Waiting: "◌", Failed: "✗", Off: "□", Warn: "▲", OK: "✓", Dot: "·",
		Cursor: "▌", Mark: "*", Arrow: "▶", Crumb: "▸", Stale: "▒", BarDone: "━", BarRest: "─",
		Up: "↑", Down: "↓", Delta: "Δ", Ellipsis: "…",
		TopLeft: "┌", TopRight: "┐", BotLeft: "└", BotRight: "┘", Horizontal: "─", Vertical: "│",
		DialogTL: "╭", DialogTR: "╮", DialogBL: "╰", DialogR: "╯",
		Spark:   []string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
		Spinner: []string{"▖", "▘", "▝", "▗"},
	}
}

// ASCII returns signs for terminals and fonts without the others.
func ASCII() *Glyphs {
	return &Glyphs{
		Ready: "o", Running: "~", Waiting: ".", Failed: "X", Off: "-", Warn: "!", OK: "+", Dot: "-",
		Cursor: ">", Mark: "*", Arrow: ">", Crumb: ">", Stale: "%", BarDone: "=", BarRest: "-",
		Up: "^", Down: "v", Delta: "d", Ellipsis: "~",
		TopLeft: "+", TopRight: "+", BotLeft: "+", BotRight: "+", Horizontal: "-", Vertical: "|",
		DialogTL: "+", DialogTR: "+", DialogBL: "+", DialogR: "+",
		Spark:   []string{"_", ".", ":", "-", "=", "+", "*", "#"},
		Spinner: []string{"|", "/", "-", "\\"},
	}
}

// Status returns sign, word and style of a dataset's state. While a snapshot is loaded the word says
// so, whatever the state is called meanwhile.
func (c *Ctx) Status(d *api.Dataset) (glyph, word string, s Style) {
	glyph, word, s = c.status(d)
	if r := d.Snapshots.Run; r == nil || r.Kind != "bootstrap" {
		return glyph, word, s
	}
	switch {
	case d.Status == api.Refreshing, d.Status == api.Initializing, glyph == c.Glyphs.Warn:
		word = "Bootstrap"
	case d.Status == api.Ready:
		return c.Glyphs.Running, "Bootstrap", c.Theme.Info
	}
	return glyph, word, s
}

func (c *Ctx) status(d *api.Dataset) (glyph, word string, s Style) {
	g, t := c.Glyphs, c.Theme
	switch d.Status {
	case api.Ready:
		if d.Err != "" || d.Retry != nil || len(api.Signs(d)) > 0 {
			return g.Warn, "Ready", t.Warn
		}
		return g.Ready, "Ready", t.Good
	case api.Refreshing:
		return g.Running, "Refreshing", t.Info
	case api.Initializing:
		return g.Waiting, "Initializing", t.Info
	case api.Error:
		return g.Failed, "Error", t.Bad
	case api.Disabled:
		return g.Off, "Disabled", t.Dim
	case api.ShuttingDown:
		return g.Dot, "ShuttingDown", t.Dim
	}
	return g.Dot, Clean(string(d.Status)), ""
}

// Faulty tells whether a dataset needs somebody's eyes: an error, a wait for a re-try, a failed
// snapshot, a newest snapshot that is no good, a sign that something is odd.
func Faulty(d *api.Dataset) bool {
	return len(api.Signs(d)) > 0 || d.Status == api.Error || d.Err != "" || d.Retry != nil || d.Snapshots.LastErr != "" || d.Snapshots.Shared || BadNewest(d)
}

// BadNewest tells whether the newest snapshot of a dataset was found to be unusable.
func BadNewest(d *api.Dataset) bool {
	n := d.Snapshots.Newest
	return n != nil && (n.Verified.State == api.VerifyFailed || n.Verified.State == api.VerifyGone)
}
