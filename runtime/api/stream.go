package api

import "time"

// Stream is the stream of changes that a dataset follows (spec data-refresh 7).
type Stream struct {
	Phase StreamPhase
	// Source is what is followed, such as "debezium:orders".
	Source string
	// Err and Hint say why it does not go on; empty when it does. Retry is when it tries again; zero where it waits for
	// somebody, or the source tries by itself.
	Err, Hint string
	Retry     time.Time
	// Stopped says what somebody has to decide about; nil while nothing has to be.
	Stopped *StreamStop
	// Loaded is true once everything is applied that was there when the stream was first followed.
	Loaded bool
	// Partitions are in their order.
	Partitions []StreamPartition
	// Behind is how many records are not applied yet.
	Behind int64
	// Changed is when the newest change that is applied was made at the source, Applied when it was committed here. Zero
	// before the first.
	Changed, Applied time.Time
	// Took is how long the last commit took.
	Took time.Duration
	// Ops counts rows by operation; Records and Bytes what was applied in Commits; Ignored are records about no row. All
	// since the process started.
	Ops                              StreamOps
	Records, Bytes, Ignored, Commits int64
	// Skipped counts records that somebody passed over; DeadLetters is the file that has them, empty when there is none.
	Skipped     int64
	DeadLetters string
	// Keys is the primary key, as the stream tells it.
	Keys []string
	// Last is the newest record that was applied; nil before the first.
	Last *StreamRecord
	// History has one point a second, oldest first, at most StreamWindow.
	History []StreamPoint
}

// StreamPhase is what is done about a stream.
type StreamPhase string

// The phases.
const (
	StreamConnecting StreamPhase = "connecting"
	StreamLoading    StreamPhase = "loading"   // of what was there when it was first followed
	StreamFollowing  StreamPhase = "following" // changes are applied as they come
	StreamRetrying   StreamPhase = "retrying"  // the source or the engine does not answer
	StreamPaused     StreamPhase = "paused"    // on hold
	StreamStopped    StreamPhase = "stopped"   // somebody has to decide; see Stopped
)

// StreamStop is why a stream stopped.
type StreamStop struct {
	// Kind is "record" when one can't be applied, "gap" when changes are gone that were never read, else "error".
	Kind  string
	Since time.Time
	// Record is the one that can't be applied; nil when it is none.
	Record *StreamRecord
}

// StreamRecord is a record of a stream.
type StreamRecord struct {
	Partition int32
	Offset    int64
	At        time.Time
	// Key and Value are texts, cut at StreamText bytes, with secrets masked; empty where the record has none. Size is that
	// of both, in bytes.
	Key, Value string
	Size       int64
}

// StreamText is how much of a record is told.
const StreamText = 2000

// StreamPartition is how far a partition is applied: Next is the offset that comes next, End the one behind the last.
type StreamPartition struct {
	ID        int32
	Next, End int64
}

// StreamOps counts rows by operation.
type StreamOps struct{ Reads, Inserts, Updates, Deletes, Truncates int64 }

// All is their sum.
func (o StreamOps) All() int64 { return o.Reads + o.Inserts + o.Updates + o.Deletes + o.Truncates }

// StreamPoint is one moment of a stream.
type StreamPoint struct {
	At     time.Time
	Behind int64
	// Lag is how old the newest applied change is while others wait, else how long it took to be applied.
	Lag time.Duration
	// Ops counts since the process started.
	Ops StreamOps
}

// StreamWindow is the highest number of points of a history.
const StreamWindow = 300

// SkipRecord passes over the record that stopped a stream; it is kept in the dead-letter file.
type SkipRecord struct{ Dataset string }

// Target returns the dataset.
func (c SkipRecord) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c SkipRecord) Verb() string { return "skip record" }

// Rebootstrap has a stream begin anew: what is there is replaced by what the stream has from its beginning on.
type Rebootstrap struct{ Dataset string }

// Target returns the dataset.
func (c Rebootstrap) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c Rebootstrap) Verb() string { return "re-bootstrap" }

// Lag is how old the newest applied change is while others wait, else how long it took from the source to here; 0 when
// unknown.
func (s *Stream) Lag(now time.Time) time.Duration {
	switch {
	case s.Changed.IsZero():
		return 0
	case s.Behind > 0:
		return max(0, now.Sub(s.Changed))
	default:
		return max(0, s.Applied.Sub(s.Changed))
	}
}
