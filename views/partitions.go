package views

import (
	"cmp"
	"fmt"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// partitions is the tab of files: what the rows of a dataset lie in, and the partitions as a table. There may be many
// thousands: they are taken over when they changed, and only those in the window are drawn.
type partitions struct {
	table  ui.Table[*api.Partition]
	filter ui.Filter
	of     *api.Layout
	rows   []*api.Partition
	at     int // the line of the table, for the mouse
}

// wholePath stands for the path of the one partition of a dataset that has none.
const wholePath = "all rows"

func pathOf(p *api.Partition) string {
	if p.Path == "" {
		return wholePath
	}
	return ui.Clean(p.Path)
}

// The width of the column of paths: that of the longest, within bounds.
const (
	minPath = 16
	maxPath = 36
)

// tail is the end of a path where there is no room for all of it: there the partitions differ.
func tail(c *ui.Ctx, s string, w int) string {
	if ui.Width(s) <= w {
		return s
	}
	rest := []rune(s)
	for len(rest) > 0 && ui.Width(string(rest)) > w-1 {
		rest = rest[1:]
	}
	return c.Glyphs.Ellipsis + string(rest)
}

// partitionRow is a partition as a filter sees it.
type partitionRow struct{ *api.Partition }

// FilterText implements ui.Row.
func (r partitionRow) FilterText() string { return r.Path }

// FilterField implements ui.Row.
func (r partitionRow) FilterField(string) (string, bool) { return "", false }

func newPartitions() *partitions {
	v := &partitions{}
	count := func(n int64) ui.Cell { return ui.Cell{Text: ui.Count(n)} }
	type row = *api.Partition
	v.table = ui.Table[row]{
		Key:   func(p row) string { return p.Path },
		Stamp: partitionStamp,
		Keep:  func(p row) bool { return v.filter.Empty() || v.filter.Match(partitionRow{p}) },
		Columns: []ui.Column[row]{
			{Title: "PARTITION", Width: minPath, Flex: 70, Compare: func(a, b row) int { return cmp.Compare(a.Path, b.Path) },
				Cell: func(c *ui.Ctx, p row, w int) ui.Cell { return ui.Cell{Text: tail(c, pathOf(p), w)} }},
			{Title: "FILES", Width: 6, Right: true, Compare: func(a, b row) int { return cmp.Compare(b.Files, a.Files) },
				Cell: func(_ *ui.Ctx, p row, _ int) ui.Cell { return count(int64(p.Files)) }},
			{Title: "SMALL", Width: 6, Right: true, Prio: 3, Compare: func(a, b row) int { return cmp.Compare(b.Small, a.Small) },
				Cell: func(_ *ui.Ctx, p row, _ int) ui.Cell { return count(int64(p.Small)) }},
			{Title: "ROWS", Width: 6, Right: true, Compare: func(a, b row) int { return cmp.Compare(b.Rows, a.Rows) },
				Cell: func(_ *ui.Ctx, p row, _ int) ui.Cell { return count(p.Rows) }},
			{Title: "DELETED", Width: 8, Right: true, Prio: 2, Compare: func(a, b row) int { return cmp.Compare(b.Deleted, a.Deleted) },
				Cell: func(_ *ui.Ctx, p row, _ int) ui.Cell { return count(p.Deleted) }},
			{Title: "SIZE", Width: 8, Right: true, Compare: func(a, b row) int { return cmp.Compare(b.Bytes, a.Bytes) },
				Cell: func(_ *ui.Ctx, p row, _ int) ui.Cell { return ui.Cell{Text: ui.Bytes(p.Bytes)} }},
			{Title: "SHARE", Width: 15, Prio: 4, Cell: func(c *ui.Ctx, p row, w int) ui.Cell {
				part := float64(p.Bytes) / float64(max(v.of.Total.Bytes, 1))
				return ui.Cell{Raw: true, Text: c.Bar(part, w-5) + ui.PadLeft(share(p.Bytes, v.of.Total.Bytes), 5)}
			}},
		},
	}
	return v
}

// partitionStamp changes with anything that is drawn of a partition.
func partitionStamp(p *api.Partition) uint64 {
	h := uint64(14695981039346656037)
	for _, n := range []uint64{uint64(p.Files), uint64(p.Small), uint64(p.Rows), uint64(p.Deleted), uint64(p.Bytes)} {
		h = (h ^ n) * 1099511628211
	}
	return h
}

// take takes over a layout, unless it is there.
func (v *partitions) take(l *api.Layout) {
	if l == nil || l == v.of {
		return
	}
	v.of = l
	v.rows = make([]*api.Partition, len(l.Partitions))
	wide := minPath
	for i := range v.rows {
		v.rows[i] = &l.Partitions[i]
		wide = max(wide, len(v.rows[i].Path))
	}
	v.table.Widen(0, min(wide, maxPath))
	v.table.SetRows(v.rows)
}

// sort and setFilter have effect at once: the rows may not change for long.
func (v *partitions) sort(step int) {
	v.table.Sort(step)
	v.table.SetRows(v.rows)
}

func (v *partitions) setFilter(s string) error {
	f, err := ui.ParseFilter(s)
	if err != nil {
		return err
	}
	v.filter = f
	v.table.SetRows(v.rows)
	return nil
}

// copy is the path of the selected partition.
func (v *partitions) copy() (text, what string) {
	if p, ok := v.table.Selected(); ok {
		return pathOf(p), "the partition"
	}
	return "", ""
}

// draw is the tab.
func (v *partitions) draw(c *ui.Ctx, d *api.Dataset, w, h int) []string {
	if d.Layout == nil {
		return c.Panel("Files", indented(kindOf(d)+" does not keep its rows in files that are written once, which this tab shows; engine: cayenne with mode: file does", 1, w-3), w, h, false)
	}
	body := fileLines(c, d, w-4)
	if len(v.rows) == 0 {
		return c.Panel("Files", body, w, h, false)
	}
	title := "Files"
	if d.Layout.Partitioned() {
		shown, total := v.table.Len()
		title = fmt.Sprintf("Partitions %s", ui.Thousands(int64(total)))
		if shown != total {
			title = fmt.Sprintf("Partitions %s/%s", ui.Thousands(int64(shown)), ui.Thousands(int64(total)))
		}
	} else {
		body = append(body, " "+c.Theme.Dim.On("not partitioned: partition_by in the spicepod divides it"))
	}
	if v.filter.Text != "" {
		title += " " + c.Glyphs.Horizontal + " /" + ui.Clean(v.filter.Text)
	}
	if o := v.table.Order(c.Glyphs); o != "" {
		title += " " + c.Glyphs.Horizontal + " " + o
	}
	body = append(body[:min(len(body), max(h/2-2, 1))], "")
	v.at = len(body) + 2 // behind the tabs and the border
	if shown, _ := v.table.Len(); shown == 0 {
		return c.Panel(title, append(body, " no partition matches the filter; esc clears it"), w, h, false)
	}
	return c.Panel(title, append(body, v.table.Draw(c, w-2, h-2-len(body))...), w, h, false)
}
