package main

import (
	"bytes"
	"fmt"
	"os"
	"time"
)

const (
	// warm is how long the console runs before the terminal stops: the window of events is full then.
	warm = 5 * time.Second
	// looks is how often memory is looked at.
	looks = 50 * time.Millisecond
	// resumeLimit bounds the time to the first right frame when the terminal reads again.
	resumeLimit = 5 * time.Second
)

// stallFigures are what a terminal that stops reading does to the console. Memory is resident, in bytes.
type stallFigures struct {
	datasets, rate      int
	stall               time.Duration
	before, during      int64   // the highest memory before the stall, and in it
	busy                float64 // cores used while nothing was read
	wrote               int64   // bytes that came when it was read again, up to the frame that shows the keys
	resumed, afterwards time.Duration
}

// String is the line that is printed.
func (f stallFigures) String() string {
	return fmt.Sprintf("%d datasets, %d events/s, 160x48, terminal not read for %s: memory at most %.1f MiB before, %.1f MiB meanwhile (%+.1f MiB); CPU %.1f %% of a core meanwhile; "+
		"read again: keys pressed meanwhile on screen after %.1f ms and %d KiB, the next key after %.1f ms",
		f.datasets, f.rate, f.stall, mib(f.before), mib(f.during), mib(f.during-f.before), 100*f.busy,
		millis(f.resumed), f.wrote>>10, millis(f.afterwards))
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// stalled runs a console whose terminal stops reading for a time, presses keys meanwhile, and reads again.
func stalled(datasets, rate int, stall time.Duration) (f stallFigures, err error) {
	f = stallFigures{datasets: datasets, rate: rate, stall: stall}
	p, err := start(datasets, rate)
	if err != nil {
		return f, err
	}
	defer p.end()
	pid := p.cmd.Process.Pid
	if f.before, err = highest(pid, warm); err != nil {
		return f, err
	}
	p.gate.Lock()
	locked := true
	defer func() {
		if locked {
			p.gate.Unlock()
		}
	}()
	began := cpu(pid)
	if f.during, err = highest(pid, stall/2); err != nil {
		return f, err
	}
	const keys = 3
	for range keys {
		if err := p.press("j"); err != nil {
			return f, err
		}
	}
	more, err := highest(pid, stall/2)
	if err != nil {
		return f, err
	}
	f.during = max(f.during, more)
	f.busy = (cpu(pid) - began).Seconds() / stall.Seconds()
	p.screen.reset()
	at := time.Now()
	p.gate.Unlock()
	locked = false
	if !p.screen.wait(tag(keys), resumeLimit) {
		return f, fmt.Errorf("the keys pressed while the terminal did not read were never drawn")
	}
	f.resumed, f.wrote = time.Since(at), p.screen.size()
	p.screen.reset()
	at = time.Now()
	if err := p.press("j"); err != nil {
		return f, err
	}
	if !p.screen.wait(tag(keys+1), resumeLimit) {
		return f, fmt.Errorf("a key pressed after the stall was never drawn")
	}
	f.afterwards = time.Since(at)
	return f, nil
}

// highest is the most memory that a process has within a time.
func highest(pid int, within time.Duration) (most int64, err error) {
	tick := time.NewTicker(looks)
	defer tick.Stop()
	for end := time.Now().Add(within); time.Now().Before(end); <-tick.C {
		n, err := memory(pid)
		if err != nil {
			return 0, err
		}
		most = max(most, n)
	}
	return most, nil
}

// memory is the resident memory of a process, in bytes.
func memory(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(b, []byte("VmRSS:"))
	var kib int64
	if _, err := fmt.Sscan(string(rest), &kib); err != nil {
		return 0, fmt.Errorf("the console has ended: %w", err)
	}
	return kib << 10, nil
}
