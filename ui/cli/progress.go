package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/dustin/go-humanize"
)

// When progress begins to show, and how often it does: a terminal gets one line that changes, a file one line
// after the other.
const (
	progressAfter = 500 * time.Millisecond
	progressEvery = 100 * time.Millisecond
	progressLines = 5 * time.Second
)

// progress tells how far a transfer is.
type progress struct {
	w        io.Writer
	what     string
	terminal bool
	now      func() time.Time
	begun    time.Time
	next     time.Time
}

// newProgress begins now.
func newProgress(w io.Writer, what string) *progress {
	p := &progress{w: w, what: what, now: time.Now}
	if f, ok := w.(*os.File); ok {
		p.terminal = term.IsTerminal(f.Fd())
	}
	p.begun = p.now()
	p.next = p.begun.Add(progressAfter)
	return p
}

// at shows how many of how many bytes are done, when it is time to.
func (p *progress) at(done, total int64) {
	now := p.now()
	if now.Before(p.next) {
		return
	}
	text := fmt.Sprintf("%s: %s of %s", p.what, humanize.IBytes(uint64(done)), humanize.IBytes(uint64(total)))
	if total > 0 {
		rate := float64(done) / now.Sub(p.begun).Seconds()
		text += fmt.Sprintf(" (%d %%, %s/s)", 100*done/total, humanize.IBytes(uint64(rate)))
	}
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s", text)
		p.next = now.Add(progressEvery)
		return
	}
	fmt.Fprintln(p.w, text)
	p.next = now.Add(progressLines)
}

// end leaves the line empty for what comes next.
func (p *progress) end() {
	if p.terminal && p.next.Sub(p.begun) > progressAfter {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
