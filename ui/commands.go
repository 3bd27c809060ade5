package ui

import (
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui/settings"
)

// ranMsg is the end of a program of the person's own.
type ranMsg struct {
	name string
	err  error
}

// commands are the actions that config.yml adds: programs of the person's own.
func (a *App) commands() []Action {
	if a.opts.Settings == nil || a.clash {
		return nil
	}
	var out []Action
	all := a.opts.Settings.Commands
	for _, name := range slices.Sorted(maps.Keys(all)) {
		cmd := all[name]
		x := Action{ID: "command." + name, Title: name, Help: "Runs: " + strings.TrimSuffix(cmd.Run, ".") + ".", Keys: []string{cmd.Key}, Kind: Read,
			Off: func(_ *Ctx, targets []string) string {
				if len(targets) == 0 && strings.Contains(cmd.Run, "PITWALL_DATASET") {
					return "no dataset is selected"
				}
				return ""
			},
			Run: func(c *Ctx, targets []string) tea.Cmd { return a.start(c, name, cmd, targets) }}
		if cmd.Changes {
			x.Kind = Mutate
		}
		if cmd.Confirm {
			x.Effect = func(*Ctx, []string) string { return "Runs in a shell: " + cmd.Run }
		}
		out = append(out, x)
	}
	return out
}

// start hands the terminal to a program and takes it back at its end.
func (a *App) start(c *Ctx, name string, cmd settings.Command, targets []string) tea.Cmd {
	line := cmd.Run
	if !cmd.NoPause {
		line += "\ncode=$?; printf '\\n[%s] enter goes back to pitwall ' \"$code\"; read -r _; exit \"$code\""
	}
	p := exec.CommandContext(a.ctx, "/bin/sh", "-c", line)
	first := ""
	if len(targets) > 0 {
		first = targets[0]
	}
	p.Env = append(os.Environ(), "PITWALL_DATASET="+first, "PITWALL_DATASETS="+strings.Join(targets, " "), "PITWALL_POD="+c.Live.Config.Path, "PITWALL_CONTEXT="+c.Live.Link.Name)
	return tea.ExecProcess(p, func(err error) tea.Msg { return ranMsg{name, err} })
}

// ran tells how a program ended.
func (a *App) ran(m ranMsg) {
	if m.err != nil {
		a.toast(api.Warn, m.name+": "+m.err.Error())
		return
	}
	a.toast(api.Info, m.name+" ended well")
}
