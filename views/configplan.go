package views

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// reloadWords say which changes of the file are applied by themselves.
var reloadWords = map[api.ReloadMode]string{
	api.ReloadAll:  "are applied by themselves",
	api.ReloadSafe: "are applied, but for what drops local data",
	api.ReloadHand: "wait to be applied by hand",
}

// pendingWords say what waits and why.
func pendingWords(c *ui.Ctx, cfg *api.ConfigStatus) string {
	why := "changes are applied by hand"
	if n := len(cfg.Pending.Drops()); n > 0 {
		why = "it drops local data of " + ui.Plural(n, "dataset")
	}
	return fmt.Sprintf("~ pending: the file on disk waits since %s because %s; g%d runs", ui.Clock(c.Now, cfg.Pending.Since), why, cfg.Generation)
}

// plan tells what the file on disk would change.
func (v *config) plan(c *ui.Ctx, w int) []string {
	t, p := c.Theme, c.State.Config.Pending
	out := []string{""}
	for _, x := range p.Changes {
		s := ui.Style("")
		switch {
		case x.Drops != "":
			s = t.Bad
		case x.Op == "+":
			s = t.Good
		}
		for i, l := range indented(x.String(), 1, w-2) {
			if i > 0 {
				l = "  " + l
			}
			out = append(out, s.On(l))
		}
		if x.Drops != "" {
			for _, l := range indented("DROPS local data: "+x.Drops, 3, w) {
				out = append(out, t.Bad.Bold().On(l))
			}
		}
	}
	if len(p.Drops()) > 0 {
		out = append(out, "")
		for _, l := range indented("a applies what drops nothing, A all of it, u writes the version that runs over the file", 1, w) {
			out = append(out, t.Dim.On(l))
		}
	}
	return out
}

// Actions implements ui.View.
func (v *config) Actions() []ui.Action {
	refused := func(cmd api.Command) func(*ui.Ctx, []string) string {
		return func(c *ui.Ctx, _ []string) string { return api.Refusal(c.Live, cmd) }
	}
	do := func(cmd api.Command) func(*ui.Ctx, []string) tea.Cmd {
		return func(c *ui.Ctx, _ []string) tea.Cmd { return c.Do(cmd) }
	}
	return []ui.Action{
		{ID: "config.apply", Title: "apply", Kind: ui.Mutate, Keys: []string{"a"}, Bar: 1, Help: "Apply what waits and drops no local data.",
			Off: refused(api.ApplyConfig{}), Run: do(api.ApplyConfig{})},
		{ID: "config.applyall", Title: "apply incl. drops", Kind: ui.Danger, Keys: []string{"A"}, Bar: 2, Asks: true,
			Help: "Apply all that waits, also what drops local data, after asking for a name.", Off: refused(api.ApplyConfig{Drops: true}), Run: applyAll},
		{ID: "config.revert", Title: "revert", Kind: ui.Mutate, Keys: []string{"u"}, Bar: 3, Verb: "Revert the file",
			Help: "Write the version that runs over the file on disk, which is kept beside it as .rejected.", Off: refused(api.RevertConfig{}),
			Effect: func(c *ui.Ctx, _ []string) string {
				return "Writes the version that was applied last over " + ui.Clean(c.Live.Config.Path) + ". What is there now is kept beside it, with the ending .rejected."
			}, Run: do(api.RevertConfig{})},
		{ID: "config.edit", Title: "edit", Kind: ui.Mutate, Keys: []string{"e"}, Bar: 4, Help: "Open $EDITOR on the file, at the problem that is shown; the console comes back when it ends.",
			Off: func(c *ui.Ctx, _ []string) string { return c.EditorOff() }, Run: v.edit},
		{ID: "config.next", Title: "next error", Keys: []string{"n"}, Bar: 5, Help: "Go to the next problem of the file.",
			Off: func(c *ui.Ctx, _ []string) string {
				if len(c.State.Config.Problems) == 0 {
					return "the file has no problem"
				}
				return ""
			}, Run: v.next},
		{ID: "config.watch", Title: "by hand on/off", Kind: ui.Mutate, Keys: []string{"W"}, Bar: 6,
			Help: "Have every change of the file wait until it is applied by hand, or apply them by themselves again.",
			Off: func(c *ui.Ctx, _ []string) string {
				if c.Live.Config.Reload == "" {
					return "nothing is reloaded here"
				}
				return api.Refusal(c.Live, api.SetReload{Mode: api.ReloadHand})
			}, Run: v.byHand},
	}
}

// applyAll asks for the name of the dataset that loses its data, or of the spicepod when there are several.
func applyAll(c *ui.Ctx, _ []string) tea.Cmd {
	command := api.ApplyConfig{Drops: true}
	drops := c.Live.Config.Pending.Drops()
	if len(drops) == 0 {
		return c.Do(command)
	}
	name := drops[0]
	if len(drops) > 1 {
		name = c.Live.Config.Name
	}
	asked := c.Live.Config.Pending.Since
	return c.Show(&ui.Confirm{Heading: "Apply, and drop local data", Verb: "Apply all", Name: name,
		Now: func(c *ui.Ctx) (effect, off string) {
			if off = api.Refusal(c.Live, command); off != "" {
				return "", off
			}
			if !c.Live.Config.Pending.Since.Equal(asked) {
				return "", "the file on disk changed meanwhile"
			}
			text := "Applies the file on disk."
			for _, x := range c.Live.Config.Pending.Changes {
				if x.Drops != "" {
					text += " " + ui.Clean(x.Dataset) + ": " + ui.Clean(x.Drops) + "."
				}
			}
			return text, ""
		},
		Run: func(c *ui.Ctx) tea.Cmd { return c.Do(command) }})
}

// next goes to the next problem, after the last to the first.
func (v *config) next(c *ui.Ctx, _ []string) tea.Cmd {
	v.problem = (v.problem + 1) % len(c.State.Config.Problems)
	if v.problem < len(v.starts) {
		v.page.top = v.starts[v.problem]
	}
	p := &c.State.Config.Problems[v.problem]
	c.Toast(api.Info, fmt.Sprintf("problem %d of %d: %s", v.problem+1, len(c.State.Config.Problems), where(&c.State.Config, p)))
	return nil
}

// edit opens the file at the problem that is shown, otherwise at the dataset that was selected last.
func (v *config) edit(c *ui.Ctx, _ []string) tea.Cmd {
	cfg := &c.State.Config
	if at := max(v.problem, 0); at < len(cfg.Problems) {
		p := &cfg.Problems[at]
		if p.Severity != "error" {
			if first := ui.FirstError(cfg); first != nil {
				p = first
			}
		}
		if p.File != "" {
			return c.EditFile(p.File, p.Line)
		}
	}
	if p, ok := cfg.Places[c.Subject]; ok && p.File != "" {
		return c.EditFile(p.File, p.Line)
	}
	return c.EditFile(cfg.Path, 0)
}

// byHand has changes wait, or not any more.
func (v *config) byHand(c *ui.Ctx, _ []string) tea.Cmd {
	if now := c.Live.Config.Reload; now != api.ReloadHand {
		v.before = now
		return c.Do(api.SetReload{Mode: api.ReloadHand})
	}
	if v.before == "" {
		v.before = api.ReloadSafe
	}
	return c.Do(api.SetReload{Mode: v.before})
}
