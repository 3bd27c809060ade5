package api

import (
	"fmt"
	"time"
)

// Sign is something about a dataset that is no error, and that somebody should look at.
type Sign struct {
	// Text says what is odd, Hint what to do.
	Text, Hint string
	// Key is the YAML path within the dataset of what is responsible; empty when no key is.
	Key string
	// At is when it happened; zero for what goes on.
	At time.Time
}

const (
	// aheadTooMuch is how far the clock of another writer may be ahead.
	aheadTooMuch = time.Minute
	// jitterTooMuch is a wait for what was asked for by hand that nobody expects.
	jitterTooMuch = time.Hour
)

// Signs are what is odd about a dataset although nothing failed, the gravest first.
func Signs(d *Dataset) []Sign {
	var out []Sign
	if d.Damage != nil {
		out = append(out, damaged(d))
	}
	if gone, of := evicted(d); gone > of/2 {
		s := Sign{Text: fmt.Sprintf("retention removed %d of %d rows at once", gone, of), Key: "acceleration.retention_sql",
			Hint: "w shows the line; what the source still has comes back with r, once retention keeps it"}
		if d.Retention.Period > 0 {
			s.Text += ": it keeps those of the last " + Span(d.Retention.Period)
			s.Key = "acceleration.retention_period"
		}
		out = append(out, s)
	}
	if d.Jitter >= jitterTooMuch {
		s := Sign{Text: fmt.Sprintf("its jitter delays every refresh by up to %s, also what r asks for", Span(d.Jitter)), Key: "acceleration.refresh_jitter_max",
			Hint: "a shorter refresh_jitter_max has it fresh again; w shows the line, 5 then e opens it"}
		if d.Waiting {
			s.Text = fmt.Sprintf("a refresh that was asked for waits for its jitter (up to %s) until %s", Span(d.Jitter), d.NextRefresh.Local().Format("15:04:05"))
		}
		out = append(out, s)
	}
	if n := d.Snapshots.Newest; n != nil && d.Snapshots.Ahead > aheadTooMuch {
		out = append(out, Sign{Text: fmt.Sprintf("the newest snapshot #%d is from the future (%s ahead): a clock is wrong", n.ID, Span(d.Snapshots.Ahead.Round(time.Minute))),
			Hint: "set the clocks by NTP; s then writes one with the right time"})
	}
	if s, odd := streamSign(d.Stream); odd {
		out = append(out, s)
	}
	if c := d.Compaction; c != nil && c.Err != "" {
		out = append(out, Sign{Text: "compaction failed: " + c.Err, Hint: "it is tried again; until it goes well small files pile up, and scans become slower"})
	}
	return out
}

// damaged tells of a local file that was set aside, and what the data comes from since.
func damaged(d *Dataset) Sign {
	s := Sign{At: d.Damage.At, Text: "the local file was damaged and is being rebuilt", Hint: "w tells what it waits for"}
	again := "r loads it once more and ends this notice"
	if n := len(d.Refreshes); n > 0 && d.HasData {
		s.Text, s.Hint = "the local file was damaged and rebuilt from the source", again
	}
	if b := d.Snapshots.Booted; b != nil && b.At.After(s.At) {
		s.Text, s.Hint = fmt.Sprintf("the local file was damaged and rebuilt from snapshot #%d", b.ID), "r loads what the source got since, and ends this notice"
		if d.LastRefresh.After(b.At) {
			s.Hint = again
		}
	}
	s.Hint += "; look at the disk: the damaged file is kept as " + d.Damage.KeptAs
	return s
}

// evicted is how many rows the newest check of retention, or the newest refresh, took away, and of how many. A refresh
// that reads the same old rows from its source each time takes away nothing that was there.
func evicted(d *Dataset) (gone, of int64) {
	r := d.Retention
	if r == nil {
		return 0, 0
	}
	for i := range d.Refreshes { // newest first
		x := &d.Refreshes[i]
		if x.Outcome != Succeeded {
			continue
		}
		if !x.StartedAt.After(r.Last) {
			break
		}
		if x.Evicted > 0 && d.RowsDelta < 0 {
			return -d.RowsDelta, d.Rows - d.RowsDelta
		}
		return 0, 0
	}
	return r.LastEvicted, r.LastEvicted + d.Rows
}

// Span writes a duration as a spicepod does: 30m, 6h, 1h30m.
func Span(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if n := len(s) - len(zero); n > 0 && s[n:] == zero {
			s = s[:n+1]
		}
	}
	return s
}

// A stream falls behind when it is so far behind for so long, and not nearer than at the beginning of that time.
const (
	behindRecords = 1000
	behindFor     = time.Minute
)

// streamSign tells of a stream that waits, or falls behind. One that stopped is an error.
func streamSign(x *Stream) (Sign, bool) {
	switch {
	case x == nil:
	case x.Phase == StreamRetrying:
		return Sign{Text: "its stream does not go on: " + x.Err, Hint: joined(x.Hint, "it is tried again; r tries at once")}, true
	case x.Phase == StreamFollowing && fallsBehind(x.History):
		return Sign{Text: fmt.Sprintf("its stream falls behind: %d records are not applied yet", x.Behind),
			Hint: "more comes than is applied: larger batches (batch_max_size, batch_max_duration) are applied faster; the chart of its stream shows since when"}, true
	}
	return Sign{}, false
}

// fallsBehind tells whether a stream was far behind for behindFor, and did not get nearer.
func fallsBehind(h []StreamPoint) bool {
	if len(h) == 0 {
		return false
	}
	last := h[len(h)-1]
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Behind < behindRecords {
			return false
		}
		if last.At.Sub(h[i].At) >= behindFor {
			return last.Behind >= h[i].Behind
		}
	}
	return false
}

// joined puts two hints together.
func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
