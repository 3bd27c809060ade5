package ui

import (
	"errors"
	"testing"
)

// A SIGWINCH that came before Bubble Tea listened left the screen at the old size for ever.
func TestASizeThatNobodyToldOfIsAskedForAtTheNextTick(t *testing.T) {
	for _, c := range []struct {
		name string
		w, h int
		err  error
		asks bool
	}{
		{"the same", 80, 24, nil, false},
		{"wider", 120, 24, nil, true},
		{"lower", 80, 10, nil, true},
		{"no terminal", 0, 0, errors.New("not a terminal"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &App{size: func() (int, int, error) { return c.w, c.h, c.err }}
			if got := a.measure(&Ctx{W: 80, H: 24}) != nil; got != c.asks {
				t.Errorf("asks for the size: %t", got)
			}
		})
	}
	if (&App{}).measure(&Ctx{W: 80, H: 24}) != nil {
		t.Error("a console over somebody else's terminal measured its own")
	}
}
