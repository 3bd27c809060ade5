package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// The test binary is pitwall itself when this is set.
const asPitwall = "PITWALL_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asPitwall) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func pitwall(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0], args...)
	c.Dir = dir
	c.Env = append(os.Environ(), asPitwall+"=1", "XDG_STATE_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+filepath.Join(dir, ".config"), "TERM=xterm-256color")
	return c
}

// run returns what it printed and its exit code.
func run(t *testing.T, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	c := pitwall(t, dir, args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}

const head = "version: v1\nkind: Spicepod\nname: test\n"

const pod = head + `datasets:
  - from: file:a.csv
    name: a
    acceleration: {engine: duckdb, mode: file, refresh_check_interval: 50ms}
`

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestValidate(t *testing.T) {
	dir := folder(t, map[string]string{
		"spicepod.yml": pod, "a.csv": "x\n1\n", "empty.yml": "", "tabs.yml": "version: v1\n\tkind: Spicepod\n",
		"twice.yml":  head + "datasets:\n  - {from: 'file:a.csv', name: a}\n  - {from: 'file:a.csv', name: A}\n",
		"engine.yml": head + "datasets:\n  - {from: 'file:a.csv', name: a, acceleration: {engine: ducdb, mode: fiel}}\n",
	})
	for _, tt := range []struct {
		args []string
		code int
		want []string
	}{
		{nil, 0, []string{"is valid", "1 dataset"}},
		{[]string{"spicepod.yml"}, 0, []string{"is valid"}},
		{[]string{"."}, 0, []string{"is valid"}},
		{[]string{"nix.yml"}, 1, []string{"nix.yml"}},
		{[]string{"empty.yml"}, 1, []string{"empty.yml", "empty"}},
		{[]string{"tabs.yml"}, 1, []string{"tabs.yml:2", "tab"}},
		{[]string{"twice.yml"}, 1, []string{"twice.yml:6", "line 5"}},
		{[]string{"engine.yml"}, 1, []string{"engine.yml:5", "ducdb", "duckdb", "fiel", "^", "2 errors"}},
		{[]string{"--format", "xml"}, 2, nil},
		{[]string{"--nix"}, 2, nil},
		{[]string{"a", "b"}, 2, nil},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			out, errs, code := run(t, dir, append([]string{"validate"}, tt.args...)...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d\n%s%s", code, tt.code, out, errs)
			}
			for _, w := range tt.want {
				if !strings.Contains(out, w) {
					t.Errorf("it does not say %q:\n%s", w, out)
				}
			}
		})
	}
	out, _, code := run(t, dir, "validate", "--format", "json", "engine.yml")
	var r struct {
		Valid    bool
		Problems []struct {
			Severity, File, Path, Message, Hint string
			Line, Column                        int
		}
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 1 || r.Valid || len(r.Problems) != 2 {
		t.Fatalf("%v, exit code %d: %s", err, code, out)
	}
	if p := r.Problems[0]; p.Severity != "error" || p.Line != 5 || p.Column == 0 || p.Path != "datasets[0].acceleration.engine" {
		t.Errorf("%+v", p)
	}
}

func TestVersionAndSchema(t *testing.T) {
	out, _, code := run(t, t.TempDir(), "version")
	if code != 0 || !strings.Contains(out, version) || !strings.Contains(out, commit) {
		t.Errorf("%d %s", code, out)
	}
	out, _, code = run(t, t.TempDir(), "schema")
	if !json.Valid([]byte(out)) || code != 0 || !strings.Contains(out, "refresh_check_interval") {
		t.Errorf("exit code %d, %d bytes", code, len(out))
	}
}

func TestConsoleWithoutATerminalOffersServe(t *testing.T) {
	for _, args := range [][]string{nil, {"console"}, {"demo", "--dir", "d"}} {
		_, errs, code := run(t, folder(t, map[string]string{"spicepod.yml": pod}), args...)
		if code != 2 || !strings.Contains(errs, "pitwall serve") {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
	}
}

// startServe starts the runtime and returns once a line with want was logged.
func startServe(t *testing.T, dir, want string, args ...string) (*exec.Cmd, func() string) {
	c, _, rest := serveLogging(t, dir, want, args...)
	return c, rest
}

// serveLogging also returns the log so far.
func serveLogging(t *testing.T, dir, want string, args ...string) (*exec.Cmd, string, func() string) {
	t.Helper()
	c := pitwall(t, dir, append([]string{"serve", "--http", "127.0.0.1:0", "--flight", "off", "--metrics", "off"}, args...)...)
	errs, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	var mu sync.Mutex
	var log strings.Builder
	seen, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		once := sync.OnceFunc(func() { close(seen) })
		for s := bufio.NewScanner(errs); s.Scan(); {
			mu.Lock()
			log.WriteString(s.Text() + "\n")
			mu.Unlock()
			if strings.Contains(s.Text(), want) {
				once()
			}
		}
	}()
	text := func() string { mu.Lock(); defer mu.Unlock(); return log.String() }
	select {
	case <-seen:
	case <-over:
		t.Fatalf("it ended before it logged %q:\n%s", want, text())
	case <-time.After(time.Minute):
		t.Fatalf("it never logged %q:\n%s", want, text())
	}
	return c, text(), func() string { <-over; return text() }
}

// The commands for scripts, against a running pitwall.
func TestCommandsTalkToARunningPitwall(t *testing.T) {
	dir := folder(t, map[string]string{"spicepod.yml": pod, "a.csv": "x\n1\n"})
	_, log, _ := serveLogging(t, dir, "loaded 1 rows", "--log-format", "json")
	at := regexp.MustCompile(`listening on http (127\.0\.0\.1:\d+)`).FindStringSubmatch(log)
	if at == nil {
		t.Fatalf("the first lines do not say where it listens:\n%s", log)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"datasets"}, 0, "ACCELERATION"}, {[]string{"datasets", "--format", "json"}, 0, `"acceleration_enabled":true`},
		{[]string{"datasets", "--format", "csv"}, 0, "from,name,"}, {[]string{"datasets", "--format", "xml"}, 2, "table, json or csv"},
		{[]string{"status"}, 0, at[1]}, {[]string{"sql", "SELECT 41 + 1 AS answer"}, 0, "42"}, {[]string{"sql", "--format", "csv", "SHOW TABLES"}, 0, "table_name"},
		{[]string{"sql", "DROP TABLE x"}, 1, "not a query"}, {[]string{"sql", "SELECT * FROM nope"}, 1, "no dataset"},
		{[]string{"events"}, 0, "loaded 1 rows"}, {[]string{"events", "--format", "json"}, 0, `"kind":"refresh"`},
		{[]string{"refresh", "nope"}, 2, "not found"}, {[]string{"refresh", "a", "--refresh-mode", "sideways"}, 2, "full or append"},
		{[]string{"snapshots", "list", "a"}, 2, "snapshots are disabled"}, {[]string{"snapshots", "set-current", "a", "x"}, 2, "not the id"},
		{[]string{"refresh", "a", "--wait"}, 0, "loaded 1 rows"}, {[]string{"refresh", "a", "--refresh-sql", "SELECT nope FROM a", "--wait"}, 1, "no column nope"},
	} {
		out, errs, code := run(t, dir, append(c.args, "--http-endpoint", at[1])...)
		if code != c.code || !strings.Contains(out+errs, c.want) {
			t.Errorf("%v: exit code %d, %s%s; want %d, %s", c.args, code, out, errs, c.code, c.want)
		}
	}
	if _, errs, code := run(t, dir, "status", "--http-endpoint", "127.0.0.1:1"); code != 3 || !strings.Contains(errs, "pitwall serve") {
		t.Errorf("nobody there: exit code %d, %s", code, errs)
	}
}

func TestServeStopsCleanlyOnASignal(t *testing.T) {
	for sig, code := range map[syscall.Signal]int{syscall.SIGTERM: 0, syscall.SIGINT: 130} {
		dir := folder(t, map[string]string{"spicepod.yml": pod, "a.csv": "x\n1\n"})
		c, rest := startServe(t, dir, "loaded 1 rows", "--log-format", "json")
		if err := c.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		log := rest()
		_ = c.Wait()
		if got := c.ProcessState.ExitCode(); got != code {
			t.Errorf("%s: exit code %d, want %d\n%s", sig, got, code, log)
		}
		lines := strings.Split(strings.TrimSpace(log), "\n")
		for _, l := range lines {
			if !json.Valid([]byte(l)) {
				t.Errorf("not a line of JSON: %s", l)
			}
		}
		if last := lines[len(lines)-1]; !strings.Contains(last, "stopped") {
			t.Errorf("%s: the last line is %s", sig, last)
		}
	}
}

func TestServeRefusesABrokenSpicepodAndASecondProcess(t *testing.T) {
	dir := folder(t, map[string]string{"spicepod.yml": strings.Replace(pod, "engine", "engin", 1)})
	if _, errs, code := run(t, dir, "serve", "--http", "off", "--flight", "off", "--metrics", "off"); code != 1 || !strings.Contains(errs, "engin") || !strings.Contains(errs, "spicepod.yml:7") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if _, errs, code := run(t, t.TempDir(), "serve", "--http", "off", "--flight", "off", "--metrics", "off"); code != 1 || !strings.Contains(errs, "pitwall demo") {
		t.Errorf("a folder without a spicepod: exit code %d: %s", code, errs)
	}
	dir = folder(t, map[string]string{"spicepod.yml": pod, "a.csv": "x\n1\n"})
	startServe(t, dir, "loaded 1 rows")
	if _, errs, code := run(t, dir, "serve", "--http", "off", "--flight", "off", "--metrics", "off"); code != 1 || !strings.Contains(errs, "--data-dir") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	startServe(t, dir, "loaded 1 rows", "--data-dir", filepath.Join(dir, "other"))
}

func TestFlagsComeFromTheEnvironment(t *testing.T) {
	dir := folder(t, map[string]string{"spicepod.yml": pod, "a.csv": "x\n1\n"})
	t.Setenv("PITWALL_DATA_DIR", filepath.Join(dir, "elsewhere"))
	startServe(t, dir, "loaded 1 rows")
	if _, err := os.Stat(filepath.Join(dir, "elsewhere", "a.duckdb")); err != nil {
		t.Error(err)
	}
	t.Setenv("PITWALL_READ_ONLY", "perhaps")
	if _, errs, code := run(t, dir, "validate"); code != 2 || !strings.Contains(errs, "PITWALL_READ_ONLY") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// The console on a terminal of 20x5 that is resized while datasets refresh, and closed by q.
// terminal is a console on a pseudo terminal.
type terminal struct {
	t     *testing.T
	c     *exec.Cmd
	tty   *os.File
	drawn chan []byte // closed when the console has ended
}

func onTerminal(t *testing.T, c *exec.Cmd, cols, rows uint16) *terminal {
	t.Helper()
	tty, err := pty.StartWithSize(c, &pty.Winsize{Cols: cols, Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, c: c, tty: tty, drawn: make(chan []byte)}
	t.Cleanup(func() { _ = c.Process.Kill(); tty.Close() })
	go func() {
		defer close(x.drawn)
		for {
			buf := make([]byte, 4096)
			n, err := tty.Read(buf)
			if err != nil {
				return
			}
			x.drawn <- buf[:n]
		}
	}()
	return x
}

// wait waits until something is drawn anew; what was drawn before is not seen.
func (x *terminal) wait(want string) {
	x.t.Helper()
	var out []byte
	for patience := time.After(time.Minute); !bytes.Contains(out, []byte(want)); {
		select {
		case b, ok := <-x.drawn:
			if out = append(out, b...); !ok {
				x.t.Fatalf("it ended before it drew %q:\n%q", want, out)
			}
		case <-patience:
			x.t.Fatalf("never drawn: %q\n%q", want, out)
		}
	}
}

func (x *terminal) press(keys string) {
	x.t.Helper()
	if _, err := io.WriteString(x.tty, keys); err != nil {
		x.t.Fatal(err)
	}
}

// end waits until the console has ended well.
func (x *terminal) end() {
	x.t.Helper()
	patience := time.After(time.Minute)
	for open := true; open; {
		select {
		case _, open = <-x.drawn:
		case <-patience:
			x.t.Fatal("the console did not end")
		}
	}
	if err := x.c.Wait(); err != nil {
		x.t.Errorf("the console: %v", err)
	}
}

func TestConsoleOnAPtySurvivesResizes(t *testing.T) {
	dir := folder(t, map[string]string{"spicepod.yml": pod, "a.csv": "x\n1\n"})
	x := onTerminal(t, pitwall(t, dir), 20, 5)
	x.wait("too small")
	for _, s := range []pty.Winsize{{Cols: 120, Rows: 32}, {Cols: 1, Rows: 1}, {Cols: 250, Rows: 70}, {Cols: 80, Rows: 24}, {Cols: 0, Rows: 0}, {Cols: 100, Rows: 30}} {
		if err := pty.Setsize(x.tty, &s); err != nil {
			t.Fatal(err)
		}
	}
	x.wait("datasets")
	x.press("q")
	x.end()
}
