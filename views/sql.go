package views

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"charm.land/bubbles/v2/textarea"
	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// The height of the editor in lines, and how many statements are remembered.
const (
	editorLines = 5
	historyMax  = 500
)

// sql is the screen where statements are typed and their rows looked at. While typing, keys go to the editor.
type sql struct {
	edit    textarea.Model
	typing  bool
	history []string
	back    int // how far back in the history; 0 is what is being typed
	draft   string
	options []string
	res     result
	export  *export
}

func newSQL() *sql {
	e := textarea.New()
	e.SetStyles(textarea.Styles{}) // the terminal's own colours, also without any
	e.Prompt, e.ShowLineNumbers, e.CharLimit = " ", false, 64<<10
	e.Placeholder = "SELECT …"
	e.SetHeight(editorLines)
	e.Focus()
	return &sql{edit: e, typing: true}
}

// ID implements ui.View.
func (v *sql) ID() string { return sqlID }

// Crumbs implements ui.View.
func (v *sql) Crumbs(*ui.Ctx) []string { return []string{"sql"} }

// Enter implements ui.View.
func (v *sql) Enter(*ui.Ctx) tea.Cmd { return nil }

// Targets implements ui.View.
func (v *sql) Targets(*ui.Ctx) []string { return nil }

// askMsg has the screen run a statement.
type askMsg struct{ text string }

// askSQL opens the screen with a statement and runs it.
func askSQL(c *ui.Ctx, text string) tea.Cmd {
	return tea.Batch(c.Open(sqlID, ""), func() tea.Msg { return askMsg{text} })
}

// Update implements ui.View.
func (v *sql) Update(c *ui.Ctx, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case askMsg:
		return v.Command(c, msg.text)
	case queryMsg:
		if msg.q != v.res.q {
			return nil
		}
		if !msg.q.view().done {
			return msg.q.wait()
		}
	case exportedMsg:
		if msg.x != v.export {
			return nil
		}
		v.export = nil
		switch {
		case errors.Is(msg.err, errStopped):
			c.Toast(api.Warn, "export stopped: "+msg.x.path+" was not written")
		case msg.err != nil:
			c.Toast(api.ErrorLevel, "export: "+msg.err.Error())
		default:
			c.Toast(api.Info, "exported "+ui.Bytes(msg.x.bytes.Load())+" to "+msg.x.path)
		}
	}
	return nil
}

// Busy implements ui.Worker.
func (v *sql) Busy() bool { return v.export != nil || v.res.q != nil && !v.res.q.view().done }

// Typing implements ui.Typist.
func (v *sql) Typing() bool { return v.typing }

// Paste implements ui.Typist.
func (v *sql) Paste(_ *ui.Ctx, text string) {
	v.edit.InsertString(strings.ReplaceAll(text, "\r", "\n"))
	v.options = nil
}

// Type implements ui.Typist.
func (v *sql) Type(c *ui.Ctx, k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	if key != "tab" {
		v.options = nil
	}
	switch key {
	case "enter":
		if strings.TrimSpace(v.edit.Value()) == "" {
			return nil
		}
		return v.run(c, v.edit.Value())
	case "alt+enter", "ctrl+j", "shift+enter":
		v.edit.InsertString("\n")
		return nil
	case "esc":
		v.setTyping(false)
		return nil
	case "tab":
		v.complete(c)
		return nil
	case "up":
		if v.edit.Line() == 0 {
			v.recall(1)
			return nil
		}
	case "down":
		if v.edit.Line() == v.edit.LineCount()-1 {
			v.recall(-1)
			return nil
		}
	case "ctrl+x":
		v.stop()
		return nil
	}
	v.edit, _ = v.edit.Update(k)
	return nil
}

func (v *sql) setTyping(on bool) {
	v.typing = on
	if on {
		v.edit.Focus()
	} else {
		v.edit.Blur()
	}
}

// complete lengthens the word before the cursor, or lists what it can become.
func (v *sql) complete(c *ui.Ctx) {
	at := 0
	lines := strings.Split(v.edit.Value(), "\n")
	for _, l := range lines[:v.edit.Line()] {
		at += len([]rune(l)) + 1
	}
	at += v.edit.Column()
	word, options := complete(c.State, v.edit.Value(), at)
	v.options = nil
	if len(options) == 0 {
		v.options = []string{"nothing begins like that"}
		return
	}
	longer := shared(options)
	if len(options) > 1 {
		v.options = options
	}
	if len(longer) > len(word) || len(options) == 1 {
		for range []rune(word) {
			v.edit, _ = v.edit.Update(tea.KeyPressMsg{Code: tea.KeyBackspace})
		}
		if len(options) == 1 && !strings.HasSuffix(longer, "(") {
			longer += " "
		}
		v.edit.InsertString(longer)
	}
}

// recall goes back (1) and forth (-1) in the history.
func (v *sql) recall(step int) {
	if v.back == 0 {
		v.draft = v.edit.Value()
	}
	v.back = min(max(v.back+step, 0), len(v.history))
	if v.back == 0 {
		v.edit.SetValue(v.draft)
		return
	}
	v.edit.SetValue(v.history[len(v.history)-v.back])
}

// run runs a statement; one that runs still is stopped.
func (v *sql) run(c *ui.Ctx, text string) tea.Cmd {
	text = strings.TrimSpace(text)
	v.stop()
	v.history = append(slices.DeleteFunc(v.history, func(s string) bool { return s == text }), text)
	v.history = v.history[max(0, len(v.history)-historyMax):]
	v.back = 0
	q, cmd := startQuery(c, text, 0)
	v.res.show(q)
	return cmd
}

func (v *sql) stop() {
	if v.res.q != nil {
		v.res.q.cancel()
	}
}

// Command implements ui.Commander: the statement is typed and run.
func (v *sql) Command(c *ui.Ctx, args string) tea.Cmd {
	v.edit.SetValue(args)
	v.setTyping(false)
	return v.run(c, args)
}

// Move implements ui.View.
func (v *sql) Move(_ *ui.Ctx, key string) bool { return v.res.Move(key) }

// Wheel implements ui.Mouser.
func (v *sql) Wheel(_ *ui.Ctx, delta int) { v.res.Wheel(delta) }

// Click implements ui.Mouser: into the editor, or on a row.
func (v *sql) Click(_ *ui.Ctx, _, y int) tea.Cmd {
	lines := v.edit.Height()
	v.setTyping(y < lines+2)
	v.res.Click(y - lines - 4)
	return nil
}

// Copy implements ui.Copier.
func (v *sql) Copy(*ui.Ctx) (text, what string) { return v.res.value() }

// Save implements ui.Saver.
func (v *sql) Save() (json.RawMessage, error) {
	return json.Marshal(map[string]any{"history": v.history, "draft": v.edit.Value()})
}

// Restore implements ui.Saver.
func (v *sql) Restore(saved json.RawMessage) error {
	var s struct {
		History []string
		Draft   string
	}
	err := json.Unmarshal(saved, &s)
	if err == nil {
		v.history = s.History
		v.edit.SetValue(s.Draft)
	}
	return err
}

// Actions implements ui.View.
func (v *sql) Actions() []ui.Action {
	noRows := func(*ui.Ctx, []string) string {
		if v.res.q == nil || len(v.res.q.view().rows) == 0 {
			return "there are no rows"
		}
		return ""
	}
	return []ui.Action{
		{ID: "sql.edit", Title: "edit", Help: "Type a statement: enter runs it, alt+enter begins a line, tab completes, up and down are the history, esc leaves the editor.", Keys: []string{"i", "enter"}, Bar: 1,
			Run: func(*ui.Ctx, []string) tea.Cmd { v.setTyping(true); return nil }},
		{ID: "sql.run", Title: "run again", Help: "Run the statement in the editor again.", Keys: []string{"r"}, Bar: 2,
			Off: func(*ui.Ctx, []string) string {
				if strings.TrimSpace(v.edit.Value()) == "" {
					return "the editor is empty"
				}
				return ""
			},
			Run: func(c *ui.Ctx, _ []string) tea.Cmd { return v.run(c, v.edit.Value()) }},
		{ID: "sql.stop", Title: "stop", Help: "Stop the statement, or the export, that runs.", Keys: []string{"x"}, Bar: 3,
			Off: func(*ui.Ctx, []string) string {
				if v.export == nil && (v.res.q == nil || v.res.q.view().done) {
					return "nothing runs"
				}
				return ""
			},
			Run: func(*ui.Ctx, []string) tea.Cmd {
				if v.export != nil {
					v.export.cancel()
				} else {
					v.stop()
				}
				return nil
			}},
		{ID: "sql.export", Title: "export…", Help: "Write all rows to a file: CSV, JSON, Parquet or Arrow.", Keys: []string{"E"}, Bar: 4,
			Off: func(c *ui.Ctx, _ []string) string {
				if v.export != nil {
					return "an export is running"
				}
				return noRows(c, nil)
			},
			Run: func(c *ui.Ctx, _ []string) tea.Cmd {
				d := &exportDialog{run: func(c *ui.Ctx, path string, f api.Format) tea.Cmd {
					x, cmd := startExport(c, v.res.q.sql, path, f)
					v.export = x
					return cmd
				}}
				d.edit.Set("result-" + c.Wall.Format("20060102-150405") + ".csv")
				return c.Show(d)
			}},
		{ID: "sql.copyrow", Title: "copy row", Help: "Copy the selected row as JSON.", Keys: []string{"C"}, Bar: 5, Off: noRows,
			Run: func(c *ui.Ctx, _ []string) tea.Cmd { return c.Clipboard(v.res.object(), "the row") }},
		{ID: "sql.peek", Title: "value", Help: "Show the whole selected value.", Keys: []string{"v"}, Bar: 6, Off: noRows,
			Run: func(c *ui.Ctx, _ []string) tea.Cmd {
				text, what := v.res.value()
				return c.Show(&textDialog{title: what, text: text})
			}},
	}
}

// Draw implements ui.View.
func (v *sql) Draw(c *ui.Ctx, w, h int) []string {
	v.edit.SetWidth(max(w-2, 4))
	lines := editorLines
	if h < 16 {
		lines = 2
	}
	v.edit.SetHeight(lines)
	title := "SQL"
	if v.typing {
		title += " " + c.Glyphs.Horizontal + " enter runs, tab completes, esc leaves the editor"
	}
	out := c.Panel(title, strings.Split(v.edit.View(), "\n"), w, lines+2, false)
	switch {
	case len(v.options) > 0:
		out = append(out, optionsLine(c, v.options, w))
	case v.export != nil:
		out = append(out, ui.Pad(" "+c.Theme.Info.On(c.Spinner()+" exporting "+ui.Bytes(v.export.bytes.Load())+" to "+ui.Clean(v.export.path))+c.Theme.Dim.On(" "+c.Glyphs.Dot+" x stops it"), w))
	case v.res.q != nil:
		out = append(out, ui.Cut(" "+v.res.summary(c), w))
	default:
		out = append(out, c.Theme.Dim.On(ui.Cut(" a query sees the datasets, and nothing else; it can't change anything", w)))
	}
	rest := h - len(out)
	if v.res.q == nil {
		return append(out, c.Panel("Rows", v.empty(c), w, rest, false)...)
	}
	return append(out, c.Panel("Rows "+v.res.place(), v.res.draw(c, w-2, rest-2), w, rest, false)...)
}

// empty says what to do on a screen without a result.
func (v *sql) empty(c *ui.Ctx) []string {
	out := []string{"", " type a statement and press enter, for example:", ""}
	for i, d := range c.State.Datasets {
		if i == 3 {
			break
		}
		out = append(out, "   SELECT * FROM "+ui.Clean(quotedName(d.Name))+" LIMIT 10")
	}
	return append(out, "", ` a stored snapshot is a table too: SELECT * FROM "name@7"`)
}
