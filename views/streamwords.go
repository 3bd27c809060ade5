package views

import (
	"fmt"
	"strings"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// phaseWords are sign, words and style of what is done about a stream.
func phaseWords(c *ui.Ctx, x *api.Stream) (glyph, text string, s ui.Style) {
	g, t := c.Glyphs, c.Theme
	behind := ui.Thousands(x.Behind) + " behind"
	switch x.Phase {
	case api.StreamConnecting:
		return g.Waiting, "connecting", t.Info
	case api.StreamLoading:
		return g.Running, "loading what was there, " + behind, t.Info
	case api.StreamFollowing:
		return g.Ready, "following, " + behind, t.Good
	case api.StreamRetrying:
		if x.Retry.IsZero() {
			return g.Warn, "retrying, " + behind, t.Warn
		}
		return g.Warn, "retrying, next " + soon(c.Now, x.Retry) + ", " + behind, t.Warn
	case api.StreamPaused:
		return g.Off, "paused, H resumes, " + behind, t.Warn
	case api.StreamStopped:
		switch {
		case x.Stopped != nil && x.Stopped.Record != nil:
			text = "stopped at a record"
		case x.Stopped != nil && x.Stopped.Kind == "gap":
			text = "stopped at a gap"
		default:
			text = "stopped"
		}
		return g.Failed, text + ", " + behind, t.Bad
	}
	return g.Dot, ui.Clean(string(x.Phase)), ""
}

// soon is when something comes, for a sentence.
func soon(now, at time.Time) string {
	if s := ui.Until(now, at); s != "now" {
		return "in " + s
	}
	return "now"
}

// lagWords say how old what is applied is.
func lagWords(c *ui.Ctx, x *api.Stream) string {
	switch lag := x.Lag(c.Now); {
	case x.Changed.IsZero():
		return "nothing is applied yet"
	case x.Behind > 0:
		return ui.Plural(int(x.Behind), "record") + ", the newest applied change is " + ui.Duration(lag) + " old"
	default:
		return "0 records, the newest change took " + ui.Duration(lag) + " to get here"
	}
}

// appliedWords say what was applied since the start.
func appliedWords(c *ui.Ctx, x *api.Stream) string {
	if x.Commits == 0 {
		return "nothing since the start"
	}
	s := fmt.Sprintf("%s, %s in %s; the last %s ago", ui.Plural(int(x.Records), "record"), ui.Bytes(x.Bytes), ui.Plural(int(x.Commits), "commit"), ui.Age(c.Now, x.Applied))
	if x.Took > 0 {
		s += " took " + ui.Duration(x.Took)
	}
	return s
}

// streamProgress is how far a stream is, for the table of datasets.
func streamProgress(c *ui.Ctx, x *api.Stream, w int) ui.Cell {
	behind := ui.Count(x.Behind) + " behind"
	switch x.Phase {
	case api.StreamLoading:
		f := float64(x.Records) / float64(max(x.Records+x.Behind, 1))
		return ui.Cell{Raw: true, Text: c.Bar(f, w-5) + ui.PadLeft(ui.Percent(f), 5)}
	case api.StreamFollowing:
		if lag := x.Lag(c.Now); x.Behind > 0 && lag >= time.Second {
			behind += " " + ui.Age(c.Now, c.Now.Add(-lag))
		}
		return ui.Cell{Text: behind}
	case api.StreamRetrying:
		if !x.Retry.IsZero() {
			return ui.Cell{Text: "retry " + ui.Until(c.Now, x.Retry), Style: c.Theme.Warn}
		}
		return ui.Cell{Text: "retrying", Style: c.Theme.Warn}
	case api.StreamStopped:
		return ui.Cell{Text: behind, Style: c.Theme.Bad}
	case api.StreamPaused:
		return ui.Cell{Text: behind, Style: c.Theme.Warn}
	}
	return ui.Cell{Text: string(x.Phase), Style: c.Theme.Info}
}

// streamNext says in a word what comes next, where others have the time of their next refresh.
func streamNext(c *ui.Ctx, x *api.Stream) ui.Cell {
	switch x.Phase {
	case api.StreamFollowing:
		return ui.Cell{Text: "follows", Style: c.Theme.Dim}
	case api.StreamLoading:
		return ui.Cell{Text: "loads", Style: c.Theme.Dim}
	case api.StreamRetrying:
		return ui.Cell{Text: ui.Until(c.Now, x.Retry), Style: c.Theme.Warn}
	case api.StreamPaused:
		return ui.Cell{Text: "paused", Style: c.Theme.Warn}
	case api.StreamStopped:
		return ui.Cell{Text: "stopped", Style: c.Theme.Bad}
	}
	return ui.Cell{Text: "-", Style: c.Theme.Dim}
}

// recordOf is the record that is looked at: the one that stopped the stream, else the last.
func recordOf(x *api.Stream) *api.StreamRecord {
	if x.Stopped != nil && x.Stopped.Record != nil {
		return x.Stopped.Record
	}
	return x.Last
}

// topicOf is what is followed, without the name of the connector.
func topicOf(x *api.Stream) string {
	if _, topic, ok := strings.Cut(x.Source, ":"); ok {
		return ui.Clean(topic)
	}
	return ui.Clean(x.Source)
}

func placeOf(x *api.Stream, r *api.StreamRecord) string {
	return fmt.Sprintf("%s, partition %d, offset %s", topicOf(x), r.Partition, ui.Thousands(r.Offset))
}

// streamActions are what can be done about a stream beside what all datasets have.
func streamActions() []ui.Action {
	again := ui.CommandAction(ui.Action{ID: "stream.rebootstrap", Title: "re-bootstrap…", Verb: "Re-bootstrap", Kind: ui.Danger, Keys: []string{"R"},
		Help: "Load the dataset anew from the beginning of its stream: see what it does, type the name.", Effect: rebootstrapEffect},
		func(_ *ui.Ctx, d *api.Dataset) api.Command { return api.Rebootstrap{Dataset: d.Name} })
	off := again.Off
	again.Off = func(c *ui.Ctx, targets []string) string {
		if len(targets) > 1 {
			return "one dataset at a time; esc takes the marks away"
		}
		return off(c, targets)
	}
	return []ui.Action{
		ui.CommandAction(ui.Action{ID: "stream.skip", Title: "skip record", Kind: ui.Mutate, Keys: []string{"S"}, Keep: "Leave it stopped",
			Help: "Pass over the record that stopped the stream, after asking; it is kept in a dead-letter file.", Effect: skipEffect},
			func(_ *ui.Ctx, d *api.Dataset) api.Command { return api.SkipRecord{Dataset: d.Name} }),
		again,
	}
}

func skipEffect(c *ui.Ctx, targets []string) string {
	var out []string
	for _, name := range targets {
		d := c.Live.Dataset(name)
		if d == nil || d.Stream == nil || d.Stream.Stopped == nil || d.Stream.Stopped.Record == nil {
			continue
		}
		file := ui.Clean(d.Stream.DeadLetters)
		if file == "" {
			file = ui.Clean(d.Name) + ".dead-letters.jsonl in the data folder"
		}
		out = append(out, fmt.Sprintf("The record of %s is passed over: what it says is never applied to %s. It is kept in %s, and the stream goes on behind it.",
			placeOf(d.Stream, d.Stream.Stopped.Record), ui.Clean(d.Name), file))
	}
	return strings.Join(out, " ")
}

func rebootstrapEffect(c *ui.Ctx, targets []string) string {
	d := c.Live.Dataset(targets[0])
	if d == nil || d.Stream == nil {
		return ""
	}
	return fmt.Sprintf("Replaces the %s rows of %s by what %s has from its beginning on. Queries get no answer from here until all of that is applied; rows whose changes the stream does not keep any more are lost.",
		ui.Thousands(d.Rows), ui.Clean(d.Name), topicOf(d.Stream))
}

// streamed words the actions of a dataset for the tab of its stream, and puts those of the stream first.
func streamed(acts []ui.Action) []ui.Action {
	bar := map[string]int{"dataset.refresh": 2, "stream.skip": 3, "stream.rebootstrap": 4, "dataset.hold": 5, "dataset.why": 6, "dataset.snapshot": 7, "dataset.bootstrap": 0, "dataset.cancel": 0}
	for i := range acts {
		if n, ok := bar[acts[i].ID]; ok {
			acts[i].Bar = n
		}
		switch acts[i].ID {
		case "dataset.refresh":
			acts[i].Title, acts[i].Help = "retry", "Try again what stopped the stream, or do not wait for the next try."
		case "dataset.hold":
			acts[i].Title, acts[i].Help = "pause/resume", "Pause the stream, or have it go on where it was."
		}
	}
	return acts
}
