package views

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/runtime/api/incident"
	"pitwall/ui"
)

// wroteMsg says where an incident was written.
type wroteMsg struct {
	path string
	err  error
}

// fileName keeps the letters of a dataset's name that every file system takes.
var fileName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// writeIncident writes the timeline of a dataset as Markdown and JSON beside the screen dumps.
func writeIncident(c *ui.Ctx, targets []string) tea.Cmd {
	r := incident.Of(c.Live, targets[0], c.Now.AddDate(-10, 0, 0), c.Now)
	if r == nil {
		return nil
	}
	if len(r.Timeline) > 0 {
		r.From = r.Timeline[0].At
	}
	base := filepath.Join(c.Options.StateDir, "incidents", fileName.ReplaceAllString(r.Dataset, "_")+"-"+c.Wall.UTC().Format("20060102T150405Z"))
	return func() tea.Msg { return wroteMsg{base + ".md", saveIncident(r, base)} }
}

func saveIncident(r *incident.Report, base string) error {
	if err := os.MkdirAll(filepath.Dir(base), 0o700); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(base+".json", append(text, '\n'), 0o600); err != nil {
		return err
	}
	f, err := os.OpenFile(base+".md", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(r.Markdown(f), f.Close())
}

// wrote tells where an incident went.
func wrote(c *ui.Ctx, m wroteMsg) {
	if m.err != nil {
		c.Toast(api.ErrorLevel, "the incident was not written: "+m.err.Error())
		return
	}
	c.Toast(api.Info, "incident written to "+m.path+" and .json")
}
