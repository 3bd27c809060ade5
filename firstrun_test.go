package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"pitwall/config"
	"pitwall/engines/postgres/pgtest"
	"pitwall/runtime/source/mysql/mysqltest"
	"pitwall/snapshots/objstore/storetest"
)

// window is pitwall on a pseudo terminal whose screen can be read.
type window struct {
	t    *testing.T
	tty  *os.File
	mu   sync.Mutex
	em   *vt.Emulator
	w, h int
	drew chan struct{} // gets one after something was drawn; closed when nothing comes any more
}

func inWindow(t *testing.T, c *exec.Cmd, w, h int) *window {
	t.Helper()
	tty, err := pty.StartWithSize(c, &pty.Winsize{Cols: uint16(w), Rows: uint16(h)})
	if err != nil {
		t.Fatal(err)
	}
	x := &window{t: t, tty: tty, em: vt.NewEmulator(w, h), w: w, h: h, drew: make(chan struct{}, 1)}
	answered := make(chan struct{})
	go func() { // what the terminal answers to questions
		defer close(answered)
		_, _ = io.Copy(tty, x.em)
	}()
	go func() {
		defer close(x.drew)
		buf := make([]byte, 32<<10)
		for {
			n, err := tty.Read(buf)
			x.mu.Lock()
			_, _ = x.em.Write(buf[:n])
			x.mu.Unlock()
			if err != nil {
				return
			}
			select {
			case x.drew <- struct{}{}:
			default:
			}
		}
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		_ = tty.Close()
		for range x.drew { // to the end
		}
		if in, ok := x.em.InputPipe().(io.Closer); ok {
			_ = in.Close()
		}
		<-answered
	})
	return x
}

func (x *window) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	var b strings.Builder
	for row := range x.h {
		for col := range x.w {
			if c := x.em.CellAt(col, row); c != nil && c.Content != "" {
				b.WriteString(c.Content)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// coloured tells whether anything on the screen has a colour.
func (x *window) coloured() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for row := range x.h {
		for col := range x.w {
			if c := x.em.CellAt(col, row); c != nil && (c.Style.Fg != nil || c.Style.Bg != nil) {
				return true
			}
		}
	}
	return false
}

// wait waits until the screen shows all of the texts.
func (x *window) wait(wants ...string) {
	x.t.Helper()
	late := time.After(time.Minute)
	for _, want := range wants {
		for !strings.Contains(x.text(), want) {
			select {
			case _, ok := <-x.drew:
				if !ok && !strings.Contains(x.text(), want) {
					x.t.Fatalf("it ended before it drew %q:\n%s", want, x.text())
				}
			case <-late:
				x.t.Fatalf("never drawn: %q\n%s", want, x.text())
			}
		}
	}
}

const (
	down, enter, esc = "\x1b[B", "\r", "\x1b"
)

// press waits for a text and then types.
func (x *window) press(wait string, keys ...string) {
	x.t.Helper()
	x.wait(wait)
	for _, k := range keys {
		if _, err := io.WriteString(x.tty, k); err != nil {
			x.t.Fatal(err)
		}
	}
}

// The dialog of the first run writes a spicepod for a file, and the console on it loads the data.
func TestFirstRunWritesASpicepodThatLoads(t *testing.T) {
	dir := folder(t, map[string]string{"my trips.csv": "id,fare\n1,2.5\n2,3.5\n3,4.5\n"})
	x := inWindow(t, pitwall(t, dir), 100, 30)
	x.press("┃ Welcome to pitwall", down, down, enter)
	x.press("┃ pitwall looked for", enter)
	x.press("┃ Welcome to pitwall", down, enter)
	x.press("┃ Where is the data?", enter)
	x.press("┃ Which file or folder?", enter)
	x.press("it can't be empty", "my trips.csv", enter)
	x.press("┃ What is the dataset called?", enter)
	x.press("┃ Which engine keeps it?", enter)
	x.press("┃ How often", "\x7f\x7f\x7f1h", enter)
	x.press("┃ Keep snapshots?", enter)
	x.press("┃ Where to?", enter)
	x.wait("name: my_trips", "refresh_check_interval: 1h", "file://./snapshots")
	if _, err := os.Stat(filepath.Join(dir, "spicepod.yml")); err == nil {
		t.Error("it was written before it was wanted")
	}
	x.press("┃ This is", enter)
	x.wait("my_trips", "g1", "live", "quit")
	x.press("my_trips", enter) // its screen
	x.wait("3 rows")
	x.press("live", "q")
	for range x.drew { // to the end
	}
	c, problems := config.Load(dir, config.LoadOptions{})
	if c == nil || len(problems) > 0 {
		t.Fatalf("%v", problems)
	}
	d := c.Dataset("my_trips")
	if d == nil || d.From != "file:my trips.csv" || d.Acceleration.Engine != config.EngineDuckDB || d.Acceleration.RefreshCheckInterval != time.Hour ||
		d.Acceleration.Snapshots != config.SnapshotsEnabled || c.Snapshots.Location != "file://./snapshots" {
		t.Errorf("%+v", d)
	}
}

// A password is the name of a variable: the spicepod refers to it, and what is missing is told. Nothing is coloured, no
// sign is outside of ASCII, and esc leads back.
func TestFirstRunOfAServerWithoutColours(t *testing.T) {
	dir := folder(t, nil)
	c := pitwall(t, dir, "console", "--ascii")
	c.Env = append(c.Env, "NO_COLOR=1")
	x := inWindow(t, c, 80, 30)
	x.press("| Welcome to pitwall", down, enter)
	x.press("| Where is the data?", esc)
	x.press("| Welcome to pitwall", down, enter)
	x.press("| Where is the data?", down, down, enter)
	x.press("| Which table?", "public.trips", enter)
	x.press("| Host", enter)
	x.press("| Port", "x", enter)
	x.press("a port is a number", "\x7f", enter)
	x.press("| Database", "taxi", enter)
	x.press("| User", "reader", enter)
	x.press("| Which environment variable", "PITWALL_TEST_NO_SUCH", enter)
	x.press("| Is the connection encrypted?", enter)
	x.press("| What is the dataset called?", enter)
	x.press("| Which engine keeps it?", down, down, enter)
	x.press("| How often", enter)
	x.wait("| This is", "${env:PITWALL_TEST_NO_SUCH}", "engine: arrow")
	if shown := x.text(); strings.ContainsFunc(shown, func(r rune) bool { return r > '~' }) {
		t.Errorf("not ASCII:\n%s", shown)
	}
	if x.coloured() {
		t.Error("it has colours")
	}
	x.press("| This is", enter)
	x.wait("set it in the environment")
	for range x.drew { // to the end
	}
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	p, problems := config.Load(dir, config.LoadOptions{Env: func(n string) (string, bool) { return "pw", n == "PITWALL_TEST_NO_SUCH" }})
	if p == nil || p.Dataset("trips") == nil || p.Dataset("trips").Params["pg_pass"].Reveal() != "pw" || p.Snapshots.Present {
		t.Fatalf("%+v %v", p, problems)
	}
}

// begun opens the dialog in an empty folder and goes to the n-th kind of source.
func begun(t *testing.T, kind int, env ...string) (*window, string) {
	t.Helper()
	dir := folder(t, nil)
	c := pitwall(t, dir)
	c.Env = append(c.Env, env...)
	x := inWindow(t, c, 100, 36)
	x.press("┃ Welcome to pitwall", down, enter)
	x.press("┃ Where is the data?", append(slices.Repeat([]string{down}, kind), enter)...)
	return x, dir
}

// rest answers what is asked of every dataset, and waits until the console shows its rows.
func rest(t *testing.T, x *window, dataset string) {
	t.Helper()
	x.press("┃ What is the dataset called?", enter)
	x.press("┃ Which engine keeps it?", enter)
	x.press("┃ How often", enter)
	x.press("┃ Keep snapshots?", enter)
	x.press("┃ Where to?", enter)
	x.press("┃ This is", enter)
	x.wait(dataset, "g1", "live", "● Ready")
	x.press(dataset, enter) // its screen
	x.wait("3 rows")
	x.press("live", "q")
	for range x.drew { // to the end
	}
}

// What the dialog writes for a bucket loads from a real store, over plain http and with keys of the environment.
func TestFirstRunOfABucketLoads(t *testing.T) {
	server, stop, err := storetest.StartS3()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	if err := server.CreateBucket(t.Context(), "lake"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(server.Dir, "lake", "trips.csv"), []byte("id,fare\n1,2.5\n2,3.5\n3,4.5\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	x, _ := begun(t, 1, "AWS_ACCESS_KEY_ID="+storetest.Key, "AWS_SECRET_ACCESS_KEY="+storetest.Secret)
	x.press("┃ Which bucket and folder?", "lake/trips.csv", enter)
	x.press("┃ Region", "us-east-1", enter)
	x.press("┃ Endpoint", strings.TrimPrefix(server.URL, "http://"), enter)
	x.press("it begins with", strings.Repeat("\x7f", len(server.URL)), server.URL, enter)
	x.press("┃ How does it know us?", down, enter)
	rest(t, x, "trips")
}

// What it writes for a table of PostgreSQL loads from a real server.
func TestFirstRunOfPostgresLoads(t *testing.T) {
	server := pgtest.Start(t)
	server.Exec(t, "CREATE TABLE trips (id int PRIMARY KEY, fare float); INSERT INTO trips VALUES (1, 2.5), (2, 3.5), (3, 4.5)")
	x, _ := begun(t, 2, "PITWALL_TEST_PW="+server.Password)
	x.press("┃ Which table?", "public.trips", enter)
	ofServer(x, server.Host, server.Port, server.DB, server.User)
	rest(t, x, "trips")
}

// What it writes for a table of MariaDB loads from a real server.
func TestFirstRunOfMariaDBLoads(t *testing.T) {
	server := mysqltest.Start(t)
	server.Exec(t, "CREATE TABLE trips (id int PRIMARY KEY, fare double); INSERT INTO trips VALUES (1, 2.5), (2, 3.5), (3, 4.5)")
	x, _ := begun(t, 3, "PITWALL_TEST_PW="+server.Password)
	x.press("┃ Which table?", server.DB+".trips", enter)
	ofServer(x, server.Host, server.Port, server.DB, server.User)
	rest(t, x, "trips")
}

// ofServer answers where a server is.
func ofServer(x *window, host string, port int, db, user string) {
	x.t.Helper()
	x.press("┃ Host", strings.Repeat("\x7f", len("localhost")), host, enter)
	x.press("┃ Port", strconv.Itoa(port), enter)
	x.press("┃ Database", db, enter)
	x.press("┃ User", user, enter)
	x.press("┃ Which environment variable", "PITWALL_TEST_PW", enter)
	x.press("┃ Is the connection encrypted?", down, down, enter)
}

// What the spicepod would not take is refused at its field, with the reason; nothing else is asked again.
func TestFirstRunStaysAtTheWrongField(t *testing.T) {
	x, dir := begun(t, 0)
	x.press("┃ Which file or folder?", "data.csv", enter)
	x.press("┃ What is the dataset called?", "my data", enter)
	x.press("must not contain", strings.Repeat("\x7f", 5), "_data", enter)
	x.press("┃ Which engine keeps it?", enter)
	x.press("┃ How often", "\x7f\x7f\x7f0s", enter)
	x.press("must not be zero", "\x7f\x7f5m", enter)
	x.press("┃ Keep snapshots?", enter)
	x.press("┃ Where to?", strings.Repeat("\x7f", 30), "ftp://x", enter)
	x.press("unknown kind of snapshots location", strings.Repeat("\x7f", 7), "./copies", enter)
	x.wait("┃ This is", "name: my_data", "refresh_check_interval: 5m", "location: ./copies")
	x.press("┃ This is", down, down, enter) // given up
	x.press("┃ Welcome to pitwall", esc)
	for range x.drew { // to the end
	}
	if e, err := os.ReadDir(dir); err != nil || len(e) > 0 {
		t.Errorf("%v %v", e, err)
	}
}

// Quitting leaves the error as it is without the dialog.
func TestFirstRunThatIsLeft(t *testing.T) {
	dir := folder(t, nil)
	c := pitwall(t, dir)
	x := inWindow(t, c, 100, 30)
	x.press("┃ Welcome to pitwall", esc)
	x.wait("spicepod.yml")
	for range x.drew { // to the end
	}
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if e, err := os.ReadDir(dir); err != nil || len(e) > 0 {
		t.Errorf("%v %v", e, err)
	}
}
