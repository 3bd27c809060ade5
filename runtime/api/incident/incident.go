// Package incident makes the timeline of a dataset for a post-mortem: what happened, what was changed and what people
// did, as Markdown and JSON. It knows nothing but the State.
package incident

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/api/why"
)

// Report is what happened to a dataset.
type Report struct {
	Dataset string    `json:"dataset"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	// Version is the build of the runtime, Spicepod its file and Generation the version of it that ran at the end.
	Version    string `json:"pitwall_version"`
	Spicepod   string `json:"spicepod"`
	Generation int    `json:"generation"`
	// State is how it was at the end.
	Status api.Status `json:"status"`
	Error  string     `json:"error,omitempty"`
	Hint   string     `json:"hint,omitempty"`
	// Timeline is oldest first.
	Timeline []Entry `json:"timeline"`
	// Why are the answers of that time.
	Why []why.Part `json:"why"`
	// Config is the effective configuration, secrets masked.
	Config string `json:"config"`
}

// The kinds of entries.
const (
	KindEvent    = "event"
	KindRefresh  = "refresh"
	KindSnapshot = "snapshot"
	KindConfig   = "config"
	KindAction   = "action"
)

// Entry is one line of the timeline.
type Entry struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	// Level is that of an event; empty for the others.
	Level string `json:"level,omitempty"`
	Text  string `json:"text"`
	// Took is how long it lasted, in milliseconds; 0 when it has no length, or goes on.
	TookMillis int64 `json:"took_ms,omitempty"`
}

// Of makes the report of a dataset over the time from since, or all that is remembered when since is zero, to now. It
// is nil when there is no such dataset.
func Of(s *api.State, dataset string, since, now time.Time) *Report {
	d := s.Dataset(dataset)
	if d == nil {
		return nil
	}
	r := &Report{Dataset: d.Name, From: since, To: now, Version: s.Version, Spicepod: s.Config.Path, Generation: s.Config.Generation,
		Status: d.Status, Error: d.Err, Hint: d.Hint, Config: d.Config, Why: why.Explain(s, dataset, now)}
	add := func(e Entry) {
		if !e.At.Before(since) && !e.At.After(now) {
			r.Timeline = append(r.Timeline, e)
		}
	}
	for _, e := range s.Events {
		if e.Dataset != d.Name && e.Dataset != "" || e.Kind == "command" {
			continue // commands are told as what people did
		}
		kind := KindEvent
		if e.Kind == "config" {
			kind = KindConfig
		}
		add(Entry{At: e.At, Kind: kind, Level: e.Level.String(), Text: e.Message + fields(e.Fields)})
	}
	for _, x := range d.Refreshes {
		text := fmt.Sprintf("refresh %s (%s, %s): %s rows read, %d after it", x.Outcome, x.Mode, x.Trigger, fmt.Sprint(x.RowsRead), x.RowsAfter)
		if x.Err != "" {
			text = fmt.Sprintf("refresh %s (%s, %s): %s", x.Outcome, x.Mode, x.Trigger, x.Err)
		}
		add(Entry{At: x.StartedAt, Kind: KindRefresh, Text: text, TookMillis: x.Duration.Milliseconds()})
	}
	for _, x := range d.Snapshots.Attempts {
		text := fmt.Sprintf("snapshot %s (%s)", x.Outcome, x.Trigger)
		switch {
		case x.Outcome == api.Succeeded:
			text += fmt.Sprintf(": #%d, %d bytes, checksum %s", x.ID, x.Bytes, x.Checksum)
		case x.Err != "":
			text += ": " + x.Err
		}
		add(Entry{At: x.At, Kind: KindSnapshot, Text: text, TookMillis: x.Duration.Milliseconds()})
	}
	for _, t := range s.Tasks {
		if t.Dataset != d.Name {
			continue
		}
		e := Entry{At: t.Started, Kind: KindAction, Text: fmt.Sprintf("somebody asked to %s: %s", t.Verb, t.State)}
		if t.Detail != "" {
			e.Text += ", " + t.Detail
		}
		if !t.Ended.IsZero() {
			e.TookMillis = t.Ended.Sub(t.Started).Milliseconds()
		}
		add(e)
	}
	slices.SortStableFunc(r.Timeline, func(a, b Entry) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind)) })
	if r.From.IsZero() && len(r.Timeline) > 0 {
		r.From = r.Timeline[0].At
	}
	return r
}

func fields(fs []api.Field) string {
	if len(fs) == 0 {
		return ""
	}
	parts := make([]string, len(fs))
	for i, f := range fs {
		parts[i] = f.Key + "=" + f.Value
	}
	return " (" + strings.Join(parts, " ") + ")"
}

// stamp is how times are written: with the date, in UTC.
const stamp = "2006-01-02 15:04:05.000Z"

// Markdown writes the report for people.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Incident: %s\n\n", cell(r.Dataset))
	fmt.Fprintf(&b, "%s to %s. At the end it was %s", r.From.UTC().Format(stamp), r.To.UTC().Format(stamp), r.Status)
	if r.Error != "" {
		fmt.Fprintf(&b, ": %s", cell(r.Error))
	}
	b.WriteString(".\n")
	if r.Hint != "" {
		fmt.Fprintf(&b, "\nWhat to do: %s.\n", cell(r.Hint))
	}
	fmt.Fprintf(&b, "\npitwall %s, %s, generation %d.\n", r.Version, cell(r.Spicepod), r.Generation)
	b.WriteString("\n## Timeline\n\n| time (UTC) | what | took | |\n|---|---|---|---|\n")
	for _, e := range r.Timeline {
		kind, took := e.Kind, ""
		if e.Level == "WARN" || e.Level == "ERROR" {
			kind += " " + e.Level
		}
		if e.TookMillis > 0 {
			took = (time.Duration(e.TookMillis) * time.Millisecond).String()
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", e.At.UTC().Format(stamp), kind, took, cell(e.Text))
	}
	if len(r.Timeline) == 0 {
		b.WriteString("| | | | nothing is remembered of that time |\n")
	}
	b.WriteString("\n## Why\n")
	for _, p := range r.Why {
		fmt.Fprintf(&b, "\n**%s**\n\n", p.Question)
		for _, s := range p.Answer {
			b.WriteString("- " + cell(s.Text))
			if at := s.Place(); at != "" {
				b.WriteString(" *(" + cell(at) + ")*")
			}
			b.WriteByte('\n')
		}
	}
	fence := "```"
	for strings.Contains(r.Config, fence) {
		fence += "`"
	}
	fmt.Fprintf(&b, "\n## Configuration\n\n%syaml\n%s\n%s\n", fence, strings.TrimRight(r.Config, "\n"), fence)
	_, err := io.WriteString(w, b.String())
	return err
}

// cell keeps a text in its place in Markdown: on one line, and without marks of its own.
func cell(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[").Replace(s)
}
