package ui

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
)

type still struct{}

func (s still) Init() tea.Cmd  { return func() tea.Msg { return tea.FocusMsg{} } }
func (s still) View() tea.View { return tea.NewView("still") }

func (s still) Update(tea.Msg) (tea.Model, tea.Cmd) { return s, tea.Quit }

// The ticker is a private field of the library: this test tells when an upgrade takes it away.
func TestFrameTickerIsFound(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	p := tea.NewProgram(still{}, tea.WithInput(r), tea.WithOutput(io.Discard), tea.WithoutSignals(), tea.WithWindowSize(80, 24))
	if _, err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if frameTicker(p) == nil {
		t.Error("Bubble Tea has no ticker of that name any more: idle consoles cost 1.5 % of a core again")
	}
}

func TestPaceRestsAndWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tick := time.NewTicker(fullPace)
		defer tick.Stop()
		p := pace{ticker: tick, program: &tea.Program{}, fast: true}
		p.rest = time.AfterFunc(restAfter, p.slow)
		defer p.stop()
		p.woken(time.Now())
		ticks := func(d time.Duration) (n int) {
			for end := time.After(d); ; {
				select {
				case <-tick.C:
					n++
				case <-end:
					return n
				}
			}
		}
		ticks(restAfter + idlePace)
		if n, want := ticks(10*time.Second), int(10*time.Second/idlePace); n < want-1 || n > want+1 {
			t.Errorf("%d looks for a frame in 10 s of rest", n)
		}
		p.woken(time.Now())
		start := time.Now()
		<-tick.C
		if d := time.Since(start); d > fullPace {
			t.Errorf("the frame after a key came after %s", d)
		}
		for range 100 { // messages all the time keep the full pace
			time.Sleep(restAfter / 2)
			p.woken(time.Now())
		}
		if !p.fast {
			t.Error("it rests while messages come")
		}
	})
}
