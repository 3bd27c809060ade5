package views

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// pulseSpan is how far back the pulse looks, in pulseBins columns.
const (
	pulseSpan = 15 * time.Minute
	pulseBins = 30
)

// pulse is the screen of what goes on over all datasets: how often and how long, what fails, what travels, what is old.
type pulse struct{}

func newPulse() *pulse { return &pulse{} }

// ID implements ui.View.
func (v *pulse) ID() string { return pulseID }

// Crumbs implements ui.View.
func (v *pulse) Crumbs(*ui.Ctx) []string { return []string{"pulse"} }

// Enter implements ui.View.
func (v *pulse) Enter(*ui.Ctx) tea.Cmd { return nil }

// Update implements ui.View.
func (v *pulse) Update(*ui.Ctx, tea.Msg) tea.Cmd { return nil }

// Move implements ui.View.
func (v *pulse) Move(*ui.Ctx, string) bool { return false }

// Targets implements ui.View.
func (v *pulse) Targets(*ui.Ctx) []string { return nil }

// Actions implements ui.View.
func (v *pulse) Actions() []ui.Action { return nil }

// beat is what happened in the last pulseSpan, sorted into bins.
type beat struct {
	refreshes, failures, rows, written, events [pulseBins]float64
	durations, transfers                       []time.Duration
	running, waiting, scheduled                int
	worst                                      string // the dataset with the most failures
	worstN                                     int
	bytes                                      int64
	span, read                                 time.Duration // of what is known, and of the refreshes that are; at most pulseSpan
}

// bin is the place of a time; false when it is too long ago.
func bin(now, at time.Time) (int, bool) {
	ago := now.Sub(at)
	if ago < 0 {
		ago = 0
	}
	i := pulseBins - 1 - int(ago*pulseBins/pulseSpan)
	return i, i >= 0
}

func beatOf(s *api.State, now time.Time) *beat {
	b := &beat{span: time.Second}
	if len(s.Events) > 0 {
		b.span = min(max(now.Sub(s.Events[0].At), b.span), pulseSpan)
	}
	b.read = b.span
	for _, d := range s.Datasets {
		failed := 0
		for i := range d.Refreshes {
			r := &d.Refreshes[i]
			at, ok := bin(now, r.StartedAt.Add(r.Duration))
			if !ok {
				break // newest first
			}
			b.read = min(max(b.read, now.Sub(r.StartedAt)), pulseSpan) // they are known for longer than many events
			b.refreshes[at]++
			b.rows[at] += float64(r.RowsRead)
			if r.Outcome == api.Failed {
				b.failures[at]++
				failed++
			} else if r.Outcome == api.Succeeded {
				b.durations = append(b.durations, r.Duration)
			}
		}
		for i := range d.Snapshots.Attempts {
			a := &d.Snapshots.Attempts[i]
			at, ok := bin(now, a.At)
			if !ok {
				break
			}
			switch a.Outcome {
			case api.Failed:
				b.failures[at]++
				failed++
			case api.Succeeded:
				b.written[at] += float64(a.Bytes)
				b.bytes += a.Bytes
				b.transfers = append(b.transfers, a.Duration)
			}
		}
		b.streamed(d.Stream, now)
		if failed > b.worstN {
			b.worst, b.worstN = d.Name, failed
		}
		switch {
		case d.Run != nil && d.Run.Phase == api.PhaseQueued:
			b.waiting++
		case d.Run != nil:
			b.running++
		case !d.NextRefresh.IsZero():
			b.scheduled++
		}
	}
	for i := range slices.Backward(s.Events) {
		at, ok := bin(now, s.Events[i].At)
		if !ok {
			break
		}
		b.events[at]++
	}
	return b
}

// streamed adds the rows that a stream brought.
func (b *beat) streamed(x *api.Stream, now time.Time) {
	if x == nil || len(x.History) == 0 {
		return
	}
	b.read = min(max(b.read, now.Sub(x.History[0].At)), pulseSpan)
	for i := len(x.History) - 1; i > 0; i-- {
		at, ok := bin(now, x.History[i].At)
		if !ok {
			break
		}
		b.rows[at] += float64(max(x.History[i].Ops.All()-x.History[i-1].Ops.All(), 0))
	}
}

// quantile of durations; 0 without any.
func quantile(ds []time.Duration, q float64) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	ds = slices.Sorted(slices.Values(ds))
	return ds[min(int(math.Ceil(q*float64(len(ds)))), len(ds))-1]
}

func sum(vs []float64) (n float64) {
	for _, v := range vs {
		n += v
	}
	return n
}

func countLabel(v float64) string { return ui.Count(int64(math.Round(v))) }

func bytesLabel(v float64) string { return ui.Bytes(int64(v)) }

// Draw implements ui.View.
func (v *pulse) Draw(c *ui.Ctx, w, h int) []string {
	if len(c.State.Datasets) == 0 {
		return c.Panel("Pulse", []string{"", " no dataset runs: 5 shows the spicepod, in which they are declared"}, w, h, false)
	}
	b := beatOf(c.State, c.Now)
	t := c.Theme
	chart := func(title, line string, vs []float64, label func(float64) string) func(w, h int) []string {
		return func(w, h int) []string {
			body := []string{" " + line}
			for _, l := range c.Chart(ui.Series{Values: vs, Label: label, Zero: true}, w-4, max(h-4, 1)) {
				body = append(body, " "+l)
			}
			if h >= 7 {
				body = append(body, t.Dim.On(ui.PadLeft("15m ago to now, 30 s each", w-4)))
			}
			return c.Panel(title, body, w, h, false)
		}
	}
	p50, p99 := quantile(b.durations, 0.5), quantile(b.durations, 0.99)
	failures := t.Good.On("none")
	if n := int(sum(b.failures[:])); n > 0 {
		failures = t.Bad.On(fmt.Sprintf("%s %d", c.Glyphs.Failed, n)) + ", most: " + ui.Clean(b.worst) + fmt.Sprintf(" (%d)", b.worstN)
	}
	dot := " " + c.Glyphs.Dot + " "
	blocks := []func(w, h int) []string{
		chart("Refreshes", fmt.Sprintf("%.0f%sp50 %s%sp99 %s%s%d running, %d queued, %d scheduled", sum(b.refreshes[:]), dot, ui.Duration(p50), dot, ui.Duration(p99), dot, b.running, b.waiting, b.scheduled),
			b.refreshes[:], countLabel),
		chart("Failures", failures, b.failures[:], countLabel),
		chart("Rows read", ui.Count(int64(sum(b.rows[:])))+dot+ui.Count(int64(sum(b.rows[:])/b.read.Seconds()))+" a second", b.rows[:], countLabel),
		chart("Snapshots written", ui.Bytes(b.bytes)+dot+fmt.Sprintf("%d", len(b.transfers))+dot+"p99 "+ui.Duration(quantile(b.transfers, 0.99)), b.written[:], bytesLabel),
		chart("Events", fmt.Sprintf("%.0f", sum(b.events[:]))+dot+fmt.Sprintf("%.1f a minute", sum(b.events[:])/b.span.Minutes()), b.events[:], countLabel),
		func(w, h int) []string { return c.Panel("Freshness", v.freshness(c, w-2, h-2), w, h, false) },
	}
	cols := 1
	switch {
	case w >= 140:
		cols = 3
	case w >= 78:
		cols = 2
	}
	rows := (len(blocks) + cols - 1) / cols
	for rows > 1 && h/rows < 6 { // what does not fit is left out, the last first
		rows--
	}
	var out []string
	for y := range rows {
		bh := h / rows
		if y == rows-1 {
			bh = h - bh*(rows-1)
		}
		var line [][]string
		var ws []int
		for x := range cols {
			i := y*cols + x
			bw := w / cols
			if x == cols-1 {
				bw = w - bw*(cols-1)
			}
			if i == len(blocks) {
				break
			}
			line, ws = append(line, blocks[i](bw, bh)), append(ws, bw)
		}
		out = append(out, ui.Beside(bh, ws, line...)...)
	}
	return out
}

// freshness lists the datasets with the oldest data, measured by their schedule where they have one.
func (v *pulse) freshness(c *ui.Ctx, w, h int) []string {
	type row struct {
		d   *api.Dataset
		age time.Duration
	}
	var rows []row
	for _, d := range c.State.Datasets {
		switch {
		case d.Engine == "":
		case d.LastRefresh.IsZero():
			rows = append(rows, row{d, -1})
		default:
			rows = append(rows, row{d, c.Now.Sub(d.LastRefresh)})
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(-cmp.Compare(boolInt(ui.Faulty(a.d) || overdue(c.Now, a.d)), boolInt(ui.Faulty(b.d) || overdue(c.Now, b.d))), cmp.Compare(b.age, a.age))
	})
	if len(rows) == 0 {
		return []string{"", " no dataset is accelerated"}
	}
	oldest := rows[0].age
	for _, r := range rows {
		oldest = max(oldest, r.age)
	}
	name := min(max(w/3, 10), 28)
	var out []string
	for _, r := range rows[:min(len(rows), max(h, 0))] {
		glyph, _, style := c.Status(r.d)
		mark := " "
		if overdue(c.Now, r.d) {
			mark = c.Theme.Warn.On("!")
		}
		if r.age < 0 {
			out = append(out, " "+style.On(glyph)+" "+ui.Pad(ui.Cut(ui.Clean(r.d.Name), name), name)+" "+c.Theme.Dim.On(" never loaded"))
			continue
		}
		bar := c.Bar(float64(r.age)/float64(max(oldest, 1)), max(w-name-14, 0))
		out = append(out, " "+style.On(glyph)+" "+ui.Pad(ui.Cut(ui.Clean(r.d.Name), name), name)+" "+ui.PadLeft(ui.Age(c.Now, r.d.LastRefresh), 6)+mark+" "+bar)
	}
	return out
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
