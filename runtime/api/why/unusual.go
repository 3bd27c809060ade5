package why

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"pitwall/runtime/api"
)

// mostUnusual is how many warnings are told.
const mostUnusual = 3

// unusual tells the signs, and the newest warnings that no other answer tells: those of the local file, of bootstraps and of other
// writers. Each is told once, newest first.
func (e *explainer) unusual() []Sentence {
	for _, s := range api.Signs(e.d) {
		text := strings.ToUpper(s.Text[:1]) + s.Text[1:]
		if !s.At.IsZero() {
			text += ", " + e.ago(s.At)
		}
		e.say(s.Key, "%s.", text)
		e.say("", "What to do: %s.", s.Hint)
	}
	var told []string
	for _, ev := range slices.Backward(e.s.Events) {
		if ev.Dataset != e.d.Name || ev.Level < api.Warn || ev.Kind == "refresh" || ev.Level == api.ErrorLevel && ev.Kind != "runtime" || slices.Contains(told, ev.Message) {
			continue
		}
		if len(told) == mostUnusual {
			break
		}
		told = append(told, ev.Message)
		e.say("", "%s %s.", e.at(ev.At), strings.TrimSuffix(strings.TrimPrefix(ev.Message, e.d.Name+": "), "."))
		for _, f := range ev.Fields {
			switch f.Key {
			case "hint":
				e.say("", "What to do: %s.", strings.TrimSuffix(f.Value, "."))
			case "kept_as":
				e.say("", "It is kept as %s.", f.Value)
			}
		}
	}
	return e.done()
}

// booted tells which snapshot the data came from.
func (e *explainer) booted() {
	b := e.d.Snapshots.Booted
	if b == nil {
		return
	}
	e.say("acceleration.snapshots", "Its data came from snapshot #%d, loaded %s in %s.", b.ID, e.ago(b.At), b.Duration.Round(time.Millisecond))
	for _, r := range b.Rejected {
		e.say("", "A newer snapshot was passed over: %s.", strings.TrimSuffix(r, "."))
	}
	if len(e.d.Refreshes) == 0 {
		e.say("", "What the source got since is not in it: r loads it now.")
	}
	if m := e.d.Snapshots.Mode; len(b.Rejected) > 0 && e.d.Snapshots.Off == "" && m != "bootstrap_only" {
		e.say("", "What to do: s writes a sound one, which replicas load from then on.")
	}
}

// slow tells when the running refresh takes longer than all before.
func (e *explainer) slow() {
	longest := time.Duration(0)
	for _, r := range e.d.Refreshes {
		if r.Outcome == api.Succeeded {
			longest = max(longest, r.Duration)
		}
	}
	if r := e.d.Run; r != nil && longest > 0 && e.now.Sub(r.StartedAt) > longest {
		e.say("", "That is long: the ones before took %s at most. It has read %s rows; x cancels it, H holds the schedule, and the old data goes on answering.", longest.Round(time.Millisecond), count(r.Rows))
	}
}

// removed tells what retention takes away.
func (e *explainer) removed() {
	r := e.d.Retention
	if r == nil {
		return
	}
	if r.Period > 0 {
		e.say("acceleration.retention_period", "Retention keeps the rows of the last %s only.", api.Span(r.Period))
	}
	if r.SQL != "" {
		e.say("acceleration.retention_sql", "Retention removes the rows that retention_sql deletes.")
	}
	if r.Evicted > 0 {
		e.say("", "It has removed %s rows since pitwall started. What the source still has comes back with a full refresh, once retention keeps it.", count(r.Evicted))
	}
}

// jitter tells that starts are moved.
func (e *explainer) jitter() {
	if _, by, ok := strings.Cut(e.d.Schedule, "± "); ok && !slices.ContainsFunc(api.Signs(e.d), func(s api.Sign) bool { return s.Key == "acceleration.refresh_jitter_max" }) {
		e.say("acceleration.refresh_jitter_max", "Its jitter moves every start by up to %s, also of what is asked for with r.", by)
	}
}

// alike is how many of the newest refreshes failed with the same error, but for the names of temporary files.
func (e *explainer) alike() int {
	random := regexp.MustCompile(`\.[0-9a-f]{8,}\.`)
	n, first := 0, ""
	for _, r := range e.d.Refreshes {
		text := random.ReplaceAllString(r.Err, "")
		if n == 0 {
			first = text
		}
		if r.Outcome != api.Failed || text != first {
			break
		}
		n++
	}
	return n
}
