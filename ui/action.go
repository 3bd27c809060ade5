package ui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// Kind says what an action may do.
type Kind int

// The kinds. Mutate and Danger are off in read-only; Danger asks for the name of the dataset.
const (
	Nav Kind = iota
	Read
	Mutate
	Danger
)

// Action is one thing a person can do. Key bar, help, action menu and the keys themselves are made
// of Actions and of nothing else.
type Action struct {
	// ID is a stable name, "dataset.refresh".
	ID string
	// Title is two or three words for bar and menu, Help a sentence.
	Title, Help string
	// Keys are the keys, as Bubble Tea names them; the first is shown.
	Keys []string
	Kind Kind
	// Bar is the place in the key bar, from 1; 0 keeps it out.
	Bar int
	// Off says why the action makes no sense now; "" when it does. Nil is always on.
	Off func(c *Ctx, targets []string) string
	// Effect says what will happen; a confirm dialog shows it. "" or nil asks nothing.
	Effect func(c *Ctx, targets []string) string
	// Verb and Keep label the buttons of the confirm dialog; the defaults are the Title and "Cancel".
	Verb, Keep string
	// Asks tells that Run opens a dialog of its own that asks before anything happens.
	Asks bool
	Run  func(c *Ctx, targets []string) tea.Cmd
}

// off is the reason why an action can't be used now, read-only first.
func (a *Action) off(c *Ctx, targets []string) string {
	if a.Kind >= Mutate && c.Live.ReadOnly {
		return "read-only: start without --read-only to change things"
	}
	if a.Off != nil {
		return a.Off(c, targets)
	}
	return ""
}

// has tells whether key is one of the action's.
func (a *Action) has(key string) bool {
	for _, k := range a.Keys {
		if k == key {
			return true
		}
	}
	return false
}

// CommandAction makes an Action of a runtime command, with the runtime's own reasons for refusing it.
// Of several targets those that would be refused are left out; all refused is a reason to be off.
func CommandAction(a Action, command func(c *Ctx, d *api.Dataset) api.Command) Action {
	a.Off = func(c *Ctx, targets []string) string {
		if len(targets) == 0 {
			return "no dataset is selected"
		}
		_, why := commands(c, targets, command)
		return why
	}
	a.Run = func(c *Ctx, targets []string) tea.Cmd {
		cmds, why := commands(c, targets, command)
		if len(cmds) == 0 {
			c.Toast(api.Warn, why)
			return nil
		}
		if n := len(targets) - len(cmds); n > 0 {
			c.Toast(api.Warn, fmt.Sprintf("%s left out: %s", Plural(n, "dataset"), refusals(c, targets, command)))
		}
		return c.Do(cmds...)
	}
	return a
}

// commands returns the commands for the targets that the runtime would take, or why it takes none.
func commands(c *Ctx, targets []string, command func(*Ctx, *api.Dataset) api.Command) (out []api.Command, why string) {
	for _, name := range targets {
		d := c.Live.Dataset(name)
		if d == nil {
			why = fmt.Sprintf("there is no dataset %q", name)
			continue
		}
		cmd := command(c, d)
		if w := api.Refusal(c.Live, cmd); w != "" {
			why = w
			continue
		}
		out = append(out, cmd)
	}
	if len(out) > 0 {
		why = ""
	}
	return out, why
}

// refusals names the first reason among the targets.
func refusals(c *Ctx, targets []string, command func(*Ctx, *api.Dataset) api.Command) string {
	for _, name := range targets {
		if d := c.Live.Dataset(name); d != nil {
			if w := api.Refusal(c.Live, command(c, d)); w != "" {
				return w
			}
		}
	}
	return "not there any more"
}

// Names writes target names for a sentence: one name, or the first few and how many there are.
func Names(targets []string) string {
	clean := make([]string, 0, 3)
	for _, n := range targets[:min(3, len(targets))] {
		clean = append(clean, Clean(n))
	}
	s := strings.Join(clean, ", ")
	if n := len(targets) - len(clean); n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

// KeyName writes a key for people.
func KeyName(k string) string {
	switch k {
	case "space":
		return "space"
	case "pgdown":
		return "pgdn"
	}
	return k
}
