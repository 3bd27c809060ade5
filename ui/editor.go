package ui

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// editedMsg tells that the editor has ended.
type editedMsg struct {
	file string
	err  error
}

// EditFile opens a file in the editor of the user, at a line when it is known and the editor can, and comes back when
// the editor ends. It gets the terminal of the process; another one can't be handed on, so that an editor which needs
// none runs beside it.
func (c *Ctx) EditFile(file string, line int) tea.Cmd {
	words := strings.Fields(cmp.Or(c.Options.Editor, os.Getenv("VISUAL"), os.Getenv("EDITOR"), "vi"))
	if line > 0 && slices.Contains([]string{"vi", "vim", "nvim", "nano", "emacs", "micro"}, filepath.Base(words[0])) {
		words = append(words, fmt.Sprintf("+%d", line))
	}
	cmd := exec.CommandContext(c.Context(), words[0], append(words[1:], file)...)
	ended := func(err error) tea.Msg { return editedMsg{file, err} }
	if c.Options.Terminal != nil {
		return func() tea.Msg { return ended(cmd.Run()) }
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr // not the console's paced output: editors want a terminal
	return tea.ExecProcess(cmd, ended)
}

// edited says when an editor could not be run.
func (a *App) edited(m editedMsg) {
	if m.err != nil {
		a.toast(api.ErrorLevel, fmt.Sprintf("the editor for %s failed: %v; $VISUAL or $EDITOR names another one", Clean(filepath.Base(m.file)), m.err))
	}
}
