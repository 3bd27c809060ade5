package enginetest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"pitwall/engines"
)

// childEnv tells a re-executed test binary to be the victim of testKill.
const childEnv = "PITWALL_ENGINETEST_CHILD"

// Main is the TestMain of a package that calls Run: it checks for leaked goroutines, and it plays
// the process that gets killed.
func Main(m *testing.M, o engines.Opener) {
	if arg := os.Getenv(childEnv); arg != "" {
		fmt.Fprintln(os.Stderr, victim(o, arg)) // it only ends when something is wrong
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

const (
	crashRows = 40_000 // rows of every write of the victim
	kills     = 6      // per mode; the moments are random, the seed is logged
)

// upsert is a mode of the victim: an append that replaces all rows by their key.
const upsert = "upsert"

// compact is a mode of the victim: appends, with a compaction after each.
const compact = "compact"

// changes is a mode of the victim: an append that takes away the rows of the keys that it brings, as changes of a stream
// do.
const changes = "changes"

// upsertKeys are the keys of a dataset in that mode.
func upsertKeys() engines.Keys {
	return engines.Keys{Primary: []string{"id"}, Unique: [][]string{{"ts"}}, Plain: [][]string{{"gen"}}, Conflict: engines.ConflictUpsert, Target: []string{"id"}}
}

// orders are what the victim gets.
type orders struct {
	First  int64 // generation
	Mode   string
	Path   string
	Params map[string]string
}

// victim writes for ever. It says so before and after each write.
func victim(o engines.Opener, arg string) error {
	var job orders
	if err := json.Unmarshal([]byte(arg), &job); err != nil {
		return err
	}
	mode := engines.Replace
	if job.Mode == engines.Append.String() || job.Mode == compact {
		mode = engines.Append
	}
	options := engines.Options{Dataset: Dataset, Path: job.Path, Params: job.Params}
	if job.Mode == upsert {
		mode, options.Keys = engines.Append, upsertKeys()
	}
	if job.Mode == changes {
		mode = engines.Append
	}
	e, err := o.Open(context.Background(), options)
	if err != nil {
		return err
	}
	if job.Mode == changes {
		e.(engines.Rekeyer).SetKeys(engines.Keys{Primary: []string{"id"}})
	}
	for gen := job.First; ; gen++ {
		fmt.Println("start", gen)
		r := rows(gen, 0, crashRows, 5000)
		w := engines.Write{Mode: mode, Rows: r, At: at(), State: []byte(strconv.FormatInt(gen, 10))}
		if job.Mode == changes {
			w.Remove, w.Keyed = engines.Among{Rows: ids(0, crashRows)}, true
		}
		if _, err := e.Write(context.Background(), w); err != nil {
			return err
		}
		r.Release()
		fmt.Println("done", gen)
		if c, ok := e.(engines.Compactor); ok && job.Mode == compact {
			if _, err := c.Compact(context.Background()); err != nil {
				return err
			}
		}
	}
}

// testKill kills a writing process at random moments: what is found afterwards is what had been
// acknowledged, or that and the whole write that was under way.
func testKill(t *testing.T, h Harness, mode string) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	if mode == upsert {
		h.Keys = upsertKeys()
	}
	next := int64(1)
	acked := map[int64]int64{}
	n := kills
	if testing.Short() { // the race detector sees nothing of the victim
		n = 1
	}
	for range n {
		started, done := kill(t, h, mode, next, rng.IntN(400), nil)
		expect := func(upTo int64) state {
			s := state{Rows: map[int64]int64{}}
			for gen := range acked {
				s = s.plus(total(gen, 0, crashRows))
			}
			for gen := next; gen <= upTo; gen++ {
				if mode != engines.Append.String() && mode != compact {
					s = state{Rows: map[int64]int64{}}
				}
				s = s.plus(total(gen, 0, crashRows))
			}
			return s
		}
		e := h.Open(t)
		noTemp(t, h)
		if h.Renew != nil { // the server may be at the victim's last commit: wait as a writer does
			if _, err := e.Delete(t.Context(), engines.Or{}); err != nil && engines.KindOf(err) != engines.NotFound {
				t.Fatal(err)
			}
		}
		got := state{Rows: map[int64]int64{}}
		if info, err := e.Info(t.Context()); err != nil {
			t.Fatal(err)
		} else if info.Schema != nil {
			got = mustRead(t, e)
		}
		if a, b := expect(done), expect(started); !cmp.Equal(a, got) && !cmp.Equal(b, got) {
			t.Fatalf("acknowledged up to %d, started %d (next was %d): %s", done, started, next, cmp.Diff(a, got))
		}
		cp, err := e.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		newest := int64(0)
		for gen := range got.Rows {
			newest = max(newest, gen)
		}
		if newest > 0 && (cp == nil || string(cp.State) != strconv.FormatInt(newest, 10)) {
			t.Fatalf("the rows are of write %d, the state of another: %+v", newest, cp)
		}
		acked = got.Rows
		next = started + 1
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// kill starts a victim, lets it speak a while and kills it. It returns the last generations it said
// it started and finished (first-1 when none). Before, where not nil, runs while it writes.
func kill(t *testing.T, h Harness, mode string, first int64, delay int, before func()) (started, done int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	job, err := json.Marshal(orders{first, mode, h.Path(), h.Params})
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), childEnv+"="+string(job))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	started, done = first-1, first-1
	scanner := bufio.NewScanner(out)
	killed := false
	for scanner.Scan() {
		word, n, _ := strings.Cut(scanner.Text(), " ")
		gen, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			t.Errorf("the victim said %q", scanner.Text())
		}
		if word == "start" {
			started = gen
		} else {
			done = gen
		}
		if started >= first+1 && !killed { // the second write is under way: kill it after a random while
			killed = true
			if before != nil {
				before()
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(delay)*time.Millisecond)
			<-ctx.Done()
			cancel()
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the victim ended by itself: %v", err)
	}
	return started, done
}

// testSecondProcess opens a store that another process writes to, and once more when that is gone.
func testSecondProcess(t *testing.T, h Harness) {
	_, done := kill(t, h, engines.Append.String(), 1, 0, func() {
		e, err := h.Opener.Open(t.Context(), h.options(Dataset))
		if err == nil {
			t.Error("opened beside another process", e.Close())
			return
		}
		wantKind(t, err, engines.Locked)
		if info, _, err := h.Opener.Check(t.Context(), h.Path(), Dataset); err != nil || info.Rows < crashRows {
			t.Errorf("a store in use can't be checked: %+v, %v", info, err)
		}
	})
	if got := mustRead(t, h.Open(t)); got.Rows[1] != crashRows || got.Rows[done] != crashRows {
		t.Errorf("%v after %d writes", got.Rows, done)
	}
}

// testDiskFull fills a file system of 24 MiB: the old content stays, and is still there after room
// was made and another write succeeded.
func testDiskFull(t *testing.T, h Harness) {
	dir := t.TempDir()
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a small tmpfs")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("cannot mount a small tmpfs: %v", err)
	}
	h.Dir = dir
	e := h.Open(t)
	// the engine must be closed before the unmount, so this cleanup is registered by hand
	defer func() {
		if err := errors.Join(e.Close(), syscall.Unmount(dir, 0)); err != nil {
			t.Error(err)
		}
	}()
	write(t, e, engines.Replace, rows(1, 0, 50_000, 50_000))
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 14<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []engines.WriteMode{engines.Replace, engines.Append} {
		r := rows(2, 0, 2_000_000, 100_000)
		_, err := e.Write(t.Context(), engines.Write{Mode: mode, Rows: r, At: at()})
		r.Release()
		wantKind(t, err, engines.DiskFull)
		if diff := cmp.Diff(total(1, 0, 50_000), mustRead(t, e)); diff != "" {
			t.Errorf("%s: %s", mode, diff)
		}
		noTemp(t, h)
	}
	if _, err := e.(engines.FileEngine).Export(t.Context(), filepath.Join(dir, "copy"), false); err == nil {
		if err := os.Remove(filepath.Join(dir, "copy")); err != nil {
			t.Fatal(err)
		}
	} else {
		wantKind(t, err, engines.DiskFull)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	write(t, e, engines.Append, rows(3, 0, 1000, 1000))
	write(t, e, engines.Replace, rows(4, 0, 1000, 1000))
	expect(t, e, total(4, 0, 1000))
}
