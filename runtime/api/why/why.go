// Package why answers in plain sentences what a person on call asks of a dataset: why it is not ready, why it was or
// was not refreshed or snapshotted, and what happens next. It knows nothing but the State.
package why

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"pitwall/runtime/api"
)

// Sentence is one statement, with the key of the spicepod that is responsible for it.
type Sentence struct {
	Text string `json:"text"`
	// Key is the YAML path within the dataset, such as "acceleration.refresh_cron"; empty when no key is responsible.
	Key string `json:"key,omitempty"`
	// File and Line are where it stands; 0 when the default of the key acts.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// Place says where the key is, for people: "spicepod.yml:18 acceleration.refresh_cron", or that it is the default.
func (s Sentence) Place() string {
	switch {
	case s.Key == "":
		return ""
	case s.Line == 0:
		return s.Key + " is not set: its default acts"
	}
	return fmt.Sprintf("%s:%d %s", filepath.Base(s.File), s.Line, s.Key)
}

// Part is a question and its answer.
type Part struct {
	Question string     `json:"question"`
	Answer   []Sentence `json:"answer"`
}

// Explain answers for a dataset at a time; nil when there is none of that name.
func Explain(s *api.State, name string, now time.Time) []Part {
	d := s.Dataset(name)
	if d == nil {
		return nil
	}
	e := &explainer{s: s, d: d, now: now}
	parts := []Part{{"Is it ready?", e.ready()}}
	if odd := e.unusual(); len(odd) > 0 {
		parts = append(parts, Part{"What was unusual?", odd})
	}
	return append(parts, []Part{
		{"Why was it refreshed, or not?", e.refreshed()},
		{"Why was a snapshot written, or not?", e.snapshots()},
		{"What happens next?", e.next()},
	}...)
}

// explainer writes the sentences of one dataset.
type explainer struct {
	s   *api.State
	d   *api.Dataset
	now time.Time
	out []Sentence
}

// say adds a sentence; key is what is responsible, "" for nothing.
func (e *explainer) say(key, format string, args ...any) {
	x := Sentence{Text: fmt.Sprintf(format, args...), Key: key}
	if key != "" {
		p := e.s.Config.Places[e.d.Name]
		if at, ok := p.Keys[key]; ok {
			x.File, x.Line = p.File, at
		}
	}
	e.out = append(e.out, x)
}

// done returns what was said.
func (e *explainer) done() []Sentence {
	out := e.out
	e.out = nil
	return out
}

// ago and in write times for people.
func (e *explainer) ago(t time.Time) string { return span(e.now.Sub(t)) + " ago" }

func (e *explainer) in(t time.Time) string {
	if left := t.Sub(e.now); left > 0 {
		return "at " + t.Local().Format("15:04:05") + ", in " + span(left)
	}
	return "now"
}

func span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm %ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh %dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// fault says what is wrong, with the way out.
func (e *explainer) fault() {
	if e.d.Err == "" {
		return
	}
	e.say("", "What is wrong: %s.", strings.TrimSuffix(strings.TrimPrefix(e.d.Err, e.d.Name+": "), "."))
	if e.d.Hint != "" {
		e.say("", "What to do: %s.", strings.TrimSuffix(e.d.Hint, "."))
	}
}

func (e *explainer) ready() []Sentence {
	d := e.d
	switch {
	case d.Engine == "" && d.Status == api.Disabled:
		e.say("acceleration.enabled", "It is disabled: the spicepod turns it off, or names what pitwall can't run.")
	case d.Engine == "":
		e.say("acceleration.enabled", "It is not accelerated: queries go to the source, there is nothing to load.")
	case d.HasData && d.Err == "":
		e.say("", "Yes: its acceleration (%s) answers queries with %s rows.", d.Engine, count(d.Rows))
	case d.HasData && d.Stream != nil:
		e.say("", "Yes, with old data: its acceleration (%s) answers with %s rows, although its stream stopped.", d.Engine, count(d.Rows))
	case d.HasData:
		e.say("", "Yes, with old data: its acceleration (%s) answers with %s rows, although the last refresh failed.", d.Engine, count(d.Rows))
	case d.Registered && d.ReadyOnRegistration:
		e.say("ready_state", "Yes, without data of its own: ready_state is on_registration, so queries go to the source until the first load is done.")
	case d.Run != nil:
		e.say("", "Not yet: its first load runs since %s and has read %s rows.", span(e.now.Sub(d.Run.StartedAt)), count(d.Run.Rows))
	case d.Snapshots.Run != nil && d.Snapshots.Run.Kind == "bootstrap":
		e.say("acceleration.snapshots", "Not yet: it is being loaded from snapshot #%d (%s).", d.Snapshots.Run.SnapshotID, d.Snapshots.Run.Phase)
	case d.Err != "":
		e.say("", "No: it never was loaded, because every attempt failed.")
	default:
		e.say("", "Not yet: it waits for its first load (%s).", d.Status)
	}
	e.fault()
	switch {
	case !d.FailingSince.IsZero() && d.Stream != nil:
		e.say("", "It has been failing for %s; changes were last applied %s.", span(e.now.Sub(d.FailingSince)), e.last())
	case !d.FailingSince.IsZero():
		e.say("", "It has been failing for %s; the last good refresh was %s.", span(e.now.Sub(d.FailingSince)), e.last())
	}
	e.booted()
	return e.done()
}

func (e *explainer) last() string {
	if e.d.LastRefresh.IsZero() {
		return "never"
	}
	return e.ago(e.d.LastRefresh)
}

// asked says in words who asked for a refresh.
func asked(trigger string) (words, key string) {
	switch trigger {
	case "start":
		return "because pitwall started", "acceleration.refresh_on_startup"
	case "interval":
		return "because its interval was over", "acceleration.refresh_check_interval"
	case "cron":
		return "because its schedule said so", "acceleration.refresh_cron"
	case "manual":
		return "because somebody asked for it", ""
	case "retry":
		return "because the attempt before it failed", "acceleration.refresh_retry_enabled"
	case "reload":
		return "because the spicepod changed", ""
	case "queue":
		return "because the queue of s3_queue_url announced a snapshot", ""
	}
	return "by " + trigger, ""
}

func (e *explainer) refreshed() []Sentence {
	d := e.d
	if d.Engine == "" {
		e.say("acceleration.enabled", "There is nothing to refresh: it is not accelerated.")
		return e.done()
	}
	if r := d.Run; r != nil {
		words, key := asked(r.Trigger)
		e.say(key, "A refresh (%s, attempt %d) runs since %s, %s.", r.Mode, r.Attempt, span(e.now.Sub(r.StartedAt)), words)
		e.slow()
	}
	if d.Stream != nil {
		e.followed()
	} else if len(d.Refreshes) == 0 && d.Run == nil {
		switch {
		case d.Snapshots.Booted != nil:
			e.say("acceleration.snapshots", "Not since pitwall started: a snapshot was loaded in its place.")
		case !d.LastRefresh.IsZero():
			e.say("acceleration.refresh_on_startup", "Not since pitwall started: its data of %s is kept, and refresh_on_startup: auto loads nothing that is there already.", e.ago(d.LastRefresh))
		default:
			e.say("", "It was never refreshed.")
		}
	}
	told := d.Refreshes[:min(3, len(d.Refreshes))]
	same := e.alike()
	if same > 1 {
		told = told[:1]
	}
	for _, r := range told {
		words, key := asked(r.Trigger)
		switch r.Outcome {
		case api.Succeeded:
			e.say(key, "%s a refresh (%s) began %s: it read %s rows in %s.", e.at(r.StartedAt), r.Mode, words, count(r.RowsRead), r.Duration.Round(time.Millisecond))
		case api.Skipped:
			e.say(key, "%s it was looked at %s, and not refreshed: the source had nothing new.", e.at(r.StartedAt), words)
		case api.Failed:
			reason := ": " + r.Err
			if r.Err == d.Err {
				reason = " for that reason."
			}
			e.say(key, "%s a refresh (%s) began %s and failed after %s%s", e.at(r.StartedAt), r.Mode, words, r.Duration.Round(time.Millisecond), reason)
		case api.Cancelled:
			e.say(key, "%s a refresh (%s) began %s; somebody cancelled it.", e.at(r.StartedAt), r.Mode, words)
		case api.Superseded:
			e.say(key, "%s a refresh (%s) began %s; one that was asked for by hand took its place.", e.at(r.StartedAt), r.Mode, words)
		}
	}
	if same > 1 {
		e.say("", "The %d attempts before it failed alike.", same-1)
	}
	e.removed()
	if d.Held && d.Stream == nil {
		e.say("", "Its scheduled refreshes are on hold: somebody put them there, with H or with a bootstrap.")
	}
	return e.done()
}

func (e *explainer) at(t time.Time) string { return "At " + t.Local().Format("15:04:05") }

func (e *explainer) snapshots() []Sentence {
	s := &e.d.Snapshots
	const key = "acceleration.snapshots"
	switch {
	case s.Off != "" && s.Mode != "" && s.Mode != "disabled":
		e.say(key, "None is written: %s.", strings.TrimSuffix(s.Off, "."))
	case s.Mode == "" || s.Mode == "disabled":
		e.say(key, "None is written: snapshots are disabled for this dataset.")
		if s.Off != "" && !strings.Contains(s.Off, "disabled for this dataset") {
			e.say("", "They could not be turned on either: %s.", strings.TrimSuffix(s.Off, "."))
		}
		return e.done()
	case s.Mode == "bootstrap_only":
		e.say(key, "None is written: bootstrap_only loads snapshots of others and never writes.")
	case s.Standby != "":
		e.say("", "None is written here: %s holds the lease and writes them; this replica takes over when it ends.", s.Standby)
	}
	if r := s.Run; r != nil && r.Kind == "snapshot" {
		e.say("acceleration.snapshots_trigger", "One is being written since %s (%s).", span(e.now.Sub(r.StartedAt)), r.Phase)
	}
	for i, a := range s.Attempts {
		if i == 3 {
			break
		}
		by, from := "by hand", ""
		if a.Trigger != "manual" {
			by, from = "for "+a.Trigger, "acceleration.snapshots_trigger"
		}
		switch a.Outcome {
		case api.Succeeded:
			e.say(from, "%s snapshot #%d was written %s.", e.at(a.At), a.ID, by)
		case api.Skipped:
			why, key := a.Err, "acceleration.snapshots_creation_policy"
			if why == "" {
				why = "the rows are the same as in the newest one, and snapshots_creation_policy is on_change"
			}
			e.say(key, "%s none was written %s: %s.", e.at(a.At), by, strings.TrimSuffix(why, "."))
		default:
			e.say(from, "%s writing one %s %s: %s", e.at(a.At), by, a.Outcome, a.Err)
			if a.Hint != "" {
				e.say("", "What to do: %s.", strings.TrimSuffix(a.Hint, "."))
			}
			if i == 0 && a.Outcome == api.Failed && e.s.Store.Location != "" {
				e.say("", "The store is %s; s tries again when it is well.", e.s.Store.Location)
			}
		}
	}
	if len(s.Attempts) == 0 && s.Run == nil && s.Off == "" && s.Mode != "bootstrap_only" {
		e.say("acceleration.snapshots_trigger", "None was written since pitwall started: the trigger (%s) did not come up yet.", s.Trigger)
	}
	if n := s.Newest; n != nil {
		e.say("", "A new replica loads #%d of %s%s.", n.ID, e.ago(n.Created), map[api.VerifyState]string{api.VerifyFailed: ", which was found damaged",
			api.VerifyGone: ", whose object is gone", api.VerifiedSum: ", which was verified"}[n.Verified.State])
	}
	return e.done()
}

func (e *explainer) next() []Sentence {
	d := e.d
	every := "acceleration.refresh_check_interval"
	if len(d.Upcoming) > 0 {
		every = "acceleration.refresh_cron"
	}
	switch {
	case e.s.ShuttingDown:
		e.say("", "pitwall is stopping.")
	case d.Engine == "":
		e.say("acceleration.enabled", "Nothing: it is not accelerated.")
	case d.Stream != nil && d.Run == nil:
		e.follows()
	case d.Run != nil && d.Run.ETA > 0:
		e.say("", "The running refresh is done in about %s.", span(d.Run.ETA))
	case d.Run != nil:
		e.say("", "The running refresh ends, when it does: its source does not tell how much there is.")
	case d.Retry != nil && d.Retry.Max > 0:
		e.say("acceleration.refresh_retry_max_attempts", "Attempt %d of %d begins %s.", d.Retry.Attempt, d.Retry.Max, e.in(d.Retry.At))
	case d.Retry != nil:
		e.say("acceleration.refresh_retry_enabled", "Attempt %d begins %s; it is tried again without end.", d.Retry.Attempt, e.in(d.Retry.At))
	case d.Held:
		e.say("", "No scheduled refresh begins until somebody resumes them (H).")
	case d.Waiting:
		e.say("acceleration.refresh_jitter_max", "A refresh that was asked for begins %s: its jitter delays it.", e.in(d.NextRefresh))
	case !d.NextRefresh.IsZero():
		e.say(every, "The next refresh (%s) begins %s.", d.Schedule, e.in(d.NextRefresh))
		e.jitter()
	default:
		e.say(every, "Nothing by itself: no schedule is set, so that it is refreshed when somebody asks for it (r).")
	}
	if r := d.Retention; r != nil && !r.Next.IsZero() {
		e.say("acceleration.retention_check_interval", "Rows are checked for their age %s.", e.in(r.Next))
	}
	if e.s.Config.Broken {
		e.say("", "The spicepod on disk is not applied: it has errors since %s, and generation %d goes on running. What to do: correct it; screen 5 shows the line, and e there opens it.", e.ago(e.s.Config.BrokenSince), e.s.Config.Generation)
	}
	return e.done()
}
