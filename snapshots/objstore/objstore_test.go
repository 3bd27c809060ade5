package objstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

func open(t testing.TB, dir string) *Store { return place{location: "file://" + dir}.open(t) }

func TestCreateReadListDelete(t *testing.T) { each(t, createReadListDelete) }

func createReadListDelete(t *testing.T, p place) {
	s := p.open(t)
	key := "month=2026-01/day=2026-01-02/dataset=a/a_20260102T030405Z.duckdb"
	if err := put(t.Context(), s, key, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), s, key, "other"); KindOf(err) != KindExists {
		t.Errorf("a second create gave %v", err)
	}
	r, size, err := s.Open(t.Context(), key)
	if err != nil || size != 5 {
		t.Fatalf("open: size %d, %v", size, err)
	}
	b, err := io.ReadAll(r)
	if r.Close(); err != nil || string(b) != "hello" {
		t.Errorf("read %q, %v", b, err)
	}
	if a, err := s.Stat(t.Context(), key); err != nil || a.Bytes != 5 {
		t.Errorf("stat %+v, %v", a, err)
	}
	if err := s.Replace(t.Context(), "metadata.json", "", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	var keys []string
	if err := s.List(t.Context(), "", func(k string, _ Attrs) bool { keys = append(keys, k); return true }); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(keys, " "); got != "metadata.json "+key {
		t.Errorf("list shows %s: helper files must not show", got)
	}
	if err := errors.Join(s.Delete(t.Context(), key), s.Delete(t.Context(), key)); err != nil {
		t.Error(err)
	}
	if _, err := s.Stat(t.Context(), key); KindOf(err) != KindNotFound {
		t.Errorf("after delete: %v", err)
	}
}

func TestReplaceNeedsTheCurrentVersion(t *testing.T) { each(t, replaceNeedsTheCurrentVersion) }

func replaceNeedsTheCurrentVersion(t *testing.T, p place) {
	s := p.open(t)
	ctx := t.Context()
	if _, _, err := s.Load(ctx, "m"); KindOf(err) != KindNotFound {
		t.Fatalf("load of nothing: %v", err)
	}
	if err := s.Replace(ctx, "m", "stale", []byte("1")); KindOf(err) != KindConflict {
		t.Errorf("replace of nothing: %v", err)
	}
	if err := s.Replace(ctx, "m", "", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := s.Replace(ctx, "m", "", []byte("2")); KindOf(err) != KindConflict {
		t.Errorf("second create: %v", err)
	}
	_, v1, err := s.Load(ctx, "m")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Replace(ctx, "m", v1, []byte("2")); err != nil {
		t.Fatal(err)
	}
	if err := s.Replace(ctx, "m", v1, []byte("3")); KindOf(err) != KindConflict {
		t.Errorf("replace of an old version: %v", err)
	}
	if b, _, err := s.Load(ctx, "m"); err != nil || string(b) != "2" {
		t.Errorf("stored is %q, %v", b, err)
	}
}

func TestKeysThatLeaveTheLocationAreRefused(t *testing.T) {
	s := open(t, t.TempDir())
	for _, k := range []string{"", "../x", "a/../../x", "a//b", "/etc/x", "a/.tmp-1", "m.lock"} {
		if err := put(t.Context(), s, k, "x"); KindOf(err) != KindInvalid {
			t.Errorf("create %q: %v", k, err)
		}
	}
}

func TestFailedCreateLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	boom := errors.New("boom")
	err := s.Create(t.Context(), "a/b", io.MultiReader(strings.NewReader("half"), &failing{boom}), 8)
	if !errors.Is(err, boom) {
		t.Errorf("error is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := put(ctx, s, "a/c", "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "a", "*"))
	hidden, _ := filepath.Glob(filepath.Join(dir, "a", ".*"))
	if len(left)+len(hidden) > 0 {
		t.Errorf("left behind: %v %v", left, hidden)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// What a killed writer left is removed at the next start; what somebody writes just now is not.
func TestUnfinishedFilesOfTheDeadAreSwept(t *testing.T) {
	dir := t.TempDir()
	long := time.Now().Add(-time.Hour)
	dead, fresh := filepath.Join(dir, "a", ".tmp-dead"), filepath.Join(dir, "a", ".tmp-fresh")
	if err := os.Mkdir(filepath.Join(dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{dead, fresh} {
		if err := os.WriteFile(p, []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(dead, long, long); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	exists := func(p string) bool { _, err := os.Stat(p); return err == nil }
	if exists(dead) || !exists(fresh) {
		t.Errorf("the dead one is there: %v, the fresh one: %v", exists(dead), exists(fresh))
	}
	// A slow upload that began an hour ago goes on while another process starts.
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- s.Create(context.Background(), "a/slow", r, 1) }()
	if _, err := w.Write([]byte("first half, ")); err != nil {
		t.Fatal(err)
	}
	all, _ := filepath.Glob(filepath.Join(dir, "a", ".tmp-*"))
	for _, p := range all {
		if err := os.Chtimes(p, long, long); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir)
	if _, err := w.Write([]byte("second half")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "a", "slow")); err != nil || string(b) != "first half, second half" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestLocations(t *testing.T) {
	dir := t.TempDir()
	for _, l := range []string{"file://" + dir, dir, "./rel", "rel/", "file://./rel"} {
		s, err := Open(t.Context(), l, dir, nil)
		if err != nil {
			t.Errorf("%s: %v", l, err)
			continue
		}
		s.Close()
	}
	for _, l := range []string{"", "s3://", "abfss://box/x", "ftp://x", "file://" + dir + "?a=b"} {
		if _, err := Open(t.Context(), l, dir, nil); KindOf(err) != KindInvalid {
			t.Errorf("%q: %v", l, err)
		}
	}
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), file, dir, nil); KindOf(err) != KindInvalid {
		t.Errorf("a file as location: %v", err)
	}
}

// create-once and compare-and-swap over several goroutines and processes: the history must be
// linearizable, with exactly one winner per key.
type op struct {
	write bool
	value string
}

var createOnce = porcupine.Model{
	Partition: func(h []porcupine.Operation) [][]porcupine.Operation {
		by := map[string][]porcupine.Operation{}
		for _, o := range h {
			k := strings.SplitN(o.Input.(op).value, "|", 2)[0]
			by[k] = append(by[k], o)
		}
		var out [][]porcupine.Operation
		for _, p := range by {
			out = append(out, p)
		}
		return out
	},
	Init: func() any { return "" },
	Step: func(state, in, out any) (bool, any) {
		i, st := in.(op), state.(string)
		if i.write {
			if out.(bool) {
				return st == "", i.value
			}
			return st != "", st
		}
		return true, st
	},
}

func TestCreateHasOneWinnerAmongGoroutines(t *testing.T) { each(t, oneWinnerAmongGoroutines) }

func oneWinnerAmongGoroutines(t *testing.T, p place) {
	s := p.open(t)
	keys := 200
	if p.params != nil { // a request each
		keys = 40
	}
	var mu sync.Mutex
	var history []porcupine.Operation
	var clock int64
	tick := func() int64 { mu.Lock(); defer mu.Unlock(); clock++; return clock }
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for k := range keys {
				v := fmt.Sprintf("%d|%d", k, client)
				call := tick()
				err := put(context.Background(), s, fmt.Sprintf("k/%d", k), v)
				ret := tick()
				if err != nil && KindOf(err) != KindExists {
					t.Error(err)
				}
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: client, Input: op{true, v}, Call: call, Output: err == nil, Return: ret})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if !porcupine.CheckOperations(createOnce, history) {
		t.Error("the history is not linearizable: a key had two winners")
	}
}

// child is one of several processes: it creates keys, or increments a counter by compare-and-swap, and
// prints how often it won.
func child(job string) int {
	ctx := context.Background()
	s, err := ofEnvironment()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	won := 0
	for k := range childKeys {
		switch job {
		case "create":
			if put(ctx, s, fmt.Sprintf("k/%d", k), strconv.Itoa(os.Getpid())) == nil {
				won++
			}
		case "count":
			for {
				b, v, err := s.Load(ctx, "n")
				if err != nil && KindOf(err) != KindNotFound {
					fmt.Println(err)
					return 1
				}
				n, _ := strconv.Atoi(string(bytes.TrimSpace(b)))
				err = s.Replace(ctx, "n", v, fmt.Appendf(nil, "%d", n+1))
				if err == nil {
					won++
					break
				}
				if KindOf(err) != KindConflict {
					fmt.Println(err)
					return 1
				}
			}
		}
	}
	fmt.Print(won)
	return 0
}

// childKeys is how many keys a child creates, or how often it counts.
const childKeys = 100

// processes runs 4 children on one place and returns how often they won.
func processes(t *testing.T, p place, job string) (won int) {
	t.Helper()
	environment := append(os.Environ(), append(p.environment(t), "OBJSTORE_CHILD="+job)...)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c := exec.Command(os.Args[0])
			c.Env = environment
			out, err := c.Output()
			n, aerr := strconv.Atoi(string(out))
			if err != nil || aerr != nil {
				t.Errorf("child: %v %v %s", err, aerr, out)
			}
			mu.Lock()
			won += n
			mu.Unlock()
		})
	}
	wg.Wait()
	return won
}

func TestCreateHasOneWinnerAmongProcesses(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		if won := processes(t, p, "create"); won != childKeys {
			t.Errorf("%d keys had %d winners", childKeys, won)
		}
	})
}

func TestReplaceLosesNoUpdateAmongProcesses(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		won := processes(t, p, "count")
		b, _, err := p.open(t).Load(t.Context(), "n")
		if err != nil || won != 4*childKeys || string(b) != strconv.Itoa(won) {
			t.Errorf("%d increments won, the counter is %s, %v", won, b, err)
		}
	})
}

// The unfinished files of other writers come and go while a listing goes on.
func TestListPassesOverWhatGoesAway(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := put(t.Context(), s, "a/b", "text"); err != nil {
		t.Fatal(err)
	}
	done, listing := make(chan struct{}), sync.WaitGroup{}
	listing.Go(func() {
		defer close(done)
		for range 500 {
			n := 0
			if err := s.List(context.Background(), "", func(string, Attrs) bool { n++; return true }); err != nil || n != 1 {
				t.Errorf("%d objects, %v", n, err)
				return
			}
		}
	})
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
			if err := s.Create(t.Context(), "a/c", &failing{io.ErrUnexpectedEOF}, 1); err == nil {
				t.Error("a broken upload was stored")
			}
		}
	}
	listing.Wait()
}

func TestListIsInTheOrderOfKeys(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		s := p.open(t)
		for _, k := range []string{"x/b/c", "x/b.d", "x/a", "y/x/b", "x/b/a"} {
			if err := put(t.Context(), s, k, "text"); err != nil {
				t.Fatal(err)
			}
		}
		for prefix, want := range map[string]string{"": "x/a x/b.d x/b/a x/b/c y/x/b", "x/b": "x/b.d x/b/a x/b/c", "x/b/": "x/b/a x/b/c", "z": ""} {
			var keys []string
			if err := s.List(t.Context(), prefix, func(k string, a Attrs) bool {
				if a.Bytes != 4 || time.Since(a.Modified).Abs() > time.Hour {
					t.Errorf("%s: %+v", k, a)
				}
				keys = append(keys, k)
				return true
			}); err != nil || strings.Join(keys, " ") != want {
				t.Errorf("%q: %v, %v", prefix, keys, err)
			}
		}
	})
}
