package ui

import (
	"slices"
	"strings"
)

// Cell is one finished cell of a table.
type Cell struct {
	Text  string
	Style Style
	// Raw tells that Text is styled already and exactly as wide as its column.
	Raw bool
}

// Column is one column of a Table.
type Column[T any] struct {
	Title string
	// Width is in cells. With Flex the column grows up to Flex cells where there is room.
	Width, Flex int
	Right       bool
	// Prio orders the columns when they do not all fit: the highest goes first; 0 stays always.
	Prio int
	Cell func(c *Ctx, row T, w int) Cell
	// Compare orders rows by this column; nil cannot be sorted by.
	Compare func(a, b T) int
}

// Table is a list with a selected row. It draws only the rows in the window, and keeps their finished
// lines until the row's stamp, the second, the width or the way it is drawn changes. The selection
// belongs to a row's key, not to its place.
type Table[T any] struct {
	Columns []Column[T]
	// Key names a row for good.
	Key func(T) string
	// Stamp changes when anything drawn of the row does.
	Stamp func(T) uint64
	// Keep tells whether a row is shown; nil shows all.
	Keep func(T) bool

	all      []Column[T] // when Columns are chosen from them
	rows     []T
	total    int
	selected string
	cursor   int
	top      int
	height   int
	sortCol  int // -1 is the order given
	desc     bool
	ready    bool
	marks    map[string]bool
	cache    map[string]line
	layoutW  int
	layoutT  *Theme
	shown    []int
	widths   []int
}

// line is a finished row and what it was made of.
type line struct {
	stamp uint64
	sec   int64
	flags uint8
	text  string
}

func (t *Table[T]) init() {
	if !t.ready {
		t.ready, t.sortCol = true, -1
		t.marks, t.cache = map[string]bool{}, map[string]line{}
	}
}

// SetRows gives the table its rows; filter and sort are applied, the selection stays with its key,
// and when that is gone, with its place.
func (t *Table[T]) SetRows(all []T) {
	t.init()
	t.total = len(all)
	t.rows = t.rows[:0]
	for _, r := range all {
		if t.Keep == nil || t.Keep(r) {
			t.rows = append(t.rows, r)
		}
	}
	if t.sortCol >= 0 && t.sortCol < len(t.Columns) {
		cmp := t.Columns[t.sortCol].Compare
		slices.SortStableFunc(t.rows, func(a, b T) int {
			if t.desc {
				return cmp(b, a)
			}
			return cmp(a, b)
		})
	}
	if t.cursor < len(t.rows) && t.cursor >= 0 && t.Key(t.rows[t.cursor]) == t.selected {
		return
	}
	for i, r := range t.rows {
		if t.Key(r) == t.selected {
			t.top += i - t.cursor
			t.cursor = i
			return
		}
	}
	t.moveTo(t.cursor)
}

// Widen sets the width a column wants at least.
func (t *Table[T]) Widen(col, width int) {
	if t.Columns[col].Width != width {
		t.Columns[col].Width, t.layoutW = width, 0
	}
}

// Rank sets the Prio of a column.
func (t *Table[T]) Rank(col, prio int) {
	if t.Columns[col].Prio != prio {
		t.Columns[col].Prio, t.layoutW = prio, 0
	}
}

// Wide is the width at which no column has to go.
func (t *Table[T]) Wide() int {
	w := 1
	for i := range t.Columns {
		w += t.Columns[i].Width + 1
	}
	return w
}

// Len returns how many rows are shown and how many there are.
func (t *Table[T]) Len() (shown, total int) { return len(t.rows), t.total }

// Selected returns the selected row.
func (t *Table[T]) Selected() (row T, ok bool) {
	if t.cursor < 0 || t.cursor >= len(t.rows) {
		return row, false
	}
	return t.rows[t.cursor], true
}

// Select selects the row of that key, also when it is not there yet.
func (t *Table[T]) Select(key string) {
	t.init()
	t.selected = key
	for i, r := range t.rows {
		if t.Key(r) == key {
			t.moveTo(i)
			return
		}
	}
}

func (t *Table[T]) moveTo(i int) {
	t.cursor = max(min(i, len(t.rows)-1), 0)
	if len(t.rows) > 0 {
		t.selected = t.Key(t.rows[t.cursor])
	}
}

// Move handles the keys that move about.
func (t *Table[T]) Move(key string) bool {
	t.init()
	page := max(t.height-1, 1)
	switch key {
	case "up", "k":
		t.moveTo(t.cursor - 1)
	case "down", "j":
		t.moveTo(t.cursor + 1)
	case "pgup", "ctrl+b":
		t.moveTo(t.cursor - page)
	case "pgdown", "ctrl+f":
		t.moveTo(t.cursor + page)
	case "ctrl+u":
		t.moveTo(t.cursor - page/2)
	case "ctrl+d":
		t.moveTo(t.cursor + page/2)
	case "home", "g":
		t.moveTo(0)
	case "end", "G":
		t.moveTo(len(t.rows) - 1)
	default:
		return false
	}
	return true
}

// Wheel moves the selection by delta rows.
func (t *Table[T]) Wheel(delta int) { t.init(); t.moveTo(t.cursor + delta) }

// Click selects the row drawn in line y; 0 is the header.
func (t *Table[T]) Click(y int) {
	if i := t.top + y - 1; y >= 1 && i < len(t.rows) {
		t.moveTo(i)
	}
}

// Mark marks or unmarks the selected row and goes on to the next.
func (t *Table[T]) Mark() {
	t.init()
	if r, ok := t.Selected(); ok {
		if k := t.Key(r); t.marks[k] {
			delete(t.marks, k)
		} else {
			t.marks[k] = true
		}
		t.moveTo(t.cursor + 1)
	}
}

// Marked returns the keys of the marked rows that are shown, in their order.
func (t *Table[T]) Marked() []string {
	if len(t.marks) == 0 {
		return nil
	}
	var out []string
	for _, r := range t.rows {
		if k := t.Key(r); t.marks[k] {
			out = append(out, k)
		}
	}
	return out
}

// Unmark takes all marks away and tells whether there were any.
func (t *Table[T]) Unmark() bool {
	n := len(t.marks)
	clear(t.marks)
	return n > 0
}

// Sort goes to the next (1) or previous (-1) column to sort by, or turns the order round (0).
func (t *Table[T]) Sort(step int) {
	t.init()
	if step == 0 {
		if t.sortCol >= 0 {
			t.desc = !t.desc
		}
		return
	}
	n := len(t.Columns) + 1
	for i := t.sortCol + 1 + step; ; i += step {
		i = (i + n) % n
		if i == 0 || t.Columns[i-1].Compare != nil {
			t.sortCol, t.desc = i-1, false
			return
		}
	}
}

// Order says what the table is sorted by, "" for the order given.
func (t *Table[T]) Order(g *Glyphs) string {
	if !t.ready || t.sortCol < 0 {
		return ""
	}
	arrow := g.Up
	if t.desc {
		arrow = g.Down
	}
	return "sort " + strings.ToLower(t.Columns[t.sortCol].Title) + arrow
}
