package ui

import (
	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// Sorter is a View with a table that can be sorted: to the next (1) or previous (-1) column, or the
// other way round (0).
type Sorter interface{ Sort(step int) }

// globals are the actions of all screens.
func (a *App) globals() []Action {
	open := func(id string) func(*Ctx, []string) tea.Cmd {
		return func(*Ctx, []string) tea.Cmd { return a.home(id) }
	}
	sort := func(step int) func(*Ctx, []string) tea.Cmd {
		return func(c *Ctx, _ []string) tea.Cmd {
			a.top().view.(Sorter).Sort(step)
			return a.refreshView(c)
		}
	}
	next := func(dir int) func(*Ctx, []string) tea.Cmd {
		return func(*Ctx, []string) tea.Cmd { a.top().view.(Searcher).Next(dir); return nil }
	}
	noSort := func(*Ctx, []string) string { return without[Sorter](a, "this screen has no table to sort") }
	noNext := func(*Ctx, []string) string {
		if s, ok := a.top().view.(Searcher); ok && s.Search() == "" {
			return "search for something first: /"
		}
		return without[Searcher](a, "this screen has no search")
	}
	slash, slashHelp := "filter", "Filter the rows: text, state:error, engine:duckdb, ~regex, !not."
	if _, ok := a.top().view.(Searcher); ok {
		slash, slashHelp = "search", "Search, keeping the lines around what is found; n and N go on."
	}
	return append(append(a.playing(), a.commands()...), []Action{
		{ID: "view.datasets", Title: "datasets", Help: "All datasets, live.", Keys: []string{"1"}, Run: open("datasets")},
		{ID: "view.snapshots", Title: "snapshots", Help: "The stored snapshots of the selected dataset.", Keys: []string{"2"}, Run: open("snapshots"),
			Off: func(c *Ctx, _ []string) string {
				if c.Subject == "" {
					return "no dataset is selected"
				}
				return ""
			}},
		{ID: "view.pulse", Title: "pulse", Help: "What goes on over all datasets, in charts of the last 15 minutes.", Keys: []string{"3"}, Bar: 21, Run: open("pulse")},
		{ID: "view.events", Title: "events", Help: "What happened, newest last.", Keys: []string{"4"}, Bar: 21, Run: open("events")},
		{ID: "view.config", Title: "config", Help: "The spicepod file: what runs, what is wrong with it, what changed.", Keys: []string{"5"}, Bar: 22, Run: open("config")},
		{ID: "view.doctor", Title: "doctor", Help: "The checklist for production, against the spicepod and the real store: what is wrong, and what to do.", Keys: []string{"6"}, Bar: 26, Run: open("doctor")},
		{ID: "view.tree", Title: "tree", Help: "All there is: engines, datasets, what they read from, their partitions and snapshots.", Keys: []string{"7"}, Bar: 26, Run: open("tree")},
		{ID: "view.sql", Title: "sql", Help: "Type SQL over the datasets and look at the rows.", Keys: []string{"8"}, Bar: 26, Run: open("sql")},
		{ID: "filter", Title: slash, Help: slashHelp, Keys: []string{"/"}, Bar: 20, Run: a.slash,
			Off: func(*Ctx, []string) string {
				if _, ok := a.top().view.(Searcher); ok {
					return ""
				}
				return without[Filterer](a, "this screen has nothing to filter")
			}},
		{ID: "search.next", Title: "next match", Help: "Go to the next place that was searched for.", Keys: []string{"n"}, Off: noNext, Run: next(1)},
		{ID: "search.previous", Title: "previous match", Help: "Go to the previous place that was searched for.", Keys: []string{"N"}, Off: noNext, Run: next(-1)},
		{ID: "sort.next", Title: "sort by next column", Help: "Sort by the column to the right; after the last comes the order of the file.", Keys: []string{">"}, Off: noSort, Run: sort(1)},
		{ID: "sort.previous", Title: "sort by previous column", Help: "Sort by the column to the left.", Keys: []string{"<"}, Off: noSort, Run: sort(-1)},
		{ID: "sort.reverse", Title: "reverse the sort", Help: "Turn the order round.", Keys: []string{"o"}, Off: noSort, Run: sort(0)},
		{ID: "faults", Title: "faults only", Help: "Show only datasets that need somebody: errors, re-tries, failed snapshots.", Keys: []string{"F"}, Bar: 23,
			Run: func(c *Ctx, _ []string) tea.Cmd { c.FaultsOnly = !c.FaultsOnly; return a.refreshView(c) }},
		{ID: "zoom", Title: "zoom", Help: "Give the table the whole window, or have the panel beside it again.", Keys: []string{"z"},
			Run: func(c *Ctx, _ []string) tea.Cmd { c.Zoomed = !c.Zoomed; return nil }},
		{ID: "pause", Title: "pause", Help: "Freeze the screen; the runtime goes on. Again to go live.", Keys: []string{"p"}, Run: a.pause},
		{ID: "copy", Title: "copy", Help: "Copy what is selected through the terminal (OSC 52).", Keys: []string{"c"}, Run: a.copySelected,
			Off: func(*Ctx, []string) string { return without[Copier](a, "this screen has nothing to copy") }},
		{ID: "tasks", Title: "tasks", Help: "The commands that run and those that ended.", Keys: []string{"t"}, Bar: 24,
			Run: func(*Ctx, []string) tea.Cmd { return a.show(&tasksDialog{}) }},
		{ID: "menu", Title: "menu", Help: "Everything that can be done here, with the reason where it can't.", Keys: []string{"m"}, Bar: 25,
			Run: func(*Ctx, []string) tea.Cmd { return a.show(&menuDialog{}) }},
		{ID: "mouse", Title: "mouse on/off", Help: "Give the mouse back to the terminal, to select text with it; again to take it.", Keys: []string{"M"},
			Run: func(c *Ctx, _ []string) tea.Cmd {
				a.mouse = !a.mouse
				c.Toast(api.Info, map[bool]string{true: "the mouse works here", false: "the mouse selects text; M takes it back"}[a.mouse])
				return nil
			}},
		{ID: "dump", Title: "screen dump", Help: "Write the screen to a file, as text and with colours.", Keys: []string{"ctrl+s"}, Run: a.dump},
		{ID: "suspend", Title: "suspend", Help: "Go back to the shell; fg returns.", Keys: []string{"ctrl+z"}, Run: func(*Ctx, []string) tea.Cmd { return tea.Suspend }},
		{ID: "back", Title: "back", Help: "Give up the search, the filter, the marks; then go to the screen before.", Keys: []string{"esc"}, Run: func(c *Ctx, _ []string) tea.Cmd { return a.unwind(c) }},
		{ID: "leave", Title: "previous screen", Help: "Go to the screen before, keeping the filter.", Keys: []string{"backspace", "("}, Run: func(*Ctx, []string) tea.Cmd { return a.back() }},
		{ID: "forward", Title: "next screen", Help: "Go to the screen that was left by going back.", Keys: []string{")"},
			Off: func(*Ctx, []string) string {
				if len(a.ahead) == 0 {
					return "there is no later screen"
				}
				return ""
			},
			Run: func(*Ctx, []string) tea.Cmd { return a.forward() }},
		{ID: "last", Title: "last screen", Help: "Go to the screen before, and again to come back.", Keys: []string{"-"}, Run: func(*Ctx, []string) tea.Cmd { return a.last() }},
		{ID: "palette", Title: "all", Help: "Ask for anything by its name: a screen, an action, a dataset, or several by a pattern.", Keys: []string{":", "ctrl+k"}, Bar: 28,
			Run: func(*Ctx, []string) tea.Cmd { return a.show(&paletteDialog{}) }},
		{ID: "help", Title: "help", Help: "All keys of this screen.", Keys: []string{"?"}, Bar: 29, Run: func(*Ctx, []string) tea.Cmd { return a.show(&helpDialog{}) }},
		{ID: "quit", Title: "quit", Help: "End the console and the runtime in it; asks when tasks run. ctrl+c does the same, twice always quits.", Keys: []string{"q"}, Bar: 30,
			Run: func(c *Ctx, _ []string) tea.Cmd { return a.quit(c) }},
	}...)
}

// without says why when the screen can't do I.
func without[I any](a *App, why string) string {
	if _, ok := a.top().view.(I); ok {
		return ""
	}
	return why
}

// slash searches where that is possible, and filters elsewhere.
func (a *App) slash(*Ctx, []string) tea.Cmd {
	if s, ok := a.top().view.(Searcher); ok {
		return a.ask("/", "enter keeps, esc gives up", s.Search(), s.SetSearch)
	}
	return a.askFilter("/")
}

func (a *App) askFilter(label string) tea.Cmd {
	f := a.top().view.(Filterer)
	return a.ask(label, "text  state:error  engine:duckdb  ~regex  !not", f.Filter(), f.SetFilter)
}

// AskFilter opens the line in which the filter of a view is typed.
func (c *Ctx) AskFilter(label string) tea.Cmd { return c.app.askFilter(label) }

func (a *App) pause(c *Ctx, _ []string) tea.Cmd {
	if p, ok := a.console.(api.Player); ok {
		p.Hold(!p.Playback().Held)
		return nil
	}
	if c.Paused = !c.Paused; c.Paused {
		a.pausedAt = c.Wall
		return nil
	}
	return a.showState(c)
}

func (a *App) copySelected(c *Ctx, _ []string) tea.Cmd {
	text, what := a.top().view.(Copier).Copy(c)
	return c.Clipboard(text, what)
}
