package snapshots

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"golang.org/x/sys/unix"
)

// writerEnv has this process be one of several that write to a location; see writerJob.
const writerEnv = "PITWALL_SNAPSHOTS_WRITER"

// writerOpsEnv is how many operations each writer does, instead of a few.
const writerOpsEnv = "PITWALL_WRITER_OPS"

// Processes and the writers in each of them; the operations of each writer.
const (
	writerProcesses = 4
	writersEach     = 2
	writerOps       = 16
)

// writerJob is what a process of writers is told.
type writerJob struct {
	Location string
	Params   map[string]string
	Seed     uint64
	First    int // number of its first writer
	Ops      int
	// Incremental has half of the snapshots be incremental.
	Incremental bool
}

// act is an operation of a writer with its outcome; times are of the clock that all processes share.
type act struct {
	Writer    int
	Op        string // create, list, set, pin, unpin, delete, collect, verify
	ID        uint64 // of set, pin, delete, verify, and the result of create
	Last      int    // of collect
	Call, Ret int64
	Kind      Kind   // of the error, if any
	Err       string `json:",omitempty"`
	// The result of create is its one element, of collect what was removed, of list what is listed.
	List []seenSnapshot `json:",omitempty"`
}

type seenSnapshot struct {
	ID              uint64
	Checksum        string
	Created         int64
	Current, Pinned bool
}

func seen(list ...Snapshot) (out []seenSnapshot) {
	for _, s := range list {
		out = append(out, seenSnapshot{s.ID, s.Checksum, s.Created.UnixMilli(), s.Current, s.Pinned})
	}
	return out
}

// sharedClock is in nanoseconds.
func sharedClock() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err)
	}
	return t.Nano()
}

// runWriters is the whole of a process of writers.
func runWriters(text string) int {
	var j writerJob
	err := json.Unmarshal([]byte(text), &j)
	if err == nil {
		err = j.write()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// write does what the job says, and prints every operation.
func (j writerJob) write() error {
	m, err := Open(context.Background(), j.Location, "", j.Params)
	if err != nil {
		return err
	}
	defer m.Close()
	dir, err := os.MkdirTemp("", "pitwall-writer-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	var all sync.WaitGroup
	errs := make([]error, writersEach)
	for i := range writersEach {
		w := &writer{m: m, job: j, n: j.First + i, rng: rand.New(rand.NewPCG(j.Seed, uint64(j.First+i))), file: filepath.Join(dir, strconv.Itoa(i))}
		all.Go(func() {
			for range j.Ops {
				a := w.next()
				mu.Lock()
				err := out.Encode(a)
				mu.Unlock()
				if err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

type writer struct {
	m      *Manager
	job    writerJob
	n      int
	rng    *rand.Rand
	file   string
	made   int
	listed []uint64
}

// next does an operation.
func (w *writer) next() act {
	ctx := context.Background()
	a := act{Writer: w.n}
	if len(w.listed) > 0 {
		a.ID = w.listed[w.rng.IntN(min(5, len(w.listed)))]
	}
	dice := w.rng.IntN(100)
	switch {
	case dice < 35 || len(w.listed) == 0 && dice < 70:
		a.Op = "create"
	case dice < 55 || len(w.listed) == 0:
		a.Op = "list"
	case dice < 64:
		a.Op = "set"
	case dice < 70:
		a.Op = "pin"
	case dice < 78:
		a.Op = "unpin"
	case dice < 85:
		a.Op = "delete"
	case dice < 92:
		a.Op, a.Last = "collect", 1+w.rng.IntN(3)
	default:
		a.Op = "verify"
	}
	var err error
	a.Call = sharedClock()
	switch a.Op {
	case "create":
		var s Snapshot
		if s, err = w.create(ctx); err == nil {
			a.ID, a.List = s.ID, seen(s)
			w.listed = slices.Insert(w.listed, 0, s.ID)
		}
	case "list":
		var list []Snapshot
		if list, err = w.m.List(ctx, "o"); err == nil {
			a.List, w.listed = seen(list...), nil
			for _, s := range list {
				w.listed = append(w.listed, s.ID)
			}
		}
	case "set":
		err = w.m.SetCurrent(ctx, "o", a.ID)
	case "pin":
		err = w.m.Pin(ctx, "o", a.ID)
	case "unpin":
		err = w.m.Unpin(ctx, "o")
	case "delete":
		err = w.m.Delete(ctx, "o", a.ID, nil)
	case "collect":
		var c Collected
		// Nobody is waited for: removed is removed at once.
		c, err = w.m.Collect(ctx, CollectRequest{Dataset: "o", Rule: Rule{Last: a.Last}, Now: time.Now()})
		a.List = seen(c.Removed...)
	case "verify":
		err = w.m.Verify(ctx, "o", a.ID, nil)
	}
	a.Ret = sharedClock()
	if err != nil {
		a.Kind, a.Err = cmp.Or(KindOf(err), "none"), err.Error()
	}
	return a
}

func (w *writer) create(ctx context.Context) (Snapshot, error) {
	w.made++
	text := fmt.Sprintf("text %d of writer %d", w.made, w.n)
	r := CreateRequest{Dataset: "o", Engine: "duckdb", Extension: ".duckdb", LastUpdated: time.Now(), Force: true}
	if w.job.Incremental {
		// What all have in common makes it worth while to store the rest as an increment.
		text = strings.Repeat("in common ", 100_000) + text
		r.Incremental, r.FullEvery = w.rng.IntN(3) > 0, 5
	}
	r.Export = func(context.Context) (Copy, error) {
		return Copy{Path: w.file, Rows: int64(len(text)), Schema: schema}, os.WriteFile(w.file, []byte(text), 0o600)
	}
	return w.m.Create(ctx, r)
}

// writers runs several processes of writers on one location, and returns what they did.
func writers(t *testing.T, seed uint64, p location, incremental bool) []act {
	t.Helper()
	ops := writerOps
	if testing.Short() {
		ops /= 2
	}
	if n, err := strconv.Atoi(os.Getenv(writerOpsEnv)); err == nil {
		ops = n
	}
	var mu sync.Mutex
	var history []act
	var all sync.WaitGroup
	for i := range writerProcesses {
		job, err := json.Marshal(writerJob{Location: p.url, Params: p.params, Seed: seed, First: i * writersEach, Ops: ops, Incremental: incremental})
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^$")
			cmd.Env = append(os.Environ(), writerEnv+"="+string(job))
			var errs strings.Builder
			cmd.Stderr = &errs
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Error(err)
				return
			}
			lines := bufio.NewScanner(out)
			lines.Buffer(nil, 16<<20)
			for lines.Scan() {
				var a act
				if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
					t.Errorf("%s: %v", lines.Text(), err)
					continue
				}
				mu.Lock()
				history = append(history, a)
				mu.Unlock()
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("process %d: %v %s", i, err, errs.String())
			}
		})
	}
	all.Wait()
	if want := writerProcesses * writersEach * ops; len(history) != want {
		t.Fatalf("%d operations, want %d", len(history), want)
	}
	slices.SortFunc(history, func(a, b act) int { return cmp.Compare(a.Call, b.Call) })
	return history
}

// location is where processes write.
type location struct {
	url    string
	params map[string]string
}

// catalog is the model: what a location has of a dataset that is written without increments.
type catalog struct {
	all             []seenSnapshot // by id; the marks are not used
	next            uint64
	current, pinned int64 // -1 is none
}

func (c catalog) find(id uint64) int {
	return slices.IndexFunc(c.all, func(s seenSnapshot) bool { return s.ID == id })
}

// removable is what a collection that keeps the last few takes away.
func (c catalog) removable(last int) map[uint64]bool {
	byAge := slices.Clone(c.all)
	slices.SortFunc(byAge, func(a, b seenSnapshot) int {
		return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(b.ID, a.ID))
	})
	out := map[uint64]bool{}
	for i, s := range byAge {
		if i >= last && int64(s.ID) != c.current && int64(s.ID) != c.pinned {
			out[s.ID] = true
		}
	}
	return out
}

func (c catalog) without(ids map[uint64]bool) catalog {
	c.all = slices.DeleteFunc(slices.Clone(c.all), func(s seenSnapshot) bool { return ids[s.ID] })
	return c
}

// step tells whether an outcome is right in this state, and the state after it.
func (c catalog) step(a act) (bool, catalog) {
	there := c.find(a.ID) >= 0
	held := there && (c.current == int64(a.ID) || c.pinned == int64(a.ID))
	switch {
	case a.Op == "create" && a.Kind == "":
		s := a.List[0]
		if s.ID != c.next || s.Current != (c.pinned < 0) || s.Pinned {
			return false, c
		}
		if c.next++; s.Current {
			c.current = int64(s.ID)
		}
		c.all = append(slices.Clone(c.all), seenSnapshot{ID: s.ID, Checksum: s.Checksum, Created: s.Created})
		return true, c
	case a.Op == "list" && a.Kind == "":
		return c.looksLike(a.List), c
	case a.Op == "set" && a.Kind == "":
		ok := there && (c.pinned < 0 || c.pinned == int64(a.ID))
		c.current = int64(a.ID)
		return ok, c
	case a.Op == "set" && a.Kind == Invalid:
		return there && c.pinned >= 0 && c.pinned != int64(a.ID), c
	case a.Op == "pin" && a.Kind == "":
		c.current, c.pinned = int64(a.ID), int64(a.ID)
		return there, c
	case a.Op == "unpin" && a.Kind == "":
		if c.pinned >= 0 {
			c.pinned, c.current = -1, int64(c.all[len(c.all)-1].ID)
		}
		return true, c
	case a.Op == "delete" && a.Kind == "": // of two that delete it at the same time, both did
		return !held, c.without(map[uint64]bool{a.ID: true})
	case a.Op == "delete" && a.Kind == Invalid:
		return held, c
	case a.Op == "collect" && a.Kind == "":
		// Of what it says is removed, another one may have removed some.
		gone := c.removable(a.Last)
		for id := range gone {
			if !slices.ContainsFunc(a.List, func(s seenSnapshot) bool { return s.ID == id }) {
				delete(gone, id)
			}
		}
		return true, c.without(gone)
	case a.Op == "verify" && a.Kind == "":
		return there, c
	case a.Kind == Missing:
		return !there && (a.Op == "set" || a.Op == "pin" || a.Op == "delete" || a.Op == "verify"), c
	}
	return false, c
}

// looksLike compares with a list, newest first.
func (c catalog) looksLike(list []seenSnapshot) bool {
	if len(list) != len(c.all) {
		return false
	}
	for i, s := range c.all {
		want := seenSnapshot{s.ID, s.Checksum, s.Created, int64(s.ID) == c.current, int64(s.ID) == c.pinned}
		if list[len(list)-1-i] != want {
			return false
		}
	}
	return true
}

var catalogModel = porcupine.Model{
	Init: func() any { return catalog{current: -1, pinned: -1} },
	Step: func(state, in, _ any) (bool, any) {
		ok, next := state.(catalog).step(in.(act))
		return ok, next
	},
	Equal: func(a, b any) bool {
		x, y := a.(catalog), b.(catalog)
		return x.next == y.next && x.current == y.current && x.pinned == y.pinned && slices.Equal(x.all, y.all)
	},
}

// TestWritersInProcessesAreLinearizable has eight writers in four processes create snapshots of one dataset, move its
// pointer, pin, delete, collect, list and verify, all at the same time: what they saw must be explained by an order of
// their operations, one at a time, which is what it takes that no acknowledged snapshot is lost, no id is given
// twice, and the pointer follows its rules.
func TestWritersInProcessesAreLinearizable(t *testing.T) {
	each(t, func(t *testing.T, p location) {
		seed := uint64(time.Now().UnixNano())
		history := writers(t, seed, p, false)
		m, err := Open(t.Context(), p.url, "", p.params)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		last := act{Writer: writerProcesses * writersEach, Op: "list", Call: sharedClock()}
		list, err := m.List(t.Context(), "o")
		if err != nil {
			t.Fatal(err)
		}
		last.List, last.Ret = seen(list...), sharedClock()
		for _, s := range list {
			if err := m.Verify(t.Context(), "o", s.ID, nil); err != nil {
				t.Errorf("seed %d: listed, but: %v", seed, err)
			}
		}
		var ops []porcupine.Operation
		count := map[string]int{}
		for _, a := range append(history, last) {
			ops = append(ops, porcupine.Operation{ClientId: a.Writer, Input: a, Call: a.Call, Return: a.Ret})
			count[strings.TrimSpace(fmt.Sprint(a.Op, " ", a.Kind))]++
		}
		if got := porcupine.CheckOperationsTimeout(catalogModel, ops, 2*time.Minute); got != porcupine.Ok {
			t.Errorf("seed %d: the history is not linearizable: %s", seed, got)
			for _, a := range history {
				t.Logf("%+v", a)
			}
		}
		t.Logf("seed %d: %v, %d are left", seed, count, len(list))
	})
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
