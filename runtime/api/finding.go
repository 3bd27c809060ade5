package api

// Finding is one line of the production checklist, checked against the spicepod and the store.
type Finding struct {
	// Check names the line, such as "versioning"; Dataset is set when it is about one.
	Check   string       `json:"check"`
	Dataset string       `json:"dataset,omitempty"`
	State   FindingState `json:"state"`
	// Title is what the line asks for, Found what is the case, Remedy what to do about it.
	Title  string `json:"title"`
	Found  string `json:"found"`
	Remedy string `json:"remedy,omitempty"`
}

// FindingState says how well it is.
type FindingState string

// The states.
const (
	FindingOK      FindingState = "ok"
	FindingWarning FindingState = "warning"
	FindingProblem FindingState = "problem"
	// FindingNone is a line that does not apply, or can't be checked from here.
	FindingNone FindingState = "not applicable"
)
