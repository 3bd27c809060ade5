package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"pitwall/config"
)

// explainTimes is how many coming times of a cron schedule are printed.
const explainTimes = 5

// explain writes what pitwall makes of every dataset: defaults resolved, secrets masked, and when it
// refreshes next.
func explain(w io.Writer, c *config.Config, now time.Time) error {
	for _, d := range c.Datasets {
		fmt.Fprintf(w, "\n%s", d.Name)
		if d.Connector == config.ConnectorView {
			fmt.Fprintf(w, "  (view: %s)\n", strings.Join(strings.Fields(d.Source), " "))
		} else {
			fmt.Fprintf(w, "  (from %s)\n", d.From)
		}
		for _, line := range explained(d, now) {
			fmt.Fprintf(w, "  %-12s %s\n", line[0], line[1])
		}
	}
	return nil
}

// explained is the lines of one dataset: a word and what it is.
func explained(d *config.Dataset, now time.Time) [][2]string {
	var out [][2]string
	add := func(word, format string, args ...any) {
		out = append(out, [2]string{word, fmt.Sprintf(format, args...)})
	}
	if d.Unsupported != "" {
		add("can't run", "%s", d.Unsupported)
	}
	if len(d.DependsOn) > 0 {
		add("reads from", "%s", strings.Join(d.DependsOn, ", "))
	}
	a := d.Acceleration
	if !a.Enabled {
		add("acceleration", "none: queries go to the source")
		return out
	}
	add("acceleration", "%s, %s", a.Engine, a.Mode)
	add("refresh", "%s", refreshText(d))
	if a.RefreshSQL != "" {
		add("refresh_sql", "%s", strings.Join(strings.Fields(a.RefreshSQL), " "))
	}
	add("schedule", "%s", d.ScheduleText())
	if a.RefreshCron != "" {
		for i, at := range next(a.RefreshCron, now) {
			add([]string{"next", ""}[min(i, 1)], "%s", at.Format("Mon 2006-01-02 15:04:05 MST"))
		}
	}
	switch {
	case !a.RefreshRetryEnabled:
		add("retries", "none")
	case a.RefreshRetryMaxAttempts != nil:
		add("retries", "at most %d, after 1, 2, 3, 5, 8, … seconds", *a.RefreshRetryMaxAttempts)
	default:
		add("retries", "without end, after 1, 2, 3, 5, 8, … seconds, at most 5m")
	}
	if a.RetentionCheckEnabled {
		add("retention", "%s", retentionText(a))
	}
	add("readiness", "%s; no rows: %s; start-up: %s", d.ReadyState, a.OnZeroResults, a.RefreshOnStartup)
	if a.PrimaryKey != "" || len(a.Indexes) > 0 {
		add("keys", "%s", keysText(a))
	}
	if a.Snapshots != config.SnapshotsDisabled {
		add("snapshots", "%s on %s, %s", a.Snapshots, a.SnapshotsTrigger, a.SnapshotsCreationPolicy)
	} else {
		add("snapshots", "disabled")
	}
	return out
}

func refreshText(d *config.Dataset) string {
	a := d.Acceleration
	text := string(a.RefreshMode)
	if d.TimeColumn != "" {
		text += fmt.Sprintf(" by %s (%s)", d.TimeColumn, d.TimeFormat)
	}
	if a.RefreshAppendOverlap > 0 {
		text += ", overlap " + config.FormatDuration(a.RefreshAppendOverlap)
	}
	switch {
	case a.RefreshDataWindow > 0:
		text += ", window " + config.FormatDuration(a.RefreshDataWindow)
	case a.RetentionPeriod > 0 && d.TimeColumn != "":
		text += ", window " + config.FormatDuration(a.RetentionPeriod) + " (the retention_period)"
	}
	return text
}

// next returns the coming ticks of a schedule, in the zone it is evaluated in.
func next(spec string, now time.Time) []time.Time {
	plan, err := config.CronParser().Parse(spec)
	if err != nil { // Load has checked it
		return nil
	}
	var out []time.Time
	for at := plan.Next(now); !at.IsZero() && len(out) < explainTimes; at = plan.Next(at) {
		out = append(out, at)
	}
	return out
}

func retentionText(a config.Acceleration) string {
	var rules []string
	if a.RetentionPeriod > 0 {
		rules = append(rules, "rows older than "+config.FormatDuration(a.RetentionPeriod))
	}
	if a.RetentionSQL != "" {
		rules = append(rules, strings.Join(strings.Fields(a.RetentionSQL), " "))
	}
	return strings.Join(rules, "; ") + "; with every refresh and every " + config.FormatDuration(a.RetentionCheckInterval)
}

func keysText(a config.Acceleration) string {
	var parts []string
	if a.PrimaryKey != "" {
		parts = append(parts, "primary key "+a.PrimaryKey)
	}
	for _, ref := range slices.Sorted(maps.Keys(a.Indexes)) {
		parts = append(parts, fmt.Sprintf("index %s %s", ref, a.Indexes[ref]))
	}
	for _, ref := range slices.Sorted(maps.Keys(a.OnConflict)) {
		parts = append(parts, fmt.Sprintf("on conflict of %s %s", ref, a.OnConflict[ref]))
	}
	return strings.Join(parts, ", ")
}
