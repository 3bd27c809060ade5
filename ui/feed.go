package ui

import (
	"context"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// The shortest time between two data frames, with the terminal in front and behind.
const (
	frameLive    = time.Second / 30
	frameBlurred = time.Second / 2
)

// feed pulls States: the next one is asked for when the last one has been digested, so that a flood
// cannot queue up and the runtime never waits for a terminal.
type feed struct {
	ch      <-chan *api.State
	last    time.Time // of the last frame; only the one running Cmd touches it
	blurred atomic.Bool
}

// frameMsg is a newer State; State is nil when the runtime ended.
type frameMsg struct {
	state *api.State
	from  *feed
}

// newFeed returns a feed over a subscription.
func newFeed(ch <-chan *api.State, blurred bool) *feed {
	f := &feed{ch: ch}
	f.blurred.Store(blurred)
	return f
}

// next returns the Cmd that waits for the next frame.
func (f *feed) next(ctx context.Context) tea.Cmd {
	return func() tea.Msg {
		var s *api.State
		var ok bool
		select {
		case <-ctx.Done():
			return nil
		case s, ok = <-f.ch:
			if !ok {
				return frameMsg{nil, f}
			}
		}
		every := frameLive
		if f.blurred.Load() {
			every = frameBlurred
		}
		if wait := every - time.Since(f.last); wait > 0 {
			t := time.NewTimer(wait)
			defer t.Stop()
			select {
			case <-ctx.Done():
				return nil
			case <-t.C:
			}
			select { // the newest, should there be a newer one
			case newer, ok := <-f.ch:
				if ok {
					s = newer
				}
			default:
			}
		}
		f.last = time.Now()
		return frameMsg{s, f}
	}
}
