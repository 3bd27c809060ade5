//go:build unix

package views_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

// child is what the test binary does when it is started as a console of its own: it exits with 0, 3
// after a hang-up, 70 after a crash.
func child() int {
	now := time.Now()
	c := uitest.New(uitest.Sample(now))
	err := ui.Run(context.Background(), c, views.All(), ui.Options{Version: "child", Theme: "dark", StateDir: os.Getenv("PITWALL_TEST_STATE")})
	var crash *ui.CrashError
	switch {
	case errors.Is(err, ui.ErrHangup):
		return 3
	case errors.As(err, &crash):
		return 70
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// onPTY starts a console on a pseudo terminal.
type onPTY struct {
	t    *testing.T
	cmd  *exec.Cmd
	f    *os.File
	mu   sync.Mutex
	out  bytes.Buffer
	grew chan struct{} // gets one after out grew
	done chan int      // gets the exit code
	read chan struct{}
}

func startPTY(t *testing.T, size *pty.Winsize, setup ...string) *onPTY {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	if len(setup) > 0 {
		cmd = exec.Command("/bin/sh", "-c", setup[0]+"; exec "+exe)
	}
	cmd.Env = append(os.Environ(), "PITWALL_TEST_CONSOLE=1", "TERM=xterm-256color", "PITWALL_TEST_STATE="+t.TempDir())
	f, err := pty.StartWithSize(cmd, size)
	if err != nil {
		t.Skip("no pseudo terminal here: ", err)
	}
	p := &onPTY{t: t, cmd: cmd, f: f, grew: make(chan struct{}, 1), done: make(chan int, 1), read: make(chan struct{})}
	go func() {
		defer close(p.read)
		buf := make([]byte, 32<<10)
		for {
			n, err := f.Read(buf)
			p.mu.Lock()
			p.out.Write(buf[:n])
			p.mu.Unlock()
			select {
			case p.grew <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		_ = cmd.Wait()
		p.done <- cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = f.Close()
		<-p.read
	})
	return p
}

func (p *onPTY) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// wait waits until the terminal got a text.
func (p *onPTY) wait(want string) {
	p.t.Helper()
	for late := time.After(uitest.Patience); !strings.Contains(p.output(), want); {
		select {
		case <-p.grew:
		case <-late:
			p.t.Fatalf("the terminal never got %q:\n%q", want, p.output())
		}
	}
}

func (p *onPTY) exit(want int) {
	p.t.Helper()
	select {
	case got := <-p.done:
		if got != want {
			p.t.Fatalf("exit code %d, want %d\n%q", got, want, p.output())
		}
	case <-time.After(uitest.Patience):
		p.t.Fatalf("the console did not end:\n%q", p.output())
	}
}

func TestQuitRestoresTheTerminal(t *testing.T) {
	p := startPTY(t, &pty.Winsize{Rows: 24, Cols: 80})
	p.wait("lake.sales_eu")
	_, _ = p.f.WriteString("q")
	p.exit(0)
	p.wait("\x1b[?1049l")
}

func TestHangupEndsTheConsole(t *testing.T) {
	p := startPTY(t, &pty.Winsize{Rows: 24, Cols: 80})
	p.wait("lake.sales_eu")
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	p.exit(3)
	p.wait("\x1b[?1049l")
}

// With SIGHUP ignored, as under nohup, only the failing write tells that nobody is there.
func TestTerminalThatIsGone(t *testing.T) {
	p := startPTY(t, &pty.Winsize{Rows: 24, Cols: 80}, "trap '' HUP")
	p.wait("lake.sales_eu")
	_ = p.f.Close()
	p.exit(3)
}

func TestWindowOfNoSize(t *testing.T) {
	p := startPTY(t, &pty.Winsize{})
	if err := pty.Setsize(p.f, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	p.wait("lake.sales_eu")
	_, _ = p.f.WriteString("q")
	p.exit(0)
}
