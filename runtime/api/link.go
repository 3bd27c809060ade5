package api

import "time"

// Link says where a State comes from when it is not the runtime of this process.
type Link struct {
	// Kind is "" for the runtime of this process, LinkPitwall or LinkSpice for another one, LinkRecording for a recording.
	Kind string
	// Name is what it is reached by: a context of the configuration, an URL, a file.
	Name string
	// URL is that of its HTTP API; empty where there is none.
	URL string
	// DownSince is when the other side stopped answering; zero while it does. Err says why, RetryAt when it is asked again.
	DownSince time.Time
	Err       string
	RetryAt   time.Time
	// Rows is true for a recording that has the rows of the statements that were run meanwhile.
	Rows bool
	// Stored is how many lists of stored snapshots a recording has until then: another one means that they may differ.
	Stored int
}

// The kinds of links.
const (
	LinkPitwall   = "pitwall"
	LinkSpice     = "spice"
	LinkRecording = "recording"
)

// Player is a Console that plays a recording. All methods are safe for concurrent use.
type Player interface {
	Console
	Clock
	// Playback says where it is.
	Playback() Playback
	// Seek goes forward, or with a negative duration back, in the recorded time.
	Seek(by time.Duration)
	// Hold stops it, or has it go on.
	Hold(on bool)
	// Speed sets how many times faster than life it plays, more than 0.
	Speed(times float64)
}

// Playback is where a Player is.
type Playback struct {
	// First and Last are the recorded times it begins and ends at, At is where it is.
	First, Last, At time.Time
	Speed           float64
	// Held is true while it stands still, also at the end.
	Held bool
}

// Clock is a Console whose States have another time than this machine: that of a recording, or of a machine whose
// clock differs. What is shown as an age is counted from it.
type Clock interface{ Now() time.Time }

// refuseLink says why a command can't be sent where a State comes from.
func refuseLink(s *State, c Command) string {
	switch l := &s.Link; {
	case l.Kind == LinkRecording:
		return "this is a recording: what it shows is over"
	case !l.DownSince.IsZero():
		why := l.Name + " does not answer since " + l.DownSince.Local().Format("15:04:05")
		if l.Err != "" {
			why += ": " + l.Err
		}
		return why
	case l.Kind == LinkSpice:
		switch c.(type) {
		case RefreshNow, SetRefreshSQL, SetCurrent:
			return ""
		}
		return "a Spice runtime has no API to " + c.Verb()
	}
	return ""
}
