package views_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pitwall/runtime/api"
	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

var someKeys = []string{
	"up", "down", "j", "k", "g", "G", "pgup", "pgdown", "home", "end", "left", "right", "ctrl+u", "ctrl+d", "enter", "esc", "backspace", "tab", "shift+tab",
	"space", "1", "2", "4", "5", "6", "8", "z", "3", "7", "r", "s", "x", "b", "H", "l", "y", "m", "?", "/", "n", "N", "<", ">", "o", "F", "p", "c", "M", "t", "f", "&", "L", "w", "W", ":", "(", ")", "-", "d",
	"v", "V", "[", "]", "~", "!", ":", "a", "é", "日", "ctrl+c", "q",
}

// anyState draws a state that no runtime should make but any might.
func anyState(rt *rapid.T, now time.Time) *api.State {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "lake.sales_eu", "日本語", "e\u0301\u0301", "👩‍👩‍👧", "\x1b[2J", "a\nb", "x\u202ey", string([]byte{0xff})}))
	num := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{0, -1, math.MaxInt64, math.MinInt64, 512}))
	when := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		return now.Add(time.Duration(rapid.Int64Range(-1<<50, 1<<50).Draw(t, "t")))
	})
	frac := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{-1, 0, 1, math.NaN(), math.Inf(1)}))
	s := uitest.Sample(now)
	s.ReadOnly = rapid.Bool().Draw(rt, "ro")
	n := rapid.IntRange(0, 12).Draw(rt, "n")
	s.Datasets = nil
	for i := range n {
		base := *uitest.Sample(now).Datasets[i%7]
		d := &base
		if i >= 7 || rapid.Bool().Draw(rt, "rename") {
			d.Name = fmt.Sprint(text.Draw(rt, "name"), i)
		}
		d.Rev = uint64(i)
		d.Err, d.Hint, d.From, d.Schedule = text.Draw(rt, "err"), text.Draw(rt, "hint"), text.Draw(rt, "from"), text.Draw(rt, "sched")
		d.Status = api.Status(rapid.SampledFrom([]string{"Ready", "Error", "Refreshing", "Initializing", "Disabled", "ShuttingDown", "", "\x1b"}).Draw(rt, "status"))
		d.Rows, d.Bytes, d.RowsDelta = num.Draw(rt, "rows"), num.Draw(rt, "bytes"), num.Draw(rt, "delta")
		d.LastRefresh, d.NextRefresh, d.Since = when.Draw(rt, "last"), when.Draw(rt, "next"), when.Draw(rt, "since")
		if d.Run != nil {
			r := *d.Run
			r.Fraction, r.Rows, r.RowsPerSecond = frac.Draw(rt, "frac"), num.Draw(rt, "runrows"), frac.Draw(rt, "rate")
			d.Run = &r
		}
		if t := d.Snapshots.Run; t != nil {
			x := *t
			x.Done, x.Total = num.Draw(rt, "done"), num.Draw(rt, "total")
			d.Snapshots.Run = &x
		}
		s.Datasets = append(s.Datasets, d)
	}
	s.Events = s.Events[:rapid.IntRange(0, len(s.Events)).Draw(rt, "events")]
	if rapid.Bool().Draw(rt, "broken") {
		broken(s)
		s.Config.Problems[0].Message, s.Config.Problems[0].Excerpt = text.Draw(rt, "problem"), text.Draw(rt, "excerpt")
	}
	return s
}

// Whatever is pressed and whatever the runtime says: nothing panics and nothing is larger than the
// window.
func TestAnything(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		now := time.Now()
		c := uitest.New(anyState(rt, now))
		c.SetSnapshots("lake.sales_eu", uitest.Snapshots(now), nil, false)
		w, h := 100, 30
		st := ui.NewStill(c, views.All(), ui.Options{Theme: "dark", StateDir: dir, ASCII: rapid.Bool().Draw(rt, "ascii")}, w, h)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0:
				w = rapid.OneOf(rapid.IntRange(0, 260), rapid.SampledFrom([]int{0, 1, 39, 40, 41, 79, 80, 99, 100, 139, 140, 10_000})).Draw(rt, "w")
				h = rapid.OneOf(rapid.IntRange(0, 80), rapid.SampledFrom([]int{0, 1, 9, 10, 11, 19, 20})).Draw(rt, "h")
				st.Resize(w, h)
			case 1:
				next := anyState(rt, now)
				c.Change(func(s *api.State) { seq := s.Seq; *s = *next; s.Seq = seq })
				st.State(c.State())
			case 2:
				st.Wake()
			default:
				st.Press(rapid.SampledFrom(someKeys).Draw(rt, "key"))
			}
			fits(rt, st.Frame(), w, h)
			if err := st.Err(); err != nil {
				rt.Fatalf("%v", err)
			}
		}
	})
}
