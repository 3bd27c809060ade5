package config

import (
	"fmt"
	"regexp"
	"strings"

	"pitwall/config/secrets"
)

// report adds a problem at a place of the document.
func (d *document) report(s Severity, line, col int, path, message, hint string) {
	if d.full(s) {
		return
	}
	*d.problems = append(*d.problems, Problem{Severity: s, File: d.file, Line: line, Column: col,
		Path: path, Message: message, Hint: hint, Excerpt: d.excerpt(line, col)})
}

// full reports whether there are enough problems of that severity. They are counted apart: warnings
// must never push an error out, or a broken file would load.
func (d *document) full(s Severity) bool {
	if len(*d.problems) < maxProblems {
		return false
	}
	n := 0
	for _, p := range *d.problems {
		if p.Severity == s {
			n++
		}
	}
	return n >= maxProblems
}

// at reports a problem at the value of path; when the path is not in the file, at the nearest parent.
func (d *document) at(s Severity, path, message, hint string) {
	line, col := d.place(path)
	d.atPlace(s, path, line, col, message, hint)
}

// atPlace is at for a place inside of the value.
func (d *document) atPlace(s Severity, path string, line, col int, message, hint string) {
	if d.refused[path] || d.broken[path] && s == SeverityWarning {
		return // said already, this would only repeat it
	}
	if s == SeverityError {
		d.broken[path] = true
	}
	d.report(s, line, col, path, message, hint)
}

// errorf and warnf report at the value of path, without and with mercy.
func (d *document) errorf(path, hint, format string, args ...any) {
	d.at(SeverityError, path, fmt.Sprintf(format, args...), hint)
}

func (d *document) warnf(path, hint, format string, args ...any) {
	d.at(SeverityWarning, path, fmt.Sprintf(format, args...), hint)
}

// place returns line and column of the value of path, or of what contains it.
func (d *document) place(path string) (line, col int) {
	for {
		if m, ok := d.marks[path]; ok {
			n := m.value
			if m.key != nil && (n == nil || n.Line == 0 || n.ShortTag() == "!!null") {
				n = m.key
			}
			return n.Line, n.Column
		}
		if path == "" {
			return 1, 1
		}
		path = parent(path)
	}
}

func parent(path string) string {
	i := strings.LastIndexAny(path, ".[")
	if i < 0 {
		return ""
	}
	return path[:i]
}

// has reports whether the file sets path to something other than null.
func (d *document) has(path string) bool {
	m, ok := d.marks[path]
	return ok && m.value.ShortTag() != "!!null"
}

const (
	// excerptWidth is how many characters of a line an excerpt shows.
	excerptWidth = 100
	// excerptLead is how many of them at most are left of the caret.
	excerptLead = 60
)

// excerpt is the line with a caret under col, with what may be a secret masked.
func (d *document) excerpt(line, col int) string {
	if line < 1 || line > len(d.lines) {
		return ""
	}
	// What is far behind the caret is not shown, so it need not be masked.
	text := []rune(maskLine(clip(d.lines[line-1], col+excerptWidth)))
	for i, r := range text {
		if r == '\t' || r < ' ' {
			text[i] = ' '
		}
	}
	at := min(max(0, col-1), len(text))
	if from := at - excerptLead; from > 0 {
		text, at = text[from:], excerptLead
	}
	if len(text) > excerptWidth {
		text = text[:excerptWidth]
	}
	gutter := fmt.Sprintf("%5d | ", line)
	return gutter + strings.TrimRight(string(text), " ") + "\n" +
		strings.Repeat(" ", len(gutter)-2) + "| " + strings.Repeat(" ", at) + "^"
}

// sensitiveKey matches names of parameters whose value is a secret even in clear text.
var sensitiveKey = regexp.MustCompile(`(?i)(pass|passwd|password|secret|token|api_?key|access_?key|credential|connection_string|private_?key|_key)$`)

// sensitiveLine finds the name of such a parameter in a line of YAML.
var sensitiveLine = regexp.MustCompile(`(?i)[\w-]*(?:pass|passwd|password|secret|token|api[-_]?key|access[-_]?key|credentials?|connection_string|private[-_]?key|_key)["']?\s*:\s+`)

// templated is a value that is nothing but a placeholder.
var templated = regexp.MustCompile(`^["']?\$\{[^{}]*\}["']?\s*([,}#].*)?$`)

// urlPassword finds user:password@ in a line.
var urlPassword = regexp.MustCompile(`(://[^\s/:@]*:)[^\s/@]+@`)

// sensitive reports whether the value of a parameter is secret by its name.
func sensitive(key string) bool {
	return sensitiveKey.MatchString(key) && !strings.EqualFold(key, "primary_key")
}

// maskLine hides clear-text secrets of a line of the file: all that follows the name of a secret. A
// placeholder is not a secret.
func maskLine(line string) string {
	line = urlPassword.ReplaceAllString(line, "${1}"+secrets.Mask+"@")
	for _, m := range sensitiveLine.FindAllStringIndex(line, -1) {
		rest := line[m[1]:]
		if rest == "" || rest[0] == '#' || templated.MatchString(rest) || strings.HasPrefix(line[m[0]:], "primary_key") {
			continue
		}
		return line[:m[1]] + secrets.Mask
	}
	return line
}
