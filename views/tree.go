package views

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// tree is the screen of all there is, by engine: the datasets, what they read from, their partitions and their stored snapshots, each
// branch with the worst state of what is below it.
type tree struct {
	table ui.Table[*branch]
	// closed are the branches that are folded, open those that are unfolded against their habit.
	closed, open map[string]bool
	snaps        map[string]*branchSnaps
	parts        map[string]*branchParts
	folds        int // counts changes of closed and open
	filter       ui.Filter
}

// branchSnaps are the stored snapshots of a dataset, once somebody unfolded it.
type branchSnaps struct {
	list    []api.Snapshot
	err     string
	loading bool
	// of is the newest when it was listed; stale has it listed once more.
	of    uint64
	stale bool
}

// branch is one line of the tree.
type branch struct {
	key, text    string
	parent       string // its key
	depth        int
	dataset      string
	glyph, state string
	style        ui.Style
	note         string
	leaf, folded bool
	habit        bool   // it is folded until somebody unfolds it
	value        bool   // a level of a partition: the end of its text says which
	last         []bool // for each level, whether it is the last there
}

func newTree() *tree {
	v := &tree{closed: map[string]bool{}, open: map[string]bool{}, snaps: map[string]*branchSnaps{}}
	v.table = ui.Table[*branch]{
		Key:   func(b *branch) string { return b.key },
		Stamp: func(b *branch) uint64 { return stampOf(b) },
		Keep:  func(b *branch) bool { return v.filter.Empty() || v.filter.Match(branchRow{b}) },
		Columns: []ui.Column[*branch]{
			{Title: "TREE", Width: 20, Flex: 60, Cell: func(c *ui.Ctx, b *branch, w int) ui.Cell {
				stem, text := v.stem(c, b), ui.Clean(b.text)
				if b.value {
					text = tail(c, text, w-ui.Width(stem))
				}
				return ui.Cell{Raw: true, Text: ui.Pad(ui.Cut(stem+text, w), w)}
			}},
			{Title: "STATE", Width: 16, Cell: func(_ *ui.Ctx, b *branch, _ int) ui.Cell {
				return ui.Cell{Text: strings.TrimSpace(b.glyph + " " + b.state), Style: b.style}
			}},
			{Title: "", Width: 20, Flex: 200, Prio: 1, Cell: func(c *ui.Ctx, b *branch, _ int) ui.Cell {
				return ui.Cell{Text: ui.Clean(b.note), Style: c.Theme.Dim}
			}},
		},
	}
	return v
}

// stampOf changes with anything that is drawn of a branch.
func stampOf(b *branch) uint64 {
	h := uint64(14695981039346656037)
	for _, s := range []string{b.text, b.glyph, b.state, b.note, fmt.Sprint(b.depth, b.folded, b.last)} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
	}
	return h
}

// stem draws the lines that lead to a branch.
func (v *tree) stem(c *ui.Ctx, b *branch) string {
	g := c.Glyphs
	var s strings.Builder
	for i := 1; i < b.depth; i++ {
		if b.last[i] {
			s.WriteString("  ")
		} else {
			s.WriteString(g.Vertical + " ")
		}
	}
	if b.depth > 0 {
		if b.last[b.depth] {
			s.WriteString(g.BotLeft + g.Horizontal)
		} else {
			s.WriteString(g.Vertical + g.Horizontal)
		}
	}
	fold := " "
	switch {
	case b.leaf:
	case b.folded:
		fold = g.Crumb
	default:
		fold = g.Down
	}
	return c.Theme.Dim.On(s.String()+fold) + " "
}

// branchRow is a branch as a filter sees it.
type branchRow struct{ *branch }

// FilterText implements ui.Row.
func (r branchRow) FilterText() string {
	return r.text + " " + r.dataset + " " + r.state + " " + r.note
}

// FilterField implements ui.Row.
func (r branchRow) FilterField(name string) (string, bool) {
	switch name {
	case "state":
		return r.state, true
	case "dataset":
		return r.dataset, true
	}
	return "", false
}

// ID implements ui.View.
func (v *tree) ID() string { return treeID }

// Crumbs implements ui.View.
func (v *tree) Crumbs(*ui.Ctx) []string { return []string{"tree"} }

// Enter implements ui.View.
func (v *tree) Enter(c *ui.Ctx) tea.Cmd {
	if c.Subject != "" {
		v.table.Select("dataset:" + c.Subject)
	}
	for _, s := range v.snaps { // the store may answer again; they may be verified, pinned or deleted
		s.stale = true
	}
	return v.sync(c)
}

// Update implements ui.View.
func (v *tree) Update(c *ui.Ctx, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case ui.StateMsg:
		return v.sync(c)
	case treeMsg:
		if msg.to != v {
			return nil
		}
		s := &branchSnaps{list: msg.list, of: msg.of}
		if msg.err != nil {
			s.err = msg.err.Error()
		}
		v.snaps[msg.dataset] = s
		return v.sync(c)
	}
	return nil
}

func engineOf(d *api.Dataset) string {
	if d.Engine == "" {
		return "not accelerated"
	}
	return d.Engine
}

// folded tells whether a branch is; by habit it is until somebody unfolds it.
func (v *tree) folded(key string, habit bool) bool {
	if habit {
		return !v.open[key]
	}
	return v.closed[key]
}

// sync builds the lines anew, and asks for the snapshots that are unfolded and not known.
func (v *tree) sync(c *ui.Ctx) tea.Cmd {
	engines := map[string][]*api.Dataset{}
	var names []string
	for _, d := range c.State.Datasets {
		e := engineOf(d)
		if engines[e] == nil {
			names = append(names, e)
		}
		engines[e] = append(engines[e], d)
	}
	var rows []*branch
	var cmds []tea.Cmd
	for i, e := range names {
		key := "engine:" + e
		b := &branch{key: key, text: e, folded: v.folded(key, false), last: []bool{i == len(names)-1}}
		v.rollUp(c, b, engines[e])
		rows = append(rows, b)
		if b.folded {
			continue
		}
		for j, d := range engines[e] {
			more, cmd := v.dataset(c, d, []bool{b.last[0], j == len(engines[e])-1})
			rows, cmds = append(rows, more...), append(cmds, cmd)
		}
	}
	v.table.SetRows(rows)
	return tea.Batch(cmds...)
}

// rollUp gives a branch the worst state of its datasets.
func (v *tree) rollUp(c *ui.Ctx, b *branch, ds []*api.Dataset) {
	worst, bad := ds[0], 0
	var rows, bytes int64
	for _, d := range ds {
		if stateRank(d) < stateRank(worst) {
			worst = d
		}
		if ui.Faulty(d) {
			bad++
		}
		rows, bytes = rows+max(d.Rows, 0), bytes+max(d.Bytes, 0)
	}
	b.glyph, b.state, b.style = c.Status(worst)
	b.note = ui.Plural(len(ds), "dataset")
	if bad > 0 {
		b.note = fmt.Sprintf("%d of %s in trouble", bad, b.note)
	}
	b.note += fmt.Sprintf(", %s rows, %s", ui.Count(rows), ui.Bytes(bytes))
}

func (v *tree) dataset(c *ui.Ctx, d *api.Dataset, last []bool) ([]*branch, tea.Cmd) {
	key := "dataset:" + d.Name
	b := &branch{key: key, text: d.Name, depth: 1, dataset: d.Name, last: last, habit: true, folded: v.folded(key, true)}
	b.glyph, b.state, b.style = c.Status(d)
	b.note = "from " + d.From
	if d.HasData && d.Rows >= 0 {
		files := ""
		if d.Layout != nil && d.Layout.Total.Files > 0 {
			files = filesWords(d.Layout) + ", "
		}
		b.note = ui.Count(d.Rows) + " rows, " + ui.Bytes(d.Bytes) + ", " + files + b.note
	}
	out := []*branch{b}
	stored := d.Snapshots.Newest != nil || d.Snapshots.Kept > 0
	parted := d.Layout.Partitioned()
	if b.leaf = len(d.DependsOn) == 0 && !stored && !parted; b.leaf || b.folded {
		return out, nil
	}
	for i, dep := range d.DependsOn {
		x := &branch{key: key + "/reads:" + dep, parent: key, text: "reads from " + dep, depth: 2, dataset: d.Name, leaf: true, last: slices.Concat(last, []bool{i == len(d.DependsOn)-1 && !stored && !parted})}
		if o := c.State.Dataset(dep); o != nil {
			x.glyph, x.state, x.style = c.Status(o)
		}
		out = append(out, x)
	}
	if parted {
		out = append(out, v.partitions(d, slices.Concat(last, []bool{!stored}))...)
	}
	if !stored {
		return out, nil
	}
	more, cmd := v.snapshots(c, d, last)
	return append(out, more...), cmd
}

// fold folds (true) or unfolds the selected branch; folding what is folded goes to the branch above.
func (v *tree) fold(c *ui.Ctx, fold bool) tea.Cmd {
	b, ok := v.table.Selected()
	if !ok {
		return nil
	}
	if fold && b.parent != "" && (b.leaf || b.folded) && b.depth > 1 {
		v.table.Select(b.parent)
		return nil
	}
	v.folds++
	switch {
	case b.leaf:
	case b.habit:
		v.open[b.key] = !fold
	default:
		v.closed[b.key] = fold
	}
	return v.sync(c)
}

// Move implements ui.View.
func (v *tree) Move(c *ui.Ctx, key string) bool {
	if !v.table.Move(key) {
		return false
	}
	if b, ok := v.table.Selected(); ok && b.dataset != "" {
		c.Select(b.dataset)
	}
	return true
}

// Targets implements ui.View.
func (v *tree) Targets(*ui.Ctx) []string {
	if b, ok := v.table.Selected(); ok && b.dataset != "" {
		return []string{b.dataset}
	}
	return nil
}

// Filter implements ui.Filterer.
func (v *tree) Filter() string { return v.filter.Text }

// SetFilter implements ui.Filterer.
func (v *tree) SetFilter(s string) error {
	f, err := ui.ParseFilter(s, "state", "dataset")
	if err == nil {
		v.filter = f
	}
	return err
}

// Wheel implements ui.Mouser.
func (v *tree) Wheel(_ *ui.Ctx, delta int) { v.table.Wheel(delta) }

// Click implements ui.Mouser.
func (v *tree) Click(_ *ui.Ctx, _, y int) tea.Cmd { v.table.Click(y - 1); return nil }

// Copy implements ui.Copier.
func (v *tree) Copy(*ui.Ctx) (text, what string) {
	if b, ok := v.table.Selected(); ok {
		return b.text, "the name"
	}
	return "", ""
}

// Actions implements ui.View.
func (v *tree) Actions() []ui.Action {
	acts := []ui.Action{
		{ID: "tree.open", Title: "open", Help: "Open the selected dataset.", Keys: []string{"enter"}, Bar: 1, Off: needsOne,
			Run: func(c *ui.Ctx, ts []string) tea.Cmd { return c.Open(datasetID, ts[0]) }},
		{ID: "tree.unfold", Title: "unfold", Help: "Show what is below: the datasets of an engine, the partitions and snapshots of a dataset.", Keys: []string{"right", "space"}, Bar: 2,
			Run: func(c *ui.Ctx, _ []string) tea.Cmd { return v.fold(c, false) }},
		{ID: "tree.fold", Title: "fold", Help: "Hide what is below.", Keys: []string{"left"}, Bar: 3,
			Run: func(c *ui.Ctx, _ []string) tea.Cmd { return v.fold(c, true) }},
	}
	for _, a := range datasetActions() {
		if a.Bar > 0 {
			a.Bar += 2
		}
		acts = append(acts, a)
	}
	return acts
}

// Draw implements ui.View.
func (v *tree) Draw(c *ui.Ctx, w, h int) []string {
	title := "Tree"
	if v.filter.Text != "" {
		title += " " + c.Glyphs.Horizontal + " /" + ui.Clean(v.filter.Text)
	}
	if len(c.State.Datasets) == 0 {
		return c.Panel(title, []string{"", " no dataset runs: 5 shows the spicepod, in which they are declared"}, w, h, false)
	}
	return c.Panel(title, v.table.Draw(c, w-2, h-2), w, h, true)
}
