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
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if job := os.Getenv("OBJSTORE_CHILD"); job != "" {
		os.Exit(child(job))
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), "file://"+dir, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestCreateReadListDelete(t *testing.T) {
	s := open(t, t.TempDir())
	key := "month=2026-01/day=2026-01-02/dataset=a/a_20260102T030405Z.duckdb"
	if err := s.Create(t.Context(), key, strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), key, strings.NewReader("other")); KindOf(err) != KindExists {
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

func TestReplaceNeedsTheCurrentVersion(t *testing.T) {
	s := open(t, t.TempDir())
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
		if err := s.Create(t.Context(), k, strings.NewReader("x")); KindOf(err) != KindInvalid {
			t.Errorf("create %q: %v", k, err)
		}
	}
}

func TestFailedCreateLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	boom := errors.New("boom")
	err := s.Create(t.Context(), "a/b", io.MultiReader(strings.NewReader("half"), &failing{boom}))
	if !errors.Is(err, boom) {
		t.Errorf("error is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Create(ctx, "a/c", strings.NewReader("x")); !errors.Is(err, context.Canceled) {
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
	go func() { done <- s.Create(context.Background(), "a/slow", r) }()
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
		s, err := Open(t.Context(), l, dir)
		if err != nil {
			t.Errorf("%s: %v", l, err)
			continue
		}
		s.Close()
	}
	for _, l := range []string{"", "s3://bucket/x", "ftp://x", "file://" + dir + "?a=b"} {
		if _, err := Open(t.Context(), l, dir); KindOf(err) != KindInvalid {
			t.Errorf("%q: %v", l, err)
		}
	}
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), file, dir); KindOf(err) != KindInvalid {
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

func TestCreateHasOneWinnerAmongGoroutines(t *testing.T) {
	s := open(t, t.TempDir())
	var mu sync.Mutex
	var history []porcupine.Operation
	var clock int64
	tick := func() int64 { mu.Lock(); defer mu.Unlock(); clock++; return clock }
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for k := range 200 {
				v := fmt.Sprintf("%d|%d", k, client)
				call := tick()
				err := s.Create(context.Background(), fmt.Sprintf("k/%d", k), strings.NewReader(v))
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
	s, err := Open(ctx, "file://"+os.Getenv("OBJSTORE_DIR"), "")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	won := 0
	for k := range 300 {
		switch job {
		case "create":
			if s.Create(ctx, fmt.Sprintf("k/%d", k), strings.NewReader(strconv.Itoa(os.Getpid()))) == nil {
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

func processes(t *testing.T, job string) (dir string, won int) {
	t.Helper()
	dir = t.TempDir()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c := exec.Command(os.Args[0])
			c.Env = append(os.Environ(), "OBJSTORE_CHILD="+job, "OBJSTORE_DIR="+dir)
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
	return dir, won
}

func TestCreateHasOneWinnerAmongProcesses(t *testing.T) {
	if _, won := processes(t, "create"); won != 300 {
		t.Errorf("300 keys had %d winners", won)
	}
}

func TestReplaceLosesNoUpdateAmongProcesses(t *testing.T) {
	dir, won := processes(t, "count")
	b, err := os.ReadFile(filepath.Join(dir, "n"))
	if err != nil || won != 1200 || string(b) != "1200" {
		t.Errorf("%d increments won, the counter is %s, %v", won, b, err)
	}
}
