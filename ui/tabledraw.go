package ui

import (
	"slices"
	"strings"
)

// layout decides which columns are drawn and how wide, for w cells.
func (t *Table[T]) layout(w int) {
	t.shown, t.widths = t.shown[:0], t.widths[:0]
	need := 2
	for i, c := range t.Columns {
		t.shown = append(t.shown, i)
		need += c.Width + 1
	}
	need--
	var dropped []int
	for need > w {
		worst := -1
		for j, i := range t.shown {
			if p := t.Columns[i].Prio; p > 0 && (worst < 0 || p >= t.Columns[t.shown[worst]].Prio) {
				worst = j
			}
		}
		if worst < 0 {
			break
		}
		need -= t.Columns[t.shown[worst]].Width + 1
		dropped = append(dropped, t.shown[worst])
		t.shown = append(t.shown[:worst], t.shown[worst+1:]...)
	}
	for j := len(dropped) - 1; j >= 0; j-- { // the last that went may have left room for one before it
		if more := t.Columns[dropped[j]].Width + 1; need+more <= w {
			need += more
			t.shown = append(t.shown, dropped[j])
		}
	}
	slices.Sort(t.shown)
	for _, i := range t.shown {
		t.widths = append(t.widths, t.Columns[i].Width)
	}
	// Room that is left goes to the columns that grow, one cell each in turn; what is missing is
	// taken from the first.
	for grown := true; need < w && grown; {
		grown = false
		for j, i := range t.shown {
			if need < w && t.widths[j] < t.Columns[i].Flex {
				t.widths[j]++
				need++
				grown = true
			}
		}
	}
	if need > w && len(t.widths) > 0 {
		t.widths[0] = max(t.widths[0]-(need-w), 1)
	}
}

// Draw returns the header and the window of rows, each line exactly w cells; h counts the header.
func (t *Table[T]) Draw(c *Ctx, w, h int) []string {
	t.init()
	if w < 4 || h < 1 {
		return nil
	}
	if w != t.layoutW || c.Theme != t.layoutT {
		t.layout(w)
		t.layoutW, t.layoutT = w, c.Theme
		clear(t.cache)
	}
	t.height = h - 1
	if t.cursor < t.top {
		t.top = t.cursor
	}
	if t.cursor >= t.top+t.height {
		t.top = t.cursor - t.height + 1
	}
	t.top = max(min(t.top, len(t.rows)-t.height), 0)
	out := make([]string, 0, h)
	out = append(out, t.header(c, w))
	if len(t.cache) > 4*t.height+64 {
		clear(t.cache)
	}
	sec := c.Now.Unix()
	for i := t.top; i < len(t.rows) && len(out) < h; i++ {
		r := t.rows[i]
		key := t.Key(r)
		var flags uint8
		if i == t.cursor {
			flags |= 1
		}
		if t.marks[key] {
			flags |= 2
		}
		stamp := t.Stamp(r)
		if l, ok := t.cache[key]; ok && l.stamp == stamp && l.sec == sec && l.flags == flags {
			out = append(out, l.text)
			continue
		}
		text := t.row(c, r, w, flags)
		t.cache[key] = line{stamp, sec, flags, text}
		out = append(out, text)
	}
	return out
}

func (t *Table[T]) header(c *Ctx, w int) string {
	var b strings.Builder
	b.WriteString("  ")
	used := 2
	for j, i := range t.shown {
		col := &t.Columns[i]
		title := col.Title
		if title == "Δ" {
			title = c.Glyphs.Delta
		}
		if i == t.sortCol {
			arrow := c.Glyphs.Up
			if t.desc {
				arrow = c.Glyphs.Down
			}
			title += arrow
		}
		if j > 0 {
			b.WriteByte(' ')
			used++
		}
		if col.Right {
			b.WriteString(PadLeft(title, t.widths[j]))
		} else {
			b.WriteString(Pad(title, t.widths[j]))
		}
		used += t.widths[j]
	}
	return c.Theme.Dim.Bold().On(Pad(b.String(), w))
}

func (t *Table[T]) row(c *Ctx, r T, w int, flags uint8) string {
	var b strings.Builder
	b.Grow(w * 3) // with the colours
	cursor, mark := " ", " "
	if flags&1 != 0 {
		cursor = c.Theme.Accent.On(c.Glyphs.Cursor)
	}
	if flags&2 != 0 {
		mark = c.Theme.Accent.On(c.Glyphs.Mark)
	}
	b.WriteString(cursor)
	b.WriteString(mark)
	used := 2
	for j, i := range t.shown {
		col, cw := &t.Columns[i], t.widths[j]
		if j > 0 {
			b.WriteByte(' ')
			used++
		}
		cell := col.Cell(c, r, cw)
		switch {
		case cell.Raw:
			b.WriteString(cell.Text)
		case col.Right:
			b.WriteString(cell.Style.On(PadLeft(cell.Text, cw)))
		default:
			b.WriteString(cell.Style.On(Pad(cell.Text, cw)))
		}
		used += cw
	}
	b.WriteString(Spaces(w - used))
	text := b.String()
	if used > w {
		text = Cut(text, w)
	}
	if flags&1 != 0 {
		return c.Theme.tint(text)
	}
	return text
}
