package snapshots

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// fate is what an operation told of one snapshot.
type fate struct {
	id  uint64
	saw string // created, there, away, removed
}

// fateModel is of one snapshot: it is created once and removed once. A list of incremental snapshots is read from
// two objects, so that it says when each of them was there, not that all of them were there at one time.
var fateModel = porcupine.Model{
	Partition: func(h []porcupine.Operation) [][]porcupine.Operation {
		by := map[uint64][]porcupine.Operation{}
		for _, o := range h {
			id := o.Input.(fate).id
			by[id] = append(by[id], o)
		}
		var out [][]porcupine.Operation
		for _, p := range by {
			out = append(out, p)
		}
		return out
	},
	Init: func() any { return "new" },
	Step: func(state, in, _ any) (bool, any) {
		switch in.(fate).saw {
		case "created":
			return state == "new", "there"
		case "there":
			return state == "there", state
		case "removed": // of two that remove it at the same time, both did
			return state != "new", "away"
		default:
			return state != "there", state
		}
	},
}

// fates are what a history tells of each snapshot.
func fates(history []act) (ops []porcupine.Operation) {
	known := map[uint64]bool{}
	for _, a := range history {
		if a.Op == "create" && a.Kind == "" {
			known[a.ID] = true
		}
		for _, s := range a.List {
			known[s.ID] = true
		}
	}
	for _, a := range history {
		tell := func(id uint64, saw string) {
			ops = append(ops, porcupine.Operation{ClientId: a.Writer, Input: fate{id, saw}, Call: a.Call, Return: a.Ret})
		}
		switch {
		case a.Op == "create" && a.Kind == "":
			tell(a.ID, "created")
		case a.Op == "list" && a.Kind == "":
			for id := range known {
				if slices.ContainsFunc(a.List, func(s seenSnapshot) bool { return s.ID == id }) {
					tell(id, "there")
				} else {
					tell(id, "away")
				}
			}
		case a.Op == "collect" && a.Kind == "":
			for _, s := range a.List {
				tell(s.ID, "removed")
			}
		case a.Op == "delete" && a.Kind == "":
			tell(a.ID, "removed")
		case a.Kind == Missing:
			tell(a.ID, "away")
		case a.Kind == "" && a.Op != "unpin" && a.Op != "collect":
			tell(a.ID, "there")
		}
	}
	return ops
}

// TestIncrementalWritersInProcesses is the same with incremental snapshots among them: no acknowledged one is lost or
// comes back, no id is given twice, and all that is listed can be restored.
func TestIncrementalWritersInProcesses(t *testing.T) {
	test := func(t *testing.T, p location) {
		seed := uint64(time.Now().UnixNano())
		history := writers(t, seed, p, true)
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
		increments, current := 0, 0
		for _, s := range list {
			if s.Incremental {
				increments++
			}
			if s.Current {
				current++
			}
			if err := m.Verify(t.Context(), "o", s.ID, nil); err != nil {
				t.Errorf("listed, but: %v", err)
			}
		}
		if current != 1 {
			t.Errorf("%d are current", current)
		}
		count := map[string]int{}
		for _, a := range history {
			count[fmt.Sprint(a.Op, " ", a.Kind)]++
			if a.Kind != "" && a.Kind != Missing && a.Kind != Invalid {
				t.Errorf("%+v", a)
			}
		}
		for _, ops := range fateModel.Partition(fates(append(history, last))) {
			if porcupine.CheckOperations(fateModel, ops) {
				continue
			}
			t.Errorf("seed %d: no order explains what was seen of snapshot %d", seed, ops[0].Input.(fate).id)
			for _, o := range ops {
				t.Logf("%d %d to %d: %s", o.ClientId, o.Call, o.Return, o.Input.(fate).saw)
			}
		}
		if t.Failed() {
			for _, a := range history {
				t.Logf("%+v", a)
			}
		}
		t.Logf("seed %d: %v, %d are left, %d of them incremental", seed, count, len(list), increments)
	}
	if os.Getenv(writerOpsEnv) != "" {
		each(t, test)
	} else {
		t.Run("file", func(t *testing.T) { test(t, location{url: "file://" + t.TempDir()}) })
		t.Run("s3", func(t *testing.T) { test(t, placeOnS3(t, server.URL)) })
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
