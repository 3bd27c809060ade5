package ui

import (
	"path"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/sahilm/fuzzy"

	"pitwall/runtime/api"
)

// saidMax is how many lines of the palette are remembered, saidShown how many of them it offers before anything
// is typed.
const (
	saidMax   = 200
	saidShown = 4
)

// Commander is a View that takes what is typed behind its name in the palette.
type Commander interface {
	Command(c *Ctx, args string) tea.Cmd
}

// choice is one line of the palette.
type choice struct {
	// text is what it is called, and what is typed for it; note says more.
	text, note, key string
	// off says why it makes no sense now.
	off string
	// more has the line completed to its text instead of being done: it needs a word behind it.
	more bool
	run  func(c *Ctx) tea.Cmd
}

// paletteDialog is the line in which anything can be asked for by its name.
type paletteDialog struct {
	edit    Edit
	at, top int
	back    int // how far back in what was said before; 0 is what is being typed
}

// Title implements Dialog.
func (d *paletteDialog) Title(*Ctx) string { return "Do or go to" }

// Careful implements Dialog.
func (d *paletteDialog) Careful() bool { return false }

// Update implements Dialog.
func (d *paletteDialog) Update(*Ctx, tea.Msg) tea.Cmd { return nil }

// Paste implements Texter.
func (d *paletteDialog) Paste(s string) { d.edit.Insert(s); d.at = 0 }

// Key implements Dialog.
func (d *paletteDialog) Key(c *Ctx, k tea.KeyPressMsg) (bool, tea.Cmd) {
	list := d.choices(c)
	switch k.String() {
	case "esc":
		return true, nil
	case "up":
		d.at = max(d.at-1, 0)
		return false, nil
	case "down":
		d.at = min(d.at+1, max(len(list)-1, 0))
		return false, nil
	case "pgup":
		d.at = max(d.at-10, 0)
		return false, nil
	case "pgdown":
		d.at = min(d.at+10, max(len(list)-1, 0))
		return false, nil
	case "ctrl+p":
		d.recall(c, 1)
		return false, nil
	case "ctrl+n":
		d.recall(c, -1)
		return false, nil
	case "tab":
		if d.at < len(list) {
			d.edit.Set(list[d.at].text + " ")
			d.at = 0
		}
		return false, nil
	case "backspace":
		if d.edit.Text() == "" {
			return true, nil
		}
	case "enter":
		if d.at >= len(list) {
			return false, nil
		}
		x := list[d.at]
		if x.more {
			d.edit.Set(x.text + " ")
			d.at = 0
			return false, nil
		}
		if x.off != "" {
			c.Toast(api.Warn, x.text+": "+x.off)
			return true, nil
		}
		c.app.remember(x.text)
		return true, x.run(c)
	}
	if d.edit.Key(k) {
		d.at = 0
	}
	return false, nil
}

// recall goes through what was said before.
func (d *paletteDialog) recall(c *Ctx, step int) {
	said := c.app.said
	d.back = min(max(d.back+step, 0), len(said))
	d.at = 0
	if d.back == 0 {
		d.edit.Set("")
		return
	}
	d.edit.Set(said[len(said)-d.back])
}

// remember notes a line, the newest last.
func (a *App) remember(line string) {
	a.said = append(slices.DeleteFunc(a.said, func(s string) bool { return s == line }), line)
	a.said = a.said[max(0, len(a.said)-saidMax):]
}

// choices are what the line can mean, the best first.
func (d *paletteDialog) choices(c *Ctx) []choice {
	line := strings.TrimLeft(d.edit.Text(), " :")
	verb, args, has := strings.Cut(line, " ")
	if has {
		if list, known := c.app.withArgs(c, strings.ToLower(verb), strings.TrimSpace(args)); known {
			return list
		}
	}
	all := c.app.verbs(c)
	if line == "" {
		var first []choice
		for i := len(c.app.said) - 1; i >= 0 && len(first) < saidShown; i-- {
			d.edit.Set(c.app.said[i])
			if again := d.choices(c); len(again) > 0 && again[0].text == c.app.said[i] {
				again[0].note = "again"
				first = append(first, again[0])
			}
		}
		d.edit.Set("")
		return append(first, all...)
	}
	for _, ds := range c.State.Datasets {
		all = append(all, c.app.openChoice(c, "dataset", ds.Name))
	}
	line = strings.TrimSpace(line)
	return append(find(line, all), c.app.eventChoices(c, line)...)
}

// find returns the choices that a text is like; what begins with it comes first.
func find(text string, all []choice) []choice {
	if text == "" {
		return all
	}
	texts := make([]string, len(all))
	for i := range all {
		texts[i] = all[i].text
	}
	found := fuzzy.Find(text, texts)
	out := make([]choice, len(found))
	for i, f := range found {
		out[i] = all[f.Index]
	}
	low := strings.ToLower(text)
	slices.SortStableFunc(out, func(a, b choice) int { return rank(a, low) - rank(b, low) })
	return out
}

func rank(x choice, low string) int {
	switch text := strings.ToLower(x.text); {
	case text == low:
		return 0
	case strings.HasPrefix(text, low):
		return 1
	case strings.Contains(text, low):
		return 2
	}
	return 3
}

// short are other names of screens.
func short(verb string) string {
	if long, ok := map[string]string{"ds": "datasets", "snap": "snapshots", "ev": "events", "log": "events", "cfg": "config", "dr": "doctor", "ctx": "context"}[verb]; ok {
		return long
	}
	return verb
}

// name is what an action is called in the palette.
func (a *Action) name() string { return strings.TrimRight(a.Title, "…") }

// verbs are all that can be said: the actions of the screen, the screens, and what can be done with datasets.
func (a *App) verbs(c *Ctx) []choice {
	var out []choice
	seen := map[string]bool{}
	add := func(x choice) {
		if !seen[x.text] {
			seen[x.text] = true
			out = append(out, x)
		}
	}
	targets := a.top().view.Targets(c)
	actions := a.actions()
	for i := range actions {
		x := &actions[i]
		if x.ID == "palette" || x.ID == "search" || x.ID == "back" {
			continue
		}
		note := x.Help
		if strings.HasPrefix(x.ID, "dataset.") && len(targets) > 0 {
			note = Names(targets)
		}
		add(choice{text: x.name(), note: note, key: KeyName(x.Keys[0]), off: x.off(c, targets), run: func(c *Ctx) tea.Cmd { return a.runOn(c, x, targets) }})
	}
	for _, v := range a.views {
		add(choice{text: v.ID(), note: "screen", run: func(*Ctx) tea.Cmd { return a.open(v.ID(), "") }})
	}
	for _, x := range a.datasetActions() {
		add(choice{text: x.name(), note: "a dataset, or several by a pattern: " + x.name() + " lake.*", key: KeyName(x.Keys[0]), more: true})
	}
	add(choice{text: "context", note: "another runtime", more: true})
	add(choice{text: "theme", note: "dark, light or mono", more: true})
	return out
}

// datasetActions are those of the home screen that work on datasets.
func (a *App) datasetActions() []Action {
	var out []Action
	for _, x := range a.views[0].Actions() {
		if strings.HasPrefix(x.ID, "dataset.") && x.ID != "dataset.mark" && x.ID != "dataset.open" {
			out = append(out, x)
		}
	}
	return out
}

// withArgs are the choices for a verb with words behind it; known tells whether it is one.
func (a *App) withArgs(c *Ctx, verb, args string) (list []choice, known bool) {
	switch short(verb) {
	case "theme":
		return find(args, a.themes()), true
	case "context":
		return find(args, a.contexts()), true
	}
	for _, x := range a.datasetActions() {
		if rest, ok := strings.CutPrefix(verb+" "+args+" ", x.name()+" "); ok { // a name may have several words
			return a.onDatasets(c, x, x.name(), strings.TrimSpace(rest)), true
		}
	}
	for _, x := range a.datasetActions() {
		if x.ID == "dataset."+verb && !strings.HasPrefix(x.name(), verb+" "+args) {
			return a.onDatasets(c, x, verb, args), true
		}
	}
	verb = short(verb)
	for _, v := range a.views {
		if v.ID() != verb {
			continue
		}
		if cmd, ok := v.(Commander); ok && args != "" {
			return []choice{{text: verb + " " + args, note: "screen", run: func(c *Ctx) tea.Cmd {
				return tea.Batch(a.open(verb, ""), cmd.Command(c, args))
			}}}, true
		}
		if filter, ok := strings.CutPrefix(args, "/"); ok {
			return []choice{{text: verb + " /" + filter, note: "screen, filtered", run: func(c *Ctx) tea.Cmd { return a.openFiltered(c, v, filter) }}}, true
		}
		var all []choice
		for _, ds := range c.State.Datasets {
			all = append(all, a.openChoice(c, verb, ds.Name))
		}
		if args == "" {
			return all, true
		}
		return slices.DeleteFunc(find(verb+" "+args, all), func(x choice) bool { return !like(args, strings.TrimPrefix(x.text, verb+" ")) }), true
	}
	return nil, false
}

// like tells whether a name is like what was typed.
func like(typed, name string) bool { return len(fuzzy.Find(typed, []string{name})) > 0 }

// openChoice opens a screen of a dataset.
func (a *App) openChoice(c *Ctx, view, dataset string) choice {
	note := "screen"
	if d := c.State.Dataset(dataset); d != nil {
		_, word, _ := c.Status(d)
		note = word
	}
	return choice{text: view + " " + dataset, note: note, run: func(*Ctx) tea.Cmd { return a.open(view, dataset) }}
}

// openFiltered opens a screen with a filter, or a search where it has that.
func (a *App) openFiltered(c *Ctx, v View, filter string) tea.Cmd {
	cmd := a.open(v.ID(), "")
	var err error
	if s, ok := v.(Searcher); ok {
		err = s.SetSearch(filter)
	} else if f, ok := v.(Filterer); ok {
		err = f.SetFilter(filter)
	}
	if err != nil {
		c.Toast(api.Warn, err.Error())
	}
	return tea.Batch(cmd, a.refreshView(c))
}

// onDatasets are the choices of an action on datasets by name or pattern.
func (a *App) onDatasets(c *Ctx, x Action, verb, args string) []choice {
	one := func(text, note string, targets []string) choice {
		return choice{text: text, note: note, off: x.off(c, targets), run: func(c *Ctx) tea.Cmd { return a.runOn(c, &x, targets) }}
	}
	if strings.ContainsAny(args, "*?[") {
		var targets []string
		for _, d := range c.State.Datasets {
			if ok, err := path.Match(args, d.Name); ok && err == nil {
				targets = append(targets, d.Name)
			}
		}
		return []choice{one(verb+" "+args, Plural(len(targets), "dataset")+": "+Names(targets), targets)}
	}
	var all []choice
	for _, d := range c.State.Datasets {
		if args == "" || like(args, d.Name) {
			_, word, _ := c.Status(d)
			all = append(all, one(verb+" "+d.Name, word, []string{d.Name}))
		}
	}
	if args == "" {
		return all
	}
	return find(verb+" "+args, all)
}

// themes are the choices of colours.
func (a *App) themes() []choice {
	var out []choice
	for _, t := range []*Theme{Dark(), Light(), Mono()} {
		off := ""
		if a.opts.NoColor && t.Name != "mono" {
			off = "NO_COLOR or --no-color asks for no colours"
		}
		out = append(out, choice{text: "theme " + t.Name, off: off, run: func(c *Ctx) tea.Cmd { c.Theme, a.chosen = t, t.Name; return nil }})
	}
	return out
}

// Draw implements Dialog.
func (d *paletteDialog) Draw(c *Ctx, w, h int) []string {
	t := c.Theme
	list := d.choices(c)
	d.at = min(d.at, max(len(list)-1, 0))
	out := []string{t.Accent.Bold().On(": ") + d.edit.Draw(w-2), ""}
	page := max(min(h-4, 16), 1)
	d.top = min(max(d.top, d.at-page+1), d.at)
	for i := d.top; i < len(list) && i < d.top+page; i++ {
		x := &list[i]
		cursor := " "
		if i == d.at {
			cursor = t.Accent.On(c.Glyphs.Cursor)
		}
		text := Cut(Clean(x.text), max(w-16, 10))
		line := cursor + " " + text
		note := t.Dim.On(Clean(x.note))
		switch {
		case x.off != "":
			line, note = cursor+" "+t.Dim.On(text), t.Warn.On(Clean(x.off))
		case x.more:
			line += t.Dim.On(" " + c.Glyphs.Ellipsis)
		}
		key := Pad("", 6)
		if x.key != "" {
			key = t.Accent.On(PadLeft(x.key, 6))
		}
		line = Pad(line, max(min(34, w/2), Width(line)+2))
		line = Sides(line+Cut(note, max(w-Width(line)-8, 0)), key, w)
		if i == d.at {
			line = t.tint(line)
		}
		out = append(out, line)
	}
	if len(list) == 0 {
		out = append(out, t.Dim.On("nothing is called like that"))
	}
	for len(out) < page+2 {
		out = append(out, "")
	}
	return append(out, "", t.Dim.On(Cut("enter does it "+c.Glyphs.Dot+" tab completes "+c.Glyphs.Dot+" ctrl+p what was asked before "+c.Glyphs.Dot+" esc closes", w)))
}
