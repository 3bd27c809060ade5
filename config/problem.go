package config

// Severity of a Problem.
type Severity string

// The severities. One error makes the whole file invalid; warnings do not.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Problem is one thing that is wrong with a spicepod. Its JSON form is the contract of
// `pitwall validate --format json`.
type Problem struct {
	Severity Severity `json:"severity"`
	File     string   `json:"file"`
	// Line and Column are 1-based; 0 when the problem has no place in the file.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Path is the YAML path, such as datasets[2].acceleration.engine.
	Path    string `json:"path"`
	Message string `json:"message"`
	// Hint says what is allowed or what was probably meant; may be empty.
	Hint string `json:"hint"`
	// Excerpt is the line of the file with a caret under the place, secrets masked; may be empty.
	Excerpt string `json:"-"`
}
