package cli

import (
	"strings"
	"testing"
	"time"
)

// A quick transfer says nothing; a slow one says how far it is, on a terminal in one line.
func TestProgress(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		var out strings.Builder
		p := newProgress(&out, "export")
		now := p.begun
		p.now, p.terminal = func() time.Time { return now }, terminal
		p.at(1<<20, 10<<20)
		now = now.Add(499 * time.Millisecond)
		p.at(2<<20, 10<<20)
		if out.Len() > 0 {
			t.Errorf("it says %q after %s", out.String(), now.Sub(p.begun))
		}
		for range 100 {
			now = now.Add(101 * time.Millisecond)
			p.at(5<<20, 10<<20)
		}
		p.end()
		text := out.String()
		if !strings.Contains(text, "export: 5.0 MiB of 10 MiB (50 %, ") {
			t.Errorf("%q", text)
		}
		lines, redrawn := strings.Count(text, "\n"), strings.Count(text, "\r")
		if terminal && (lines != 0 || redrawn < 90 || !strings.HasSuffix(text, "\r\x1b[K")) || !terminal && (lines != 2 && lines != 3 || redrawn != 0) {
			t.Errorf("terminal %v: %d lines, %d redrawn", terminal, lines, redrawn)
		}
	}
}
