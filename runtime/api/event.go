package api

import "time"

// Level of an Event.
type Level int

// The levels.
const (
	Debug Level = iota
	Info
	Warn
	ErrorLevel
)

// String returns the four to five letter name.
func (l Level) String() string {
	switch l {
	case Debug:
		return "DEBUG"
	case Warn:
		return "WARN"
	case ErrorLevel:
		return "ERROR"
	default:
		return "INFO"
	}
}

// Event is one thing that happened. Events are numbered without gaps in the order they happened.
type Event struct {
	Seq   uint64
	At    time.Time
	Level Level
	// Dataset is empty for events of the whole runtime.
	Dataset string
	// Kind groups events: "refresh", "snapshot", "bootstrap", "compaction", "config", "runtime", "command".
	Kind string
	// Message is a sentence without secrets; Fields add detail in order.
	Message string
	Fields  []Field
	// Command is the Command this event is the outcome of; 0 when of none.
	Command CommandID
}

// Field is one detail of an Event.
type Field struct{ Key, Value string }
