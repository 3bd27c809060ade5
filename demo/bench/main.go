// Command bench measures the console through a pty: the time from a key press to the frame that shows
// its effect, and the processor time it takes, with many datasets that change all the time.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/creack/pty"

	"pitwall/ui"
	"pitwall/views"
)

func main() {
	child := flag.Bool("child", false, "be the console (internal)")
	datasets := flag.Int("datasets", 1000, "number of datasets")
	rate := flag.Int("rate", 10_000, "events a second")
	keys := flag.Int("keys", 400, "keys to press")
	flag.Parse()
	if *child {
		if err := console(*datasets, *rate); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	for _, r := range []int{0, *rate} {
		if err := measure(*datasets, r, *keys); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
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

func measure(datasets, rate, keys int) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.Command(exe, "-child", fmt.Sprintf("-datasets=%d", datasets), fmt.Sprintf("-rate=%d", rate))
	c.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor")
	tty, err := pty.StartWithSize(c, &pty.Winsize{Cols: 160, Rows: 48})
	if err != nil {
		return err
	}
	defer tty.Close()
	s := &screen{got: make(chan struct{}, 1)}
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = io.Copy(s, tty) })
	if !s.wait(tag(0), 5*time.Second) {
		return errors.New("the first frame never came")
	}
	time.Sleep(time.Second) // settle, then a quiet stretch for the processor time without keys
	idle0 := cpu(c.Process.Pid)
	const quiet = 5 * time.Second
	time.Sleep(quiet)
	idle := (cpu(c.Process.Pid) - idle0).Seconds() / quiet.Seconds()

	r := rand.New(rand.NewPCG(1, 1))
	var times []time.Duration
	at, key := 0, "j"
	busy0, began := cpu(c.Process.Pid), time.Now()
	for range keys {
		if at >= 25 {
			key = "k"
		} else if at <= 1 {
			key = "j"
		}
		if key == "j" {
			at++
		} else {
			at--
		}
		s.reset()
		t := time.Now()
		if _, err := tty.Write([]byte(key)); err != nil {
			return err
		}
		if !s.wait(tag(at), 2*time.Second) {
			return fmt.Errorf("key %d (%s): %s was never drawn", len(times), key, tag(at))
		}
		times = append(times, time.Since(t))
		time.Sleep(time.Duration(18+r.IntN(18)) * time.Millisecond)
	}
	busy := (cpu(c.Process.Pid) - busy0).Seconds() / time.Since(began).Seconds()
	_, _ = tty.Write([]byte("q"))
	_ = c.Wait()
	tty.Close()
	wg.Wait()
	slices.Sort(times)
	pick := func(q float64) float64 { return float64(times[int(q*float64(len(times)-1))].Microseconds()) / 1000 }
	fmt.Printf("%d datasets, %d events/s, 160x48: key to frame p50 %.1f ms, p99 %.1f ms (%.2fx of 16 ms), max %.1f ms; CPU %.1f %% of a core without keys, %.1f %% with keys\n",
		datasets, rate, pick(0.5), pick(0.99), pick(0.99)/16, pick(1), 100*idle, 100*busy)
	return nil
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
