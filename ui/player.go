package ui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// How far a key goes in a recording, and by what it changes the speed.
const (
	seekStep  = 10 * time.Second
	seekLeap  = time.Minute
	speedStep = 2
)

// playing are the actions of a recording; none where it is a runtime that is shown.
func (a *App) playing() []Action {
	p, ok := a.console.(api.Player)
	if !ok {
		return nil
	}
	seek := func(by time.Duration) func(*Ctx, []string) tea.Cmd {
		return func(*Ctx, []string) tea.Cmd { p.Seek(by); return nil }
	}
	speed := func(by float64) func(*Ctx, []string) tea.Cmd {
		return func(*Ctx, []string) tea.Cmd { p.Speed(min(max(p.Playback().Speed*by, 1.0/16), 1024)); return nil }
	}
	return []Action{
		{ID: "play.back", Title: "10 s back", Help: "Go ten seconds back in the recording.", Keys: []string{","}, Bar: 27, Run: seek(-seekStep)},
		{ID: "play.forward", Title: "10 s forward", Help: "Go ten seconds forward in the recording.", Keys: []string{"."}, Bar: 28, Run: seek(seekStep)},
		{ID: "play.leapback", Title: "1 min back", Help: "Go a minute back in the recording.", Keys: []string{"alt+,"}, Run: seek(-seekLeap)},
		{ID: "play.leap", Title: "1 min forward", Help: "Go a minute forward in the recording.", Keys: []string{"alt+."}, Run: seek(seekLeap)},
		{ID: "play.slower", Title: "half as fast", Help: "Play the recording half as fast.", Keys: []string{"{"}, Run: speed(1.0 / speedStep)},
		{ID: "play.faster", Title: "twice as fast", Help: "Play the recording twice as fast.", Keys: []string{"}"}, Run: speed(speedStep)},
	}
}
