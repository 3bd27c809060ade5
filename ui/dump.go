package ui

import (
	"os"
	"path/filepath"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"pitwall/runtime/api"
)

// dumpedMsg tells where a screen dump went.
type dumpedMsg struct {
	path string
	err  error
}

// dump writes the screen as it was composed last, as text and with its colours.
func (a *App) dump(c *Ctx, _ []string) tea.Cmd {
	screen, dir, now := a.content, filepath.Join(a.opts.StateDir, "screens"), c.Wall
	return func() tea.Msg {
		path, err := writeDump(dir, screen, now)
		return dumpedMsg{path, err}
	}
}

func writeDump(dir, screen string, now time.Time) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	base := filepath.Join(dir, "pitwall-"+now.UTC().Format("20060102T150405.000Z"))
	if err := os.WriteFile(base+".ansi", []byte(screen+"\n"), 0o600); err != nil {
		return "", err
	}
	return base + ".txt", os.WriteFile(base+".txt", []byte(ansi.Strip(screen)+"\n"), 0o600)
}

func (a *App) dumped(_ *Ctx, m dumpedMsg) {
	if m.err != nil {
		a.toast(api.ErrorLevel, "screen dump: "+m.err.Error())
		return
	}
	a.toast(api.Info, "screen written to "+m.path)
}
