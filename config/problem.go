package config

import (
	"fmt"
	"slices"
	"strings"
)

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
	Path string `json:"path"`
	// Dataset is the name of the dataset that Path is in; empty outside of any, or when it has none yet.
	Dataset string `json:"-"`
	Message string `json:"message"`
	// Hint says what is allowed or what was probably meant; may be empty.
	Hint string `json:"hint"`
	// Excerpt is the line of the file with a caret under the place, secrets masked; may be empty.
	Excerpt string `json:"-"`
}

// String is the problem on one line: file:line:column: path: message.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if p.Severity == SeverityWarning {
		b.WriteString("warning: ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Detail is the problem on several lines: String, the excerpt with its caret, the hint.
func (p Problem) Detail() string {
	var b strings.Builder
	b.WriteString(p.String())
	if p.Excerpt != "" {
		b.WriteString("\n" + p.Excerpt)
	}
	if p.Hint != "" {
		b.WriteString("\n  hint: " + p.Hint)
	}
	return b.String()
}

// Errors returns the problems of severity error.
func Errors(ps []Problem) []Problem { return only(ps, SeverityError) }

// Warnings returns the problems of severity warning.
func Warnings(ps []Problem) []Problem { return only(ps, SeverityWarning) }

func only(ps []Problem, s Severity) []Problem {
	var out []Problem
	for _, p := range ps {
		if p.Severity == s {
			out = append(out, p)
		}
	}
	return out
}

// sortProblems orders problems by place, in the order of files; those of equal place stay as found.
// Equal problems, as a shared anchor causes them, are kept once.
func sortProblems(ps []Problem, files []string) []Problem {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if a.File != b.File {
			return slices.Index(files, a.File) - slices.Index(files, b.File)
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return slices.Compact(ps)
}
