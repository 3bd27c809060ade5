package ui

import (
	"fmt"
	"os"

	tea "charm.land/bubbletea/v2"
	"github.com/atotto/clipboard"

	"pitwall/runtime/api"
)

// clipMax is the highest number of bytes terminals take by OSC 52: xterm's limit is 74,994 bytes of
// base64.
const clipMax = 74_994 / 4 * 3

// CopyTwin copies the command line that asks for the same as a task; the toast tells where it needs an API that is
// closed now.
func (c *Ctx) CopyTwin(t *api.Task) tea.Cmd {
	at, open := c.Live.Endpoint()
	if t.Twin.IsZero() {
		c.Toast(api.Warn, t.Verb+": there is no command line for it")
		return nil
	}
	cmd := c.Clipboard(t.Twin.Line(at), "the command line of "+t.Verb)
	if !open {
		c.Toast(api.Warn, "copied; it needs the HTTP API, which is closed: start pitwall with --http 127.0.0.1:8090, or serve")
	}
	return cmd
}

// Task returns the command of an id, nil when it is not listed any more.
func (c *Ctx) Task(id api.CommandID) *api.Task {
	for i := range c.State.Tasks {
		if t := &c.State.Tasks[i]; id != 0 && t.ID == id {
			return t
		}
	}
	return nil
}

func (a *App) clipboard(text, what string) tea.Cmd {
	switch {
	case text == "":
		a.toast(api.Warn, "nothing to copy")
		return nil
	case len(text) > clipMax:
		a.toast(api.Warn, fmt.Sprintf("%s is %s, too much for the clipboard of a terminal; ctrl+s writes a file", what, Bytes(int64(len(text)))))
		return nil
	}
	note := ""
	if os.Getenv("TMUX") != "" {
		note = "; tmux needs set-clipboard on"
	}
	a.toast(api.Info, fmt.Sprintf("copied %s (%d bytes)%s", what, len(text), note))
	if a.opts.Terminal != nil || os.Getenv("SSH_TTY") != "" || clipboard.Unsupported {
		return tea.SetClipboard(text) // the clipboard is on another machine
	}
	return tea.Batch(tea.SetClipboard(text), func() tea.Msg {
		_ = clipboard.WriteAll(text) // the terminal has got it too
		return nil
	})
}
