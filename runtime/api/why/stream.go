package why

import (
	"strings"

	"pitwall/runtime/api"
)

// followed tells what was applied of the stream that the dataset follows, in place of refreshes.
func (e *explainer) followed() {
	x := e.d.Stream
	const key = "acceleration.refresh_mode"
	switch {
	case x.Phase == api.StreamConnecting:
		e.say(key, "It follows %s, which is being opened.", x.Source)
	case !x.Loaded:
		e.say(key, "It loads what %s had when it was first followed: %s records are applied, %s are left.", x.Source, count(x.Records), count(x.Behind))
	case x.Commits == 0:
		e.say(key, "It follows %s: nothing came since pitwall started.", x.Source)
	default:
		e.say(key, "It follows %s: %s records were applied since pitwall started, the last %s, and %s wait.", x.Source, count(x.Records), e.ago(x.Applied), count(x.Behind))
	}
	switch {
	case x.Stopped != nil && x.Stopped.Record != nil:
		e.say("", "It stopped %s at partition %d, offset %d. All before that record is applied, nothing behind it.", e.ago(x.Stopped.Since), x.Stopped.Record.Partition, x.Stopped.Record.Offset)
	case x.Stopped != nil:
		e.say("", "It stopped %s; nothing is applied since.", e.ago(x.Stopped.Since))
	case x.Phase == api.StreamPaused:
		e.say("", "It is paused: somebody did that with H.")
	case x.Phase == api.StreamRetrying && x.Err != "":
		e.say("", "It does not go on: %s.", strings.TrimSuffix(x.Err, "."))
	}
	if x.Skipped > 0 {
		e.say("", "Records that somebody passed over: %s, kept in %s.", count(x.Skipped), x.DeadLetters)
	}
}

// follows tells what comes next of a stream.
func (e *explainer) follows() {
	x := e.d.Stream
	switch x.Phase {
	case api.StreamStopped:
		skip := ""
		if x.Stopped != nil && x.Stopped.Record != nil {
			skip = "S skips the record, which is kept in a dead-letter file, "
		}
		e.say("", "Nothing until somebody decides: r tries it again, %sR loads the dataset anew from the beginning of the stream.", skip)
	case api.StreamPaused:
		e.say("", "Nothing until H has the stream go on, which it does where it was.")
	case api.StreamRetrying:
		if x.Retry.IsZero() {
			e.say("", "It goes on when the source answers.")
			return
		}
		e.say("", "It is tried again %s; r does that at once.", e.in(x.Retry))
	case api.StreamLoading:
		e.say("ready_state", "It answers once the rest is loaded, and then follows what changes.")
	default:
		e.say("", "Changes are applied as they come.")
	}
}
