package views

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/runtime/api/diff"
	"pitwall/ui"
)

// diffDialog compares a stored snapshot with another one, or with the live data: pick, wait, read.
type diffDialog struct {
	dataset string
	from    *api.Snapshot
	others  []*api.Snapshot // what it can be compared with; nil is the live data
	at      int
	cancel  func() // while it compares
	began   bool
	page    pager
	out     *diff.Diff
	err     error
}

// comparedMsg is the end of a comparison.
type comparedMsg struct {
	d   *diffDialog
	out *diff.Diff
	err error
}

// newDiff opens the dialog for a snapshot of a list.
func newDiff(dataset string, from *api.Snapshot, list []api.Snapshot) *diffDialog {
	d := &diffDialog{dataset: dataset, from: from, others: []*api.Snapshot{nil}}
	for i := range list {
		if list[i].ID != from.ID {
			d.others = append(d.others, &list[i])
		}
	}
	return d
}

// Title implements ui.Dialog.
func (d *diffDialog) Title(*ui.Ctx) string {
	return fmt.Sprintf("Compare snapshot #%d of %s", d.from.ID, ui.Clean(d.dataset))
}

// Careful implements ui.Dialog.
func (d *diffDialog) Careful() bool { return false }

// Update implements ui.Dialog.
func (d *diffDialog) Update(_ *ui.Ctx, msg tea.Msg) tea.Cmd {
	if m, ok := msg.(comparedMsg); ok && m.d == d {
		d.out, d.err, d.cancel = m.out, m.err, nil
	}
	return nil
}

// Key implements ui.Dialog.
func (d *diffDialog) Key(c *ui.Ctx, k tea.KeyPressMsg) (bool, tea.Cmd) {
	key := k.String()
	if key == "esc" {
		if d.cancel != nil {
			d.cancel()
		}
		return true, nil
	}
	if d.began {
		d.page.move(key)
		return key == "enter" && d.cancel == nil, nil
	}
	switch key {
	case "up", "k":
		d.at = max(d.at-1, 0)
	case "down", "j":
		d.at = min(d.at+1, len(d.others)-1)
	case "enter":
		return false, d.compare(c)
	}
	return false, nil
}

func (d *diffDialog) compare(c *ui.Ctx) tea.Cmd {
	ctx, cancel := contextOf(c)
	d.began, d.cancel = true, cancel
	var to *uint64
	if o := d.others[d.at]; o != nil {
		to = &o.ID
	}
	var key []string
	if ds := c.Live.Dataset(d.dataset); ds != nil {
		key = ds.PrimaryKey
	}
	console := c.Console()
	return func() tea.Msg {
		defer cancel()
		out, err := diff.Of(ctx, console, d.dataset, d.from.ID, to, key)
		if context.Cause(ctx) == errStopped { //nolint:errorlint // it is ours
			err = errStopped
		}
		return comparedMsg{d, out, err}
	}
}

// Draw implements ui.Dialog.
func (d *diffDialog) Draw(c *ui.Ctx, w, h int) []string {
	t := c.Theme
	if !d.began {
		out := []string{"with:", ""}
		top := max(d.at-(h-7), 0)
		for i := top; i < len(d.others) && i-top < h-5; i++ {
			line := "  the live data"
			if o := d.others[i]; o != nil {
				line = fmt.Sprintf("  #%-8d %s  %s", o.ID, ui.Clock(c.Now, o.Created), ui.Bytes(o.Bytes))
			}
			if i == d.at {
				line = c.Tint(ui.Pad(t.Accent.On(c.Glyphs.Cursor)+line[1:], w))
			}
			out = append(out, line)
		}
		return append(out, "", t.Dim.On("enter compares "+c.Glyphs.Dot+" neither is installed "+c.Glyphs.Dot+" esc closes"))
	}
	var body []string
	switch {
	case d.cancel != nil:
		body = []string{t.Info.On(c.Spinner() + " comparing; the snapshot is downloaded first where it is not here"), "", t.Dim.On("esc stops it")}
	case d.err != nil:
		for _, l := range ui.Wrap(ui.Clean(d.err.Error()), w) {
			body = append(body, t.Bad.On(l))
		}
		body = append(body, "", t.Dim.On("esc closes"))
	default:
		body = d.lines(c)
	}
	return d.page.draw(body, h)
}

// lines tell what differs.
func (d *diffDialog) lines(c *ui.Ctx) []string {
	t, x := c.Theme, d.out
	other := "the live data"
	if o := d.others[d.at]; o != nil {
		other = fmt.Sprintf("snapshot #%d", o.ID)
	}
	count := func(n int64, sign string, s ui.Style) string {
		if n == 0 {
			return t.Dim.On(sign + " 0")
		}
		return s.On(sign + " " + ui.Thousands(n))
	}
	out := []string{fmt.Sprintf("from #%d to %s", d.from.ID, other), "",
		"rows     " + ui.Thousands(x.RowsBefore) + " " + c.Glyphs.Arrow + " " + ui.Thousands(x.RowsAfter),
		"added    " + count(x.Added, "+", t.Good), "removed  " + count(x.Removed, "-", t.Bad)}
	switch {
	case x.Changed != nil:
		out = append(out, "changed  "+count(*x.Changed, "~", t.Warn), "", t.Dim.On("rows are told apart by "+ui.Clean(fmt.Sprint(x.Key))))
	default:
		out = append(out, "", t.Dim.On("whole rows are compared: a changed row is one removed and one added (no primary_key)"))
	}
	if len(x.Columns) > 0 {
		out = append(out, "", t.Title.On("Columns"))
		for _, col := range x.Columns {
			switch {
			case col.Before == "":
				out = append(out, t.Good.On("+ ")+ui.Clean(col.Name)+" "+t.Dim.On(col.After))
			case col.After == "":
				out = append(out, t.Bad.On("- ")+ui.Clean(col.Name)+" "+t.Dim.On(col.Before))
			default:
				out = append(out, t.Warn.On("~ ")+ui.Clean(col.Name)+" "+t.Dim.On(col.Before+" "+c.Glyphs.Arrow+" "+col.After))
			}
		}
	}
	return append(out, "", t.Dim.On("esc closes"))
}
