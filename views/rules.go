package views

import (
	"fmt"
	"strings"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// rules say which rows a dataset holds and how old ones go: refresh_sql, window, cron, retention, and what
// the source left unread last time.
func rules(c *ui.Ctx, d *api.Dataset, w int) []string {
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
	if d.RefreshSQL != "" {
		add("sql", ui.Clean(d.RefreshSQL), plain)
		if d.Patched {
			add("", c.Glyphs.Warn+" temporary: until pitwall ends or the spicepod changes it", c.Theme.Warn)
		}
	}
	if d.TimeColumn != "" {
		text := ui.Clean(d.TimeColumn)
		if d.Window > 0 {
			text += ", not older than " + ui.Duration(d.Window)
		}
		add("time", text, plain)
	}
	for i, at := range d.Upcoming {
		add([]string{"cron", ""}[min(i, 1)], ui.Clock(c.Now, at)+", in "+ui.Until(c.Now, at), plain)
	}
	if p := lastPlan(d); p != "" {
		add("read", ui.Clean(p), plain)
	}
	if d.ReadyOnRegistration || d.ZeroResults == "use_source" {
		add("source", sourceWords(d), plain)
	}
	if r := d.Retention; r != nil {
		add("retention", retentionWords(c.Now, r), plain)
		if r.Err != "" {
			add("", c.Glyphs.Failed+" "+ui.Clean(r.Err), c.Theme.Bad)
			if r.Hint != "" {
				add("", "hint: "+ui.Clean(r.Hint), c.Theme.Accent)
			}
		}
	}
	return out
}

// lastPlan is what the running refresh reads, else the last one.
func lastPlan(d *api.Dataset) string {
	if d.Run != nil && d.Run.Plan != "" {
		return d.Run.Plan
	}
	for i := range d.Refreshes {
		if d.Refreshes[i].Plan != "" {
			return d.Refreshes[i].Plan
		}
	}
	return ""
}

// sourceWords say when queries go to the source.
func sourceWords(d *api.Dataset) string {
	var when []string
	if d.ReadyOnRegistration {
		when = append(when, fmt.Sprintf("until data is loaded (%d times)", d.Totals.ReadyFallbacks))
	}
	if d.ZeroResults == "use_source" {
		when = append(when, fmt.Sprintf("for scans without a row here (%d times)", d.Totals.ZeroFallbacks))
	}
	return "is asked " + strings.Join(when, " and ")
}

// retentionWords say what retention removes and how the last check went.
func retentionWords(now time.Time, r *api.Retention) string {
	var which []string
	if r.Period > 0 {
		which = append(which, "older than "+ui.Duration(r.Period))
	}
	if r.SQL != "" {
		which = append(which, ui.Clean(r.SQL))
	}
	text := strings.Join(which, "; ") + "; every " + ui.Duration(r.Every)
	if !r.Last.IsZero() {
		text += fmt.Sprintf("; checked %s ago, %s rows went", ui.Age(now, r.Last), ui.Thousands(r.LastEvicted))
	}
	return text + fmt.Sprintf("; %s since the start", ui.Thousands(r.Evicted))
}
