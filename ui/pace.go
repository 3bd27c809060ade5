package ui

import (
	"reflect"
	"sync"
	"time"
	"unsafe"

	tea "charm.land/bubbletea/v2"
)

// Bubble Tea looks for a new frame at a fixed rate, also when there can't be any: at 120 a second that
// is 1.5 % of a core for a console nobody touches. A new frame only ever follows a message, so the
// pace goes down to idlePace when no message came for restAfter, and up again with the next one.
const (
	fullPace  = time.Second / fps
	idlePace  = 200 * time.Millisecond
	restAfter = 5 * fullPace
)

// pace slows Bubble Tea's frame ticker while nothing happens.
type pace struct {
	program *tea.Program

	mu     sync.Mutex
	ticker *time.Ticker
	rest   *time.Timer
	last   time.Time // of a message
	fast   bool
}

// woken is called for each message, in the goroutine of the program.
func (p *pace) woken(now time.Time) {
	if p.program == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = now
	if p.ticker == nil {
		if p.ticker = frameTicker(p.program); p.ticker == nil {
			p.program = nil // another version of the library: it keeps its own pace
			return
		}
		p.fast = true
		p.rest = time.AfterFunc(restAfter, p.slow)
		return
	}
	if !p.fast {
		p.fast = true
		p.ticker.Reset(fullPace)
		p.rest.Reset(restAfter)
	}
}

// slow goes down to the idle pace when nothing came for restAfter.
func (p *pace) slow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.program == nil {
		return
	}
	if left := restAfter - time.Since(p.last); left > 0 {
		p.rest.Reset(left)
		return
	}
	p.fast = false
	p.ticker.Reset(idlePace)
}

// stop ends the pacing; the program has ended or is about to.
func (p *pace) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.program = nil
	if p.rest != nil {
		p.rest.Stop()
	}
}

// frameTicker returns the ticker of a running program, which the library keeps to itself; nil when it
// has none of that name and type.
func frameTicker(p *tea.Program) *time.Ticker {
	f := reflect.ValueOf(p).Elem().FieldByName("ticker")
	if !f.IsValid() || f.Type() != reflect.TypeFor[*time.Ticker]() {
		return nil
	}
	return *(**time.Ticker)(unsafe.Pointer(f.UnsafeAddr()))
}
