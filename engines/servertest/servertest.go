// Package servertest runs the process of a real database server for tests, with its data in a folder of
// its own. As root it runs the server as another user, because servers refuse root.
package servertest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Process is a server that runs, or will.
type Process struct {
	Host string
	Port int
	// Dir is the folder; it goes with the test.
	Dir string

	as   *syscall.Credential
	cmd  *exec.Cmd
	done chan error
	log  bytes.Buffer
}

// patience is how long a server may take to start.
const patience = 60 * time.Second

// New makes a folder and finds a free port. users are those to run as instead of root. product names the
// server when the test is skipped.
func New(tb testing.TB, product string, users ...string) *Process {
	tb.Helper()
	dir, err := os.MkdirTemp("", "pitwall-server-") // not tb.TempDir: another user has to get in
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &Process{Host: "127.0.0.1", Dir: dir}
	if os.Getuid() == 0 {
		if p.as = stranger(users); p.as == nil {
			tb.Skip(product + " does not run as root, and there is no other user")
		}
	}
	p.Own(tb, dir)
	l, err := net.Listen("tcp", p.Host+":0")
	if err != nil {
		tb.Fatal(err)
	}
	p.Port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		tb.Fatal(err)
	}
	return p
}

// stranger is the first of the users that there is.
func stranger(users []string) *syscall.Credential {
	for _, name := range users {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if errors.Join(err1, err2) == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil
}

// Own gives a file to the user of the server.
func (p *Process) Own(tb testing.TB, path string) {
	tb.Helper()
	if p.as == nil {
		return
	}
	if err := os.Chown(path, int(p.as.Uid), int(p.as.Gid)); err != nil {
		tb.Fatal(err)
	}
}

// Data is the place of the server's data.
func (p *Process) Data() string { return filepath.Join(p.Dir, "data") }

// Run runs a program of the server to its end, as its user.
func (p *Process) Run(tb testing.TB, program string, args ...string) {
	tb.Helper()
	if out, err := p.command(program, args).CombinedOutput(); err != nil {
		tb.Fatalf("%s: %v\n%s", filepath.Base(program), err, out)
	}
}

func (p *Process) command(program string, args []string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.Dir = p.Dir
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: p.as, Pdeathsig: syscall.SIGKILL}
	return c
}

// Start starts the server, if it is down, and waits until ping has no error.
func (p *Process) Start(tb testing.TB, ping func(context.Context) error, program string, args ...string) {
	tb.Helper()
	if p.cmd != nil {
		return
	}
	name := filepath.Base(program)
	p.cmd = p.command(program, args)
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	p.done = make(chan error, 1)
	go func(c *exec.Cmd) { p.done <- c.Wait() }(p.cmd) // ends with the server, see Stop
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ping(ctx) != nil {
		select {
		case err := <-p.done:
			p.done <- err
			tb.Fatalf("%s ended: %v\n%s", name, err, &p.log)
		case <-ctx.Done():
			tb.Fatalf("%s does not answer\n%s", name, &p.log)
		case <-tick.C:
		}
	}
}

// Stop ends the server, if it is up, by a signal: connections are cut.
func (p *Process) Stop(tb testing.TB, by os.Signal) {
	tb.Helper()
	if p.cmd == nil {
		return
	}
	if err := p.cmd.Process.Signal(by); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Errorf("stop %s: %v", filepath.Base(p.cmd.Path), err)
	}
	<-p.done
	p.cmd = nil
}
