package views

import (
	"fmt"
	"strings"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// Sizes of the tab of a stream: from streamWide cells on it has two columns; a chart has streamChart lines where it is
// not told more.
const (
	streamWide  = 140
	streamChart = 4
)

// rateSpan is how far back a rate looks, at most.
const rateSpan = 10 * time.Second

// drawStream is the tab of the stream that a dataset follows. All of it scrolls.
func (v *dataset) drawStream(c *ui.Ctx, d *api.Dataset, w, h int) []string {
	x := d.Stream
	if x == nil {
		return c.Panel("Stream", indented("it follows no stream of changes; refresh_mode: changes, from a topic of Debezium, has it follow one", 1, w-3), w, h, false)
	}
	var body []string
	if inner := w - 2; inner+2 >= streamWide {
		left := inner / 2
		l := append(streamState(c, d, left-2), "")
		l = append(append(l, opsLines(c, x, left-2)...), "")
		l = append(l, partitionLines(c, x, left-2)...)
		r := streamCharts(c, x, inner-left, min(max((h-2)/6, streamChart), 10), true)
		r = append(r, recordLines(c, x, x.Last, "last record", inner-left-2)...)
		for i := range l {
			l[i] = ui.Pad(l[i], left)
		}
		body = ui.Beside(max(len(l), len(r)), []int{left, inner - left}, l, r)
	} else {
		body = append(streamState(c, d, inner-2), "")
		body = append(append(body, opsLines(c, x, inner-2)...), "")
		body = append(body, streamCharts(c, x, inner, streamChart, false)...)
		body = append(append(body, partitionLines(c, x, inner-2)...), "")
		body = append(body, recordLines(c, x, x.Last, "last record", inner-2)...)
	}
	lines := v.page.draw(body, h-2)
	title := "Stream " + c.Glyphs.Dot + " " + ui.Clean(x.Source)
	if v.page.total > v.page.height {
		title += fmt.Sprintf(" %s lines %d-%d of %d", c.Glyphs.Dot, v.page.top+1, v.page.top+len(lines), v.page.total)
	}
	return c.Panel(title, lines, w, h, false)
}

// labelled returns a function that adds a text with its label, wrapped to w cells.
func labelled(c *ui.Ctx, out *[]string, w int) func(label, text string) {
	return func(label, text string) {
		for i, l := range ui.Wrap(text, max(w-11, 4)) {
			if i > 0 {
				label = ""
			}
			*out = append(*out, " "+c.Theme.Dim.On(ui.Pad(label, 10))+" "+l)
		}
	}
}

// streamState says what is done about a stream, and what somebody has to do.
func streamState(c *ui.Ctx, d *api.Dataset, w int) []string {
	x := d.Stream
	glyph, words, style := phaseWords(c, x)
	head := " " + style.Bold().On(glyph+" "+words)
	if x.Stopped != nil {
		head += c.Theme.Dim.On(" for " + ui.Age(c.Now, x.Stopped.Since))
	}
	out := []string{ui.Cut(head, w)}
	if x.Err != "" {
		for _, l := range ui.Wrap(ui.Clean(x.Err), max(w-1, 4)) {
			out = append(out, " "+style.On(l))
		}
	}
	if x.Stopped != nil {
		out = append(out, waysOut(c, x, w)...)
		out = append(out, recordLines(c, x, x.Stopped.Record, "stopped at", w)...)
	} else if x.Hint != "" {
		for _, l := range ui.Wrap("hint: "+ui.Clean(x.Hint), max(w-1, 4)) {
			out = append(out, " "+c.Theme.Accent.On(l))
		}
	}
	add := labelled(c, &out, w)
	add("lag", lagWords(c, x))
	add("applied", appliedWords(c, x))
	if x.Ignored > 0 {
		add("ignored", ui.Plural(int(x.Ignored), "record")+" that are about no row")
	}
	if !x.Loaded && x.Phase != api.StreamConnecting {
		add("loaded", "not yet: it answers queries once all is applied that was there at the start")
	}
	if len(x.Keys) > 0 {
		add("keys", ui.Clean(strings.Join(x.Keys, ", ")))
	}
	if x.Skipped > 0 {
		add("skipped", ui.Plural(int(x.Skipped), "record")+", kept in "+ui.Clean(x.DeadLetters))
	}
	return out
}

// waysOut are what can be done about a stream that stopped, with their keys.
func waysOut(c *ui.Ctx, x *api.Stream, w int) []string {
	ways := [][2]string{{"r", "retry, when the cause is mended"}}
	if x.Stopped.Record != nil {
		ways = append(ways, [2]string{"S", "skip the record, which is kept in a dead-letter file"})
	}
	ways = append(ways, [2]string{"R", "re-bootstrap: load all anew from the stream's beginning"})
	var out []string
	for _, x := range ways {
		out = append(out, "   "+c.Theme.Accent.Bold().On(x[0])+"  "+ui.Cut(x[1], max(w-6, 1)))
	}
	return append(out, "")
}

// recordLines show a record, wrapped; it was cut and redacted where it comes from.
func recordLines(c *ui.Ctx, x *api.Stream, r *api.StreamRecord, label string, w int) []string {
	if r == nil {
		return nil
	}
	var out []string
	add := labelled(c, &out, w)
	text := placeOf(x, r) + ", " + ui.Bytes(r.Size)
	if !r.At.IsZero() {
		text += ", " + ui.Age(c.Now, r.At) + " ago"
	}
	if ui.Width(label) > 10 {
		out = append(out, " "+c.Theme.Title.On(label))
		label = "at"
	}
	add(label, text)
	for _, p := range [][2]string{{"key", r.Key}, {"value", r.Value}} {
		if p[1] == "" {
			p[1] = c.Theme.Dim.On("none")
		} else {
			p[1] = ui.Clean(p[1])
		}
		add(p[0], p[1])
	}
	return append(out, "")
}

// opsLines are rows by operation: how many, and how many a second.
func opsLines(c *ui.Ctx, x *api.Stream, w int) []string {
	rate := rateOfOps(c.Now, x)
	head, total, second := ui.Pad("rows", 10), ui.Pad("in all", 10), ui.Pad("a second", 10)
	cell := min((w-11)/5, 11)
	if cell < 6 {
		return nil
	}
	for _, op := range []struct {
		name string
		n    int64
		rate float64
	}{{"inserts", x.Ops.Inserts, rate[0]}, {"updates", x.Ops.Updates, rate[1]}, {"deletes", x.Ops.Deletes, rate[2]}, {"reads", x.Ops.Reads, rate[3]}, {"truncates", x.Ops.Truncates, rate[4]}} {
		head += ui.PadLeft(op.name, cell)
		total += inCell(op.n, cell)
		second += ui.PadLeft(perSecondWord(op.rate), cell)
	}
	return []string{" " + c.Theme.Title.On(head), " " + total, " " + second}
}

// inCell is a number at the right of a cell, in short where it has no room.
func inCell(n int64, cell int) string {
	s := ui.Thousands(n)
	if ui.Width(s) >= cell {
		s = ui.Count(n)
	}
	return ui.PadLeft(s, cell)
}

func perSecondWord(v float64) string {
	if v > 0 && v < 9.95 {
		return fmt.Sprintf("%.1f", v)
	}
	return countLabel(v)
}

// rateOfOps is how many rows a second each operation had in the last points of the history; 0 when there are none of
// late.
func rateOfOps(now time.Time, x *api.Stream) (out [5]float64) {
	n := len(x.History)
	if n < 2 || now.Sub(x.History[n-1].At) > rateSpan/2 {
		return out
	}
	last, first := &x.History[n-1], &x.History[n-2]
	for i := n - 2; i >= 0 && last.At.Sub(x.History[i].At) <= rateSpan; i-- {
		first = &x.History[i]
	}
	secs := last.At.Sub(first.At).Seconds()
	if secs <= 0 {
		return out
	}
	a, b := first.Ops, last.Ops
	for i, d := range []int64{b.Inserts - a.Inserts, b.Updates - a.Updates, b.Deletes - a.Deletes, b.Reads - a.Reads, b.Truncates - a.Truncates} {
		out[i] = float64(max(d, 0)) / secs
	}
	return out
}

// partitionLines are how far each partition is.
func partitionLines(c *ui.Ctx, x *api.Stream, w int) []string {
	if len(x.Partitions) == 0 {
		return nil
	}
	cell := min((w-11)/3, 14)
	if cell < 6 {
		return nil
	}
	out := []string{" " + c.Theme.Title.On(ui.Pad("partition", 10)+ui.PadLeft("next", cell)+ui.PadLeft("end", cell)+ui.PadLeft("behind", cell))}
	for _, p := range x.Partitions {
		line := " " + ui.Pad(fmt.Sprint(p.ID), 10) + inCell(p.Next, cell) + inCell(p.End, cell)
		behind := inCell(p.End-p.Next, cell)
		if p.End > p.Next {
			behind = c.Theme.Warn.On(behind)
		}
		out = append(out, line+behind)
	}
	return out
}

// streamGraphs are the history of a stream: how far behind, in records and as time, and rows a second.
func streamGraphs(x *api.Stream) []graph {
	lag, behind, rows := ui.Series{Zero: true}, ui.Series{Zero: true, Label: countLabel}, ui.Series{Zero: true, Label: countLabel}
	lag.Label = func(s float64) string { return ui.Duration(time.Duration(s * float64(time.Second))) }
	for i := range x.History {
		p := &x.History[i]
		lag.Values, behind.Values = append(lag.Values, p.Lag.Seconds()), append(behind.Values, float64(p.Behind))
		if i > 0 {
			before := &x.History[i-1]
			rows.Values = append(rows.Values, float64(max(p.Ops.All()-before.Ops.All(), 0))/max(p.At.Sub(before.At).Seconds(), 0.001))
		}
	}
	return []graph{{"Lag", lag}, {"Records behind", behind}, {"Rows a second", rows}}
}

// streamCharts draws them h lines high, side by side or below each other, with how far back they go.
func streamCharts(c *ui.Ctx, x *api.Stream, w, h int, stacked bool) []string {
	if len(x.History) < 2 {
		return nil
	}
	all := streamGraphs(x)
	all[0].title += fmt.Sprintf(", last %s", ui.Duration(x.History[len(x.History)-1].At.Sub(x.History[0].At).Round(time.Second)))
	if !stacked {
		return sideBySide(c, w, h, all...)
	}
	var out []string
	for _, g := range all {
		out = append(out, sideBySide(c, w, h, g)...)
	}
	return out
}

// streamLines are a stream in some lines, for the overview of its dataset.
func streamLines(c *ui.Ctx, d *api.Dataset, w int) []string {
	var out []string
	add := labelled(c, &out, w)
	_, words, style := phaseWords(c, d.Stream)
	add("stream", style.On(words))
	add("lag", lagWords(c, d.Stream))
	add("applied", appliedWords(c, d.Stream))
	if n := d.Stream.Skipped; n > 0 {
		add("skipped", ui.Plural(int(n), "record"))
	}
	return out
}

// lagChart draws how old what is applied was, newest on the right.
func lagChart(c *ui.Ctx, d *api.Dataset, w, h int) []string {
	var out []string
	for _, l := range c.Chart(streamGraphs(d.Stream)[0].series, w, h) {
		out = append(out, " "+l)
	}
	return out
}
