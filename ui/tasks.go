package ui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// tasksDialog is the drawer of tasks: the running ones first, then the newest.
type tasksDialog struct{ at, top int }

// Title implements Dialog.
func (d *tasksDialog) Title(c *Ctx) string { return "Tasks" }

// Careful implements Dialog.
func (d *tasksDialog) Careful() bool { return false }

// Update implements Dialog.
func (d *tasksDialog) Update(*Ctx, tea.Msg) tea.Cmd { return nil }

func (d *tasksDialog) list(c *Ctx) []api.Task {
	ts := c.Live.Tasks
	out := make([]api.Task, 0, len(ts))
	for _, running := range []bool{true, false} {
		for i := len(ts) - 1; i >= 0; i-- {
			if (ts[i].State == api.TaskRunning) == running {
				out = append(out, ts[i])
			}
		}
	}
	return out
}

// Key implements Dialog.
func (d *tasksDialog) Key(c *Ctx, k tea.KeyPressMsg) (bool, tea.Cmd) {
	list := d.list(c)
	if scrollKey(k.String(), &d.at, 10, len(list)-1) {
		return false, nil
	}
	switch k.String() {
	case "esc", "t", "q", "backspace":
		return true, nil
	case "enter":
		if d.at < len(list) && c.Live.Dataset(list[d.at].Dataset) != nil {
			return true, c.Open("dataset", list[d.at].Dataset)
		}
	case "C":
		if d.at < len(list) {
			return false, c.CopyTwin(&list[d.at])
		}
	case "x":
		if d.at < len(list) && list[d.at].Verb == "refresh" && list[d.at].State == api.TaskRunning {
			return false, c.Do(api.CancelRefresh{Dataset: list[d.at].Dataset})
		}
		c.Toast(api.Warn, "cancel: only a running refresh can be cancelled")
	}
	return false, nil
}

// Draw implements Dialog.
func (d *tasksDialog) Draw(c *Ctx, w, h int) []string {
	t, g := c.Theme, c.Glyphs
	list := d.list(c)
	if len(list) == 0 {
		return []string{"No tasks yet. A refresh, snapshot, bootstrap or verification that you start", "is listed here with its progress and its outcome.", "", t.Dim.On("esc closes")}
	}
	d.at = min(d.at, len(list)-1)
	page := max(h-7, 1)
	if h <= 6 {
		page = max(h-3, 1)
	}
	d.top = min(max(d.top, d.at-page+1), d.at)
	var out []string
	for i := d.top; i < len(list) && len(out) < page; i++ {
		k := &list[i]
		glyph, style, state := g.OK, t.Good, "done"
		took := k.Ended.Sub(k.Started)
		switch k.State {
		case api.TaskRunning:
			glyph, style, state = c.Spinner(), t.Info, Progress(c, k)
			took = c.Now.Sub(k.Started).Truncate(time.Second)
		case api.TaskFailed:
			glyph, style, state = g.Failed, t.Bad, "failed"
		case api.TaskCancelled:
			glyph, style, state = g.Off, t.Warn, "cancelled"
		}
		cursor := " "
		if i == d.at {
			cursor = t.Accent.On(g.Cursor)
		}
		line := Pad(cursor+style.On(glyph)+" "+Pad(k.Verb, 10)+Pad(Clean(k.Dataset), min(24, max(w/4, 8)))+" "+style.On(Pad(state, 12))+
			PadLeft(Duration(took), 7)+"  "+t.Dim.On(Clean(k.Detail)), w)
		if i == d.at {
			line = t.tint(line)
		}
		out = append(out, line)
	}
	out = append(out, "")
	if h > 6 {
		below := []string{""}
		if detail := Clean(list[d.at].Detail); detail != "" {
			below = append(below, Wrap(detail, w)...)
		}
		at, _ := c.Live.Endpoint()
		if line := list[d.at].Twin.Line(at); line != "" {
			for i, l := range Wrap("$ "+Clean(line), w) {
				if i < 3 {
					below = append(below, t.Info.On(l))
				}
			}
		}
		out = append(out[:len(out)-1], window(below, 0, h-len(out)-1)...)
	}
	return append(out, t.Dim.On("enter opens the dataset "+g.Dot+" C copies the command line "+g.Dot+" x cancels a refresh "+g.Dot+" esc closes"))
}
