package ui

import (
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
)

// cmds counts the running Cmds, which Bubble Tea does not wait for, so that Run can.
type cmds struct {
	mu     sync.Mutex
	closed bool
	n      int
	idle   chan struct{} // closed by the last Cmd after close was called
}

func (c *cmds) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.n++
	return true
}

func (c *cmds) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.closed && c.n == 0 {
		close(c.idle)
	}
}

// wait lets no more Cmds start and waits for the running ones, at most d.
func (c *cmds) wait(d time.Duration) {
	c.mu.Lock()
	c.closed, c.idle = true, make(chan struct{})
	n, idle := c.n, c.idle
	c.mu.Unlock()
	if n == 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-idle:
	case <-t.C:
	}
}

// crashMsg is a panic in a Cmd.
type crashMsg struct{ what, stack string }

// guard makes a Cmd that Run waits for and whose panic ends the program in good order.
func (a *App) guard(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() (msg tea.Msg) {
		if !a.cmds.begin() {
			return nil
		}
		defer a.cmds.end()
		defer func() {
			if r := recover(); r != nil {
				msg = crashMsg{fmt.Sprint(r), string(debug.Stack())}
			}
		}()
		msg = cmd()
		if batch, ok := msg.(tea.BatchMsg); ok {
			for i := range batch {
				batch[i] = a.guard(batch[i])
			}
		}
		return msg
	}
}

// after sends a message later, or never when the console ends before.
func (a *App) after(d time.Duration, msg tea.Msg) tea.Cmd {
	if a.still {
		return nil
	}
	return func() tea.Msg {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-a.ctx.Done():
			return nil
		case <-t.C:
			return msg
		}
	}
}
