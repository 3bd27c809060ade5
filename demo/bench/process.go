package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/creack/pty"

	"pitwall/ui"
	"pitwall/views"
)

// childEnv has a process of this program be the console: it says how many datasets there are, and how many events a
// second.
const childEnv = "PITWALL_BENCH_CHILD"

func child(size string) int {
	var datasets, rate int
	if _, err := fmt.Sscanf(size, "%d,%d", &datasets, &rate); err != nil {
		fmt.Fprintln(os.Stderr, childEnv, err)
		return 1
	}
	if err := console(datasets, rate); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func console(datasets, rate int) error {
	l := newLoad(datasets)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	if rate > 0 {
		wg.Go(func() { l.run(ctx, rate) })
	}
	err := ui.Run(ctx, l, views.All(), ui.Options{Version: "bench", Theme: "dark", NoSession: true})
	cancel()
	wg.Wait()
	return err
}

// process is a console on a pty of its own.
type process struct {
	cmd    *exec.Cmd
	tty    *os.File
	screen *screen
	gate   sync.Mutex // whoever holds it keeps the terminal from reading
	wg     sync.WaitGroup
}

// start runs a console and waits for its first frame.
func start(datasets, rate int) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(exe), screen: &screen{got: make(chan struct{}, 1)}}
	p.cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor", fmt.Sprintf("%s=%d,%d", childEnv, datasets, rate))
	if p.tty, err = pty.StartWithSize(p.cmd, &pty.Winsize{Cols: 160, Rows: 48}); err != nil {
		return nil, err
	}
	p.wg.Go(p.read)
	if !p.screen.wait(tag(0), 5*time.Second) {
		p.end()
		return nil, errors.New("the first frame never came")
	}
	return p, nil
}

func (p *process) read() {
	buf := make([]byte, 32<<10)
	for {
		p.pass()
		n, err := p.tty.Read(buf)
		_, _ = p.screen.Write(buf[:n])
		if err != nil {
			return
		}
	}
}

// pass waits while the terminal does not read.
func (p *process) pass() {
	p.gate.Lock()
	defer p.gate.Unlock()
}

// press writes a key.
func (p *process) press(key string) error {
	_, err := p.tty.WriteString(key)
	return err
}

// end quits the console, or kills it when it does not.
func (p *process) end() {
	_ = p.press("q")
	late := time.AfterFunc(5*time.Second, func() { _ = p.cmd.Process.Kill() })
	_ = p.cmd.Wait()
	late.Stop()
	_ = p.tty.Close()
	p.wg.Wait()
}

// screen collects what the console writes.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
	got chan struct{} // capacity 1
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	s.buf.Write(p)
	s.mu.Unlock()
	select {
	case s.got <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (s *screen) reset() { s.mu.Lock(); s.buf.Reset(); s.mu.Unlock() }

func (s *screen) size() int64 { s.mu.Lock(); defer s.mu.Unlock(); return int64(s.buf.Len()) }

func (s *screen) has(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Contains(s.buf.Bytes(), []byte(text))
}

// wait until the text was written; false after the timeout.
func (s *screen) wait(text string, timeout time.Duration) bool {
	end := time.After(timeout)
	for !s.has(text) {
		select {
		case <-s.got:
		case <-end:
			return false
		}
	}
	return true
}

// cpu is the processor time that a process has used, in ticks of 10 ms.
func cpu(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	var u, s int64
	_, _ = fmt.Sscan(string(f[11]), &u)
	_, _ = fmt.Sscan(string(f[12]), &s)
	return time.Duration(u+s) * 10 * time.Millisecond
}
