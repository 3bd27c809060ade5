package ui

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// CrashError says that the console broke. The terminal was restored; Path is the report, empty when
// it could not be written.
type CrashError struct {
	Path string
	// What is what broke, one line.
	What string
}

// Error names the report.
func (e *CrashError) Error() string {
	if e.Path == "" {
		return "the console broke: " + e.What
	}
	return "the console broke: " + e.What + "; the report is " + e.Path
}

// crashed remembers what broke and ends the program; Run writes the report.
func (a *App) crashed(what, stack string) tea.Cmd {
	if a.crash == nil {
		a.crash = &CrashError{What: redact(Cut(Clean(what), 200))}
		a.crashReport = what + "\n\n" + stack
	}
	return a.leave()
}

var secret = regexp.MustCompile(`(?i)("?[\w.-]*(?:password|passwd|secret|token|api_?key|s3_key|access_?key|authorization)[\w.-]*"?\s*[:=]\s*(?:Bearer\s+|Basic\s+)?)("[^"]*"|'[^']*'|\S+)|(://[^/\s:@]+:)[^/\s@]+(@)`)

// redact hides what looks like a secret.
func redact(s string) string {
	return secret.ReplaceAllStringFunc(s, func(m string) string {
		p := secret.FindStringSubmatch(m)
		if p[1] != "" {
			return p[1] + "***"
		}
		return p[3] + "***" + p[4]
	})
}

// report is the text of a crash report: build, what broke, the screen and the newest events.
func (a *App) report(now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "pitwall %s, %s, %s/%s, %s, window %d×%d\n\n%s\n\nscreen:\n%s\n\nevents:\n", a.opts.Version,
		runtime.Version(), runtime.GOOS, runtime.GOARCH, now.UTC().Format(time.RFC3339), a.ctxv.W, a.ctxv.H,
		a.crashReport, ansi.Strip(a.content))
	evs := a.live.Events
	for _, e := range evs[max(len(evs)-200, 0):] {
		fmt.Fprintf(&b, "%s %s %s %s %s", e.At.UTC().Format(time.RFC3339Nano), e.Level, Clean(e.Dataset), e.Kind, Clean(e.Message))
		for _, f := range e.Fields {
			fmt.Fprintf(&b, " %s=%s", f.Key, Clean(f.Value))
		}
		b.WriteByte('\n')
	}
	return redact(b.String())
}

// writeReport writes a crash report and returns its path.
func writeReport(dir, text string, now time.Time) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "crash-"+now.UTC().Format("20060102T150405Z")+".txt")
	return path, os.WriteFile(path, []byte(text), 0o600)
}
