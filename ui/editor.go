package ui

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// EditorOff says why no editor can be opened on a file of the runtime here; "" when one can.
func (c *Ctx) EditorOff() string {
	switch l := &c.Live.Link; {
	case l.Kind == api.LinkRecording:
		return "this is a recording: its file may be another one now"
	case l.Kind != "":
		return "the file is on the machine of " + l.Name
	case c.Options.Terminal != nil && c.Options.Editor == "":
		return "the console is not on a terminal of its own"
	}
	return ""
}

// EditFile opens the editor of the person (Options.Editor, $VISUAL, $EDITOR, vi) on a line of a file, from 1; the console
// comes back when it ends. It gets the terminal of the process; another one can't be handed on, so that an editor which
// needs none runs beside it.
func (c *Ctx) EditFile(path string, line int) tea.Cmd {
	editor := cmp.Or(c.Options.Editor, strings.TrimSpace(os.Getenv("VISUAL")), strings.TrimSpace(os.Getenv("EDITOR")), "vi")
	// A shell takes it apart, as git does: it may be a program with its flags.
	args := append([]string{"-c", "exec " + editor + ` "$@"`, editor}, atLine(editor, path, line)...)
	cmd := exec.CommandContext(c.Context(), "/bin/sh", args...)
	ended := func(err error) tea.Msg { return editedMsg{editor, err} }
	if c.Options.Terminal != nil {
		return func() tea.Msg { return ended(cmd.Run()) }
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr // not the console's paced output: editors want a terminal
	return tea.ExecProcess(cmd, ended)
}

// editedMsg is the end of an editor.
type editedMsg struct {
	editor string
	err    error
}

// edited tells when the editor could not be run.
func (a *App) edited(m editedMsg) {
	if m.err != nil {
		a.toast(api.ErrorLevel, fmt.Sprintf("the editor %s: %v; set $EDITOR", m.editor, m.err))
	}
}

// atLine are the arguments that open a file at a line, of the editors that are known.
func atLine(editor, path string, line int) []string {
	program := filepath.Base(strings.Fields(editor)[0])
	switch {
	case line < 1:
	case program == "code" || program == "codium" || program == "cursor":
		return []string{"--goto", fmt.Sprintf("%s:%d", path, line)}
	case program == "hx" || program == "subl" || program == "zed":
		return []string{fmt.Sprintf("%s:%d", path, line)}
	case strings.HasPrefix(program, "vi") || strings.HasPrefix(program, "emacs") || program == "nvim" || program == "nano" || program == "pico" ||
		program == "micro" || program == "kak" || program == "joe" || program == "jed" || program == "mg" || program == "ne":
		return []string{fmt.Sprintf("+%d", line), path}
	}
	return []string{path}
}
