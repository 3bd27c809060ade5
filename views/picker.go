package views

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// picker picks the snapshot that replaces the local data of a dataset: it lists what is stored, says
// what will happen, and wants the name typed.
type picker struct {
	dataset string
	want    *uint64 // selected first, nil the newest usable
	list    snapList
	chosen  bool
	at, top int
	hold    bool
	buttons ui.Buttons
	name    ui.Edit
}

func newPicker(dataset string, want *uint64) *picker { return &picker{dataset: dataset, want: want} }

// load reads the store.
func (p *picker) load(c *ui.Ctx) tea.Cmd { return p.list.want(c, p.dataset) }

// Title implements ui.Dialog.
func (p *picker) Title(*ui.Ctx) string {
	return "Bootstrap " + ui.Clean(p.dataset) + " from a snapshot"
}

// Careful implements ui.Dialog.
func (p *picker) Careful() bool { return true }

// Paste implements ui.Texter.
func (p *picker) Paste(s string) { p.name.Insert(s) }

// Update implements ui.Dialog.
func (p *picker) Update(c *ui.Ctx, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case snapsMsg:
		p.answered(msg)
		return p.list.want(c, p.dataset) // it may have changed while it was read
	case ui.StateMsg:
		return p.list.want(c, p.dataset)
	}
	return nil
}

// answered takes the list of the store. The choice stays with the snapshot, not with its place: one
// that is written meanwhile moves all others down. When the chosen one is gone, what was typed for it
// counts no more.
func (p *picker) answered(msg snapsMsg) {
	old := p.selected()
	var id uint64
	if old != nil {
		id = old.ID
	}
	switch {
	case !p.list.take(msg):
	case !p.chosen:
		p.chosen = len(p.list.list) > 0
		p.first()
	case old == nil || !p.find(id):
		p.buttons, p.name = ui.Buttons{}, ui.Edit{}
		p.at = 0
		p.first()
	}
}

// first selects the snapshot that was asked for, otherwise the newest that is not known to be bad.
func (p *picker) first() {
	if p.want != nil && p.find(*p.want) {
		return
	}
	for i := range p.list.list {
		if usable(&p.list.list[i]) == "" {
			p.at = i
			return
		}
	}
}

func (p *picker) find(id uint64) bool {
	for i := range p.list.list {
		if p.list.list[i].ID == id {
			p.at = i
			return true
		}
	}
	return false
}

func (p *picker) selected() *api.Snapshot {
	if p.at < 0 || p.at >= len(p.list.list) {
		return nil
	}
	return &p.list.list[p.at]
}

// usable says why a snapshot cannot be loaded, "" when it can.
func usable(s *api.Snapshot) string {
	switch s.Verified.State {
	case api.VerifyFailed:
		return "checksum mismatch, cannot be used"
	case api.VerifyGone:
		return "the object is missing, cannot be used"
	}
	return ""
}

// blocked says why the bootstrap cannot begin yet, "" when it can.
func (p *picker) blocked(c *ui.Ctx) string {
	s := p.selected()
	switch {
	case s == nil:
		return "choose a snapshot first"
	case usable(s) != "":
		return "choose another snapshot"
	case api.Refusal(c.Live, api.BootstrapFrom{Dataset: p.dataset, SnapshotID: s.ID}) != "":
		return "not now"
	case p.name.Text() != ui.Clean(p.dataset):
		return ui.NameFirst
	}
	return ""
}

// Key implements ui.Dialog.
func (p *picker) Key(c *ui.Ctx, k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch k.String() {
	case "up":
		p.at = max(p.at-1, 0)
		return false, nil
	case "down":
		p.at = max(min(p.at+1, len(p.list.list)-1), 0)
		return false, nil
	case "ctrl+t":
		p.hold = !p.hold
		return false, nil
	}
	switch p.buttons.Key(k.String(), p.blocked(c) == "") {
	case ui.Cancelled:
		return true, nil
	case ui.Chosen:
		return true, c.Do(api.BootstrapFrom{Dataset: p.dataset, SnapshotID: p.selected().ID, Hold: p.hold})
	case ui.Unused:
		p.name.Key(k)
	}
	return false, nil
}

// Draw implements ui.Dialog.
func (p *picker) Draw(c *ui.Ctx, w, h int) []string {
	t := c.Theme
	if note := p.list.note(c); note != "" {
		return append(ui.Wrap(note, w), "", t.Dim.On("esc cancels"))
	}
	d := c.Live.Dataset(p.dataset)
	if d == nil {
		return []string{"The dataset is not there any more.", "", t.Dim.On("esc closes")}
	}
	effect := p.effect(c, d, w)
	box := "[ ]"
	if p.hold {
		box = "[x]"
	}
	foot := append(effect, "",
		box+" hold scheduled refreshes until H resumes them "+t.Dim.On("(ctrl+t)"),
		ui.TypeName(c, p.dataset, &p.name, w))
	foot = append(foot, p.buttons.Draw(c, "", "Bootstrap", p.blocked(c), true, w)...)
	rows := min(max(h-len(foot)-2, 1), 8)
	p.top = min(max(p.top, p.at-rows+1), p.at)
	out := []string{t.Dim.On(ui.Cut("newest first; up and down choose", w))}
	for i := p.top; i < len(p.list.list) && i < p.top+rows; i++ {
		out = append(out, p.line(c, d, i, w))
	}
	out = append(out, "")
	if over := len(out) + len(foot) - h; over > 0 { // the effect gives way to what must be typed
		foot = foot[min(over, len(effect)):]
	}
	return append(out, foot...)
}

func (p *picker) line(c *ui.Ctx, d *api.Dataset, i, w int) string {
	t, g, s := c.Theme, c.Glyphs, &p.list.list[i]
	cursor, glyph, style, note := " ", g.Dot, t.Dim, "will be verified"
	switch s.Verified.State {
	case api.VerifiedSum:
		glyph, style, note = g.OK, t.Good, "verified "+ui.Age(c.Now, s.Verified.At)+" ago"
	case api.VerifyFailed, api.VerifyGone:
		glyph, style, note = g.Failed, t.Bad, usable(s)
	}
	if i == p.at {
		cursor = t.Accent.On(g.Cursor)
	}
	if s.Rows >= 0 && usable(s) == "" && d.HasData {
		note += ", " + ui.Signed(s.Rows-d.Rows) + " rows"
	}
	line := fmt.Sprintf("%s %s #%-5d %s  %-4s %8s  %s", cursor, style.On(glyph), s.ID, s.ShortChecksum(), ui.Age(c.Now, s.Created), ui.Bytes(s.Bytes), style.On(note))
	return ui.Pad(line, w)
}

// effect says what a bootstrap from the selected snapshot does.
func (p *picker) effect(c *ui.Ctx, d *api.Dataset, w int) []string {
	s := p.selected()
	if s == nil {
		return nil
	}
	if why := usable(s); why != "" && !slices.ContainsFunc(p.list.list, func(x api.Snapshot) bool { return usable(&x) == "" }) {
		return ui.Wrap(c.Theme.Bad.On(c.Glyphs.Failed+" none of them can be used: r loads the data from its source, and s then writes a sound one"), w)
	} else if why != "" {
		return []string{c.Theme.Bad.On(ui.Cut(c.Glyphs.Failed+" "+why+"; choose another", w))}
	}
	var not []string
	if why := api.Refusal(c.Live, api.BootstrapFrom{Dataset: p.dataset, SnapshotID: s.ID}); why != "" {
		not = []string{c.Theme.Warn.On(ui.Cut("not now: "+why, w))}
		if c.Live.Link.Kind != api.LinkRecording {
			return not
		}
	}
	text := "Replaces " + ui.Thousands(d.Rows) + " local rows with "
	if !d.HasData {
		text = "Loads "
	}
	if s.Rows < 0 {
		text += "those of the snapshot (how many is not recorded)."
	} else {
		text += ui.Thousands(s.Rows) + "."
	}
	if d.Run != nil {
		text += " Terminates the refresh" + progressWords(d.Run) + "."
	}
	if d.HasData {
		text += " Queries keep the old data until the swap."
	}
	switch {
	case p.hold:
		text += " Scheduled refreshes stay on hold until you resume them."
	case !d.NextRefresh.IsZero():
		text += " The refresh planned for " + ui.Clock(c.Now, d.NextRefresh) + " may replace it again."
	}
	return append(ui.Wrap(text, w), not...)
}
