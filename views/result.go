package views

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// result shows the rows of a query as a grid with a selected cell.
type result struct {
	q         *query
	row, col  int
	top, left int
	height    int
	widths    []int
	measured  int // rows that the widths were taken from
}

// The widths of columns: taken from the first rows.
const (
	measureRows = 200
	columnMax   = 40
)

func (r *result) show(q *query) { *r = result{q: q, height: r.height} }

// measure takes the widths of the columns.
func (r *result) measure(v resultView) {
	if len(r.widths) != len(v.columns) {
		r.widths, r.measured = make([]int, len(v.columns)), 0
		for i, col := range v.columns {
			r.widths[i] = min(max(ui.Width(ui.Clean(col.Name)), 1), columnMax)
		}
	}
	for ; r.measured < min(len(v.rows), measureRows); r.measured++ {
		for i, x := range v.rows[r.measured] {
			w := 4
			if !x.null {
				w = ui.Width(flat(x.text))
			}
			r.widths[i] = min(max(r.widths[i], w), columnMax)
		}
	}
}

// flat is a value on one line, as much of it as can be shown.
func flat(s string) string {
	if len(s) > 400 {
		s = s[:400]
	}
	return ui.Clean(strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(s))
}

// Move handles the keys that move about in the grid.
func (r *result) Move(key string) bool {
	if r.q == nil {
		return false
	}
	v := r.q.view()
	page := max(r.height-1, 1)
	switch key {
	case "up", "k":
		r.row--
	case "down", "j":
		r.row++
	case "pgup", "ctrl+b":
		r.row -= page
	case "pgdown", "ctrl+f":
		r.row += page
	case "ctrl+u":
		r.row -= page / 2
	case "ctrl+d":
		r.row += page / 2
	case "home", "g":
		r.row = 0
	case "end", "G":
		r.row = len(v.rows) - 1
	case "left", "h":
		r.col--
	case "right":
		r.col++
	default:
		return false
	}
	r.clamp(v)
	return true
}

func (r *result) clamp(v resultView) {
	r.row = max(min(r.row, len(v.rows)-1), 0)
	r.col = max(min(r.col, len(v.columns)-1), 0)
}

// Wheel moves by rows.
func (r *result) Wheel(delta int) {
	if r.q != nil {
		r.row += delta
		r.clamp(r.q.view())
	}
}

// Click selects the row in line y; 0 is the header.
func (r *result) Click(y int) {
	if r.q != nil && y > 0 {
		r.row = r.top + y - 1
		r.clamp(r.q.view())
	}
}

// value is the selected value.
func (r *result) value() (text, what string) {
	if r.q == nil {
		return "", ""
	}
	v := r.q.view()
	if r.row >= len(v.rows) || r.col >= len(v.columns) {
		return "", ""
	}
	return v.rows[r.row][r.col].text, "the value of " + v.columns[r.col].Name
}

// object is the selected row as JSON, in the order of the columns.
func (r *result) object() string {
	v := r.q.view()
	if r.row >= len(v.rows) {
		return ""
	}
	var b strings.Builder
	b.WriteByte('{')
	for i, col := range v.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		name, _ := json.Marshal(col.Name)
		value := []byte("null")
		if x := v.rows[r.row][i]; !x.null {
			if value = []byte(x.text); !numeric(col) || !json.Valid(value) {
				value, _ = json.Marshal(x.text)
			}
		}
		b.Write(name)
		b.WriteString(": ")
		b.Write(value)
	}
	b.WriteByte('}')
	return b.String()
}

// numeric tells whether a column has numbers, which stand on the right.
func numeric(c api.Column) bool {
	for _, p := range []string{"int", "uint", "float", "decimal", "double"} {
		if strings.HasPrefix(c.Type, p) {
			return true
		}
	}
	return false
}

// draw returns the header and the window of rows.
func (r *result) draw(c *ui.Ctx, w, h int) []string {
	v := r.q.view()
	r.measure(v)
	r.clamp(v)
	r.height = h - 1
	r.top = min(max(r.top, r.row-r.height+1), r.row)
	r.top = max(min(r.top, len(v.rows)-r.height), 0)
	r.left = min(r.left, r.col)
	for r.left < r.col { // the selected column must fit
		n := 1
		for i := r.left; i <= r.col; i++ {
			n += r.widths[i] + 2
		}
		if n <= w {
			break
		}
		r.left++
	}
	t := c.Theme
	shown := 0
	for used := 1; r.left+shown < len(v.columns); shown++ {
		need := r.widths[r.left+shown]
		if shown > 0 {
			need += 2
		}
		if used += need; used > w && shown > 0 {
			break
		}
	}
	line := func(cursor string, value func(i, room int) string) string {
		var b strings.Builder
		b.WriteString(cursor)
		used := 1
		for i := r.left; i < r.left+shown; i++ {
			if i > r.left {
				b.WriteString("  ")
				used += 2
			}
			room := min(r.widths[i], w-used)
			b.WriteString(value(i, room))
			used += room
		}
		return b.String()
	}
	head := line(" ", func(i, room int) string {
		name := align(ui.Clean(v.columns[i].Name), room, numeric(v.columns[i]))
		if i == r.col {
			return t.Accent.Bold().On(name)
		}
		return t.Dim.On(name)
	})
	if r.left+shown < len(v.columns) {
		head = ui.Sides(head, t.Dim.On(c.Glyphs.Arrow), w)
	}
	out := []string{head}
	for y := r.top; y < len(v.rows) && len(out) < h; y++ {
		cursor := " "
		if y == r.row {
			cursor = t.Accent.On(c.Glyphs.Cursor)
		}
		text := line(cursor, func(i, room int) string {
			x := v.rows[y][i]
			var text string
			if x.null {
				text = t.Dim.On(align("NULL", room, numeric(v.columns[i])))
			} else {
				text = align(flat(x.text), room, numeric(v.columns[i]))
			}
			if y == r.row && i == r.col {
				return t.Match.On(text)
			}
			return text
		})
		if y == r.row {
			text = c.Tint(ui.Pad(text, w))
		}
		out = append(out, text)
	}
	return out
}

func align(s string, w int, right bool) string {
	s = ui.Cut(s, w)
	if right {
		return ui.PadLeft(s, w)
	}
	return ui.Pad(s, w)
}

// summary says how it went: rows, time, and what answered.
func (r *result) summary(c *ui.Ctx) string {
	t, g := c.Theme, c.Glyphs
	v := r.q.view()
	rows := ui.Plural(len(v.rows), "row")
	switch {
	case errors.Is(v.err, errStopped):
		return t.Warn.On(g.Dot + " stopped after " + ui.Duration(v.took) + " and " + rows)
	case v.err != nil:
		text, hint := v.err.Error(), ""
		if e := (*api.QueryError)(nil); errors.As(v.err, &e) && e.Hint != "" {
			hint = t.Dim.On(" hint: " + ui.Clean(e.Hint))
		}
		return t.Bad.On(g.Failed+" "+ui.Clean(strings.Join(strings.Fields(text), " "))) + hint
	case !v.done:
		return t.Info.On(c.Spinner()+" "+ui.Duration(c.Wall.Sub(r.q.started).Truncate(100*time.Millisecond))+" "+g.Dot+" "+rows+" so far") + t.Dim.On(" "+g.Dot+" x stops it")
	}
	s := t.Good.On(g.OK + " " + rows + " in " + ui.Duration(v.took))
	if v.cut {
		s = t.Warn.On(g.Warn + " the first " + rows + " in " + ui.Duration(v.took) + "; there are more, E exports all")
	}
	for _, x := range v.served {
		s += t.Dim.On(" "+g.Dot+" ") + ui.Clean(x.Dataset) + t.Dim.On(" from ")
		if x.From == api.FromSource {
			s += t.Warn.On(string(x.From))
		} else {
			s += string(x.From)
		}
	}
	return s
}

// place says where in the result the selection is.
func (r *result) place() string {
	v := r.q.view()
	if len(v.rows) == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", r.row+1, len(v.rows))
}
