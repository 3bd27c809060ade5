package wire_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"pitwall/runtime/api"
	"pitwall/runtime/wire"
)

// over sends a State to somebody who knows old, as text.
func over(t interface{ Fatal(...any) }, theirs, old, now *api.State) *api.State {
	d, err := wire.Diff(old, now)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var back wire.Delta
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	s, err := wire.Apply(theirs, &back)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whatever happens to a State, who gets the differences has the same one, and the older ones stay as they were.
func TestDifferencesMakeTheSameState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var last, theirs *api.State
		var all, copies []*api.State
		at := time.Unix(1_800_000_000, 0).UTC()
		now := &api.State{Config: api.ConfigStatus{Path: "/pod/spicepod.yml", Changes: []string{"a", "b"}}}
		for step := range rapid.IntRange(1, 25).Draw(t, "steps") {
			s := *now
			s.Datasets = append([]*api.Dataset(nil), now.Datasets...)
			s.Tasks = append([]api.Task(nil), now.Tasks...)
			s.Seq, s.At = uint64(step+1), at.Add(time.Duration(step)*time.Second)
			switch n := len(s.Datasets); rapid.IntRange(0, 8).Draw(t, "what") {
			case 0:
				s.Datasets = append(s.Datasets, &api.Dataset{Name: "d" + rapid.StringMatching("[a-z]{3}").Draw(t, "name"), Totals: api.Totals{Errors: map[string]int64{"full": 1}}})
				seen := map[string]bool{}
				var list []*api.Dataset
				for _, d := range s.Datasets {
					if !seen[d.Name] {
						list = append(list, d)
					}
					seen[d.Name] = true
				}
				s.Datasets = list
			case 1:
				if n > 0 {
					s.Datasets = s.Datasets[1:]
				}
			case 2:
				if n > 1 {
					s.Datasets[0], s.Datasets[1] = s.Datasets[1], s.Datasets[0]
				}
			case 3, 4:
				if n > 0 { // a refresh ended
					d := *s.Datasets[n-1]
					k := rapid.IntRange(1, 3).Draw(t, "refreshes")
					for range k {
						d.Refreshes = append([]api.Refresh{{ID: uint64(step*10 + len(d.Refreshes)), Outcome: api.Succeeded, StartedAt: s.At}}, d.Refreshes...)
					}
					d.Refreshes = d.Refreshes[:min(len(d.Refreshes), 5)]
					d.Rev++
					d.Totals.Errors = map[string]int64{"full": int64(step)}
					d.Run = nil
					s.Datasets[n-1] = &d
				}
			case 5:
				if n > 0 {
					d := *s.Datasets[0]
					d.Run = &api.RefreshRun{ID: uint64(step), Rows: int64(step), Fraction: -1, StartedAt: s.At}
					d.Schema = []api.Column{{Name: "id", Type: "int64"}}
					d.Snapshots.Newest = &api.Snapshot{ID: uint64(step), Rows: -1}
					s.Datasets[0] = &d
				}
			case 6:
				s.Tasks = append(s.Tasks, api.Task{ID: api.CommandID(step + 1), Verb: "refresh", State: api.TaskRunning, Started: s.At})
			case 7:
				if m := len(s.Tasks); m > 0 {
					s.Tasks[m-1].State = api.TaskDone
					if m > 2 {
						s.Tasks = s.Tasks[1:]
					}
				}
			case 8:
				s.Events = append(s.Events[:len(s.Events):len(s.Events)], api.Event{Seq: uint64(len(s.Events) + 1), At: s.At, Message: "x", Fields: []api.Field{{Key: "k", Value: "v"}}})
				s.Config.Generation++
			}
			now = &s
			theirs = over(t, theirs, last, now)
			if d := cmp.Diff(now, theirs, empty()); d != "" {
				t.Fatal(d)
			}
			var copied api.State
			text, _ := json.Marshal(theirs)
			_ = json.Unmarshal(text, &copied)
			all, copies = append(all, theirs), append(copies, &copied)
			last = now
		}
		for i := range all {
			if d := cmp.Diff(copies[i], all[i], empty()); d != "" {
				t.Fatalf("State %d changed later: %s", i, d)
			}
		}
	})
}

// empty takes an empty list for none.
func empty() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool {
		a, b := p.Last().Values()
		return a.IsValid() && b.IsValid() && (a.Kind().String() == "slice" || a.Kind().String() == "map") && a.Len() == 0 && b.Len() == 0
	}, cmp.Ignore())
}

// A list that grew in front is told by what is new.
func TestAFinishedRefreshIsToldAlone(t *testing.T) {
	var many []api.Refresh
	for i := range 60 {
		many = append(many, api.Refresh{ID: uint64(100 - i), SQL: strings.Repeat("x", 100)})
	}
	old := &api.State{Datasets: []*api.Dataset{{Name: "a", Refreshes: many}}}
	more := append([]api.Refresh{{ID: 101}}, many[:59]...)
	now := &api.State{Datasets: []*api.Dataset{{Name: "a", Refreshes: more}}}
	d, err := wire.Diff(old, now)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(d); len(text) > 600 {
		t.Errorf("%d bytes for one refresh", len(text))
	}
	if got := over(t, old, old, now); !cmp.Equal(got.Datasets[0].Refreshes, more) {
		t.Error(cmp.Diff(more, got.Datasets[0].Refreshes))
	}
}

// Every command of package api can be sent.
func TestEveryCommandCanBeSent(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../api/command.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv == nil || fn.Name.Name != "Verb" {
			continue
		}
		found++
		kind := fn.Recv.List[0].Type.(*ast.Ident).Name
		if _, err := (wire.Command{Kind: kind, Args: json.RawMessage(`{"Dataset":"a"}`)}).Decode(); err != nil {
			t.Error(err)
		}
	}
	if found < 10 {
		t.Errorf("only %d commands found", found)
	}
	c, err := wire.EncodeCommand(api.BootstrapFrom{Dataset: "a", SnapshotID: 1 << 63, Hold: true})
	if err != nil {
		t.Fatal(err)
	}
	if back, err := c.Decode(); err != nil || back != (api.BootstrapFrom{Dataset: "a", SnapshotID: 1 << 63, Hold: true}) {
		t.Error(back, err)
	}
	if _, err := (wire.Command{Kind: "Format"}).Decode(); err == nil {
		t.Error("a command that there is not was taken")
	}
}

// Damaged lines give errors, no panic.
func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"state":{"Seq":1},"order":["a"],"datasets":{"a":{"Name":"a","Refreshes":{"front":[{"ID":1}],"len":1}}},"tasks":[{"ID":1}],"gone":[2]}`))
	f.Add([]byte(`{"datasets":{"d":{"Refreshes":{"front":[{}],"len":99}}}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var d wire.Delta
		if json.Unmarshal(line, &d) != nil {
			return
		}
		old := &api.State{Datasets: []*api.Dataset{{Name: "d", Refreshes: make([]api.Refresh, 3)}}}
		s, err := wire.Apply(old, &d)
		if err == nil && s == nil {
			t.Error("neither a State nor an error")
		}
	})
}

// The counters of scans move all the time: the partitions, of which there may be thousands, do not travel with them.
func TestCountersTravelWithoutThePartitions(t *testing.T) {
	l := &api.Layout{}
	for i := range 1000 {
		l.Partitions = append(l.Partitions, api.Partition{Path: strings.Repeat("x", i%50), Files: i})
	}
	old := &api.State{Datasets: []*api.Dataset{{Name: "a", Layout: l, Reads: &api.Reads{Scans: 1}}}}
	now := &api.State{Datasets: []*api.Dataset{{Name: "a", Layout: l, Reads: &api.Reads{Scans: 2, ZonesLeft: 7}, Compaction: &api.Compaction{Running: true}}}}
	d, err := wire.Diff(old, now)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(d); len(text) > 600 {
		t.Errorf("%d bytes for a scan", len(text))
	}
	for _, theirs := range []*api.State{over(t, old, old, now), over(t, nil, nil, now)} {
		if diff := cmp.Diff(now, theirs, empty()); diff != "" {
			t.Error(diff)
		}
	}
}
