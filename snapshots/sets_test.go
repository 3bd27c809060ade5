package snapshots

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pitwall/snapshots/metadata"
)

// part is a partition whose content is a text.
func part(t *testing.T, path, text string) Part {
	return Part{Path: path, Version: text, Rows: int64(len(text)), Bytes: int64(len(text)), Export: func(context.Context) (Copy, error) {
		p := filepath.Join(t.TempDir(), "copy")
		return Copy{Path: p, Rows: int64(len(text)), Schema: schema}, os.WriteFile(p, []byte(text), 0o600)
	}}
}

// store stores a set of the dataset o, whose checkpoint is a text.
func store(m *Manager, t *testing.T, cp string, lease *LeaseTerms, parts ...Part) (Created, error) {
	return m.CreateSet(t.Context(), SetRequest{CreateRequest: CreateRequest{Dataset: "o", Engine: "duckdb", Extension: ".duckdb", LastUpdated: time.Now(), Lease: lease}, Parts: parts, Checkpoint: []byte(cp)})
}

// loaded is what a replica gets: the checkpoint and the partitions.
func loaded(m *Manager, t *testing.T, f OnFailure) (string, error) {
	var out []string
	_, err := m.BootstrapSet(t.Context(), LoadRequest{BootstrapRequest: BootstrapRequest{Dataset: "o", Engine: "duckdb", Dir: t.TempDir(), OnFailure: f},
		InstallSet: func(_ context.Context, files []string, _ Snapshot, cp []byte) error {
			out = append(out, string(cp))
			for _, f := range files {
				x, err := os.ReadFile(f)
				if err != nil {
					return err
				}
				out = append(out, string(x))
			}
			return nil
		}})
	return strings.Join(out, " "), err
}

func wants(t *testing.T, m *Manager, f OnFailure, want string) {
	t.Helper()
	if got, err := loaded(m, t, f); err != nil || got != want {
		t.Errorf("loaded %q, %v, want %q", got, err, want)
	}
}

// A set is of one state, whatever was stored of partitions before.
func TestSetsAreOfOneState(t *testing.T) {
	b := newBed(t)
	put := func(cp string, kind Kind, written int, parts ...Part) {
		t.Helper()
		if c, err := store(b.Manager, t, cp, nil, parts...); KindOf(err) != kind || c.Written != written {
			t.Errorf("%s: %d written, %v", cp, c.Written, err)
		}
	}
	a1, b1 := part(t, "r=a", "A1"), part(t, "r=b", "B1")
	put("cp1", "", 2, a1, b1)
	put("cp1", Unchanged, 0, a1, b1)
	wants(t, b.Manager, Warn, "cp1 A1 B1")
	// The write changed one partition and added one.
	put("cp2", "", 2, part(t, "r=a", "A22"), b1, part(t, "r=c", "C2"))
	wants(t, b.Manager, Warn, "cp2 A22 B1 C2")
	// Compacted: the same rows in other files.
	again := part(t, "r=b", "B1")
	again.Version = "other files"
	put("cp2", Unchanged, 0, part(t, "r=a", "A22"), again, part(t, "r=c", "C2"))
	// A delete keeps the checkpoint.
	put("cp2", "", 1, part(t, "r=a", "A2"), b1, part(t, "r=c", "C2"))
	wants(t, b.Manager, Warn, "cp2 A2 B1 C2")
	// A partition is gone.
	put("cp3", "", 0, b1)
	wants(t, b.Manager, Warn, "cp3 B1")
	// All rows are.
	put("cp4", "", 0)
	wants(t, b.Manager, Warn, "cp4")
	put("cp4", Unchanged, 0)
}

// A snapshot that a set names can't be deleted, and does not go with older ones.
func TestSetsKeepTheirSnapshots(t *testing.T) {
	b := newBed(t)
	for _, text := range []string{"A1", "A22", "A333"} {
		if _, err := store(b.Manager, t, text, nil, part(t, "r=a", text)); err != nil {
			t.Fatal(err)
		}
	}
	key := metadata.PartitionKey("o", "r=a")
	for id := range uint64(3) {
		if err := b.Delete(t.Context(), key, id, nil); KindOf(err) != Invalid {
			t.Errorf("deleted %d: %v", id, err)
		}
		if err := b.SetCurrent(t.Context(), key, id); KindOf(err) != Invalid {
			t.Errorf("pointed at %d: %v", id, err)
		}
	}
	c, err := b.Collect(t.Context(), CollectRequest{Dataset: key, Rule: Rule{Last: 1}, Now: time.Now().Add(48 * time.Hour)})
	if err != nil || len(c.Removed) > 0 {
		t.Errorf("%+v, %v", c, err)
	}
	// What no set names any more goes.
	for i := range 12 {
		if _, err := store(b.Manager, t, fmt.Sprint(i), nil, part(t, "r=a", strings.Repeat("x", 5+i))); err != nil {
			t.Fatal(err)
		}
	}
	if c, err = b.Collect(t.Context(), CollectRequest{Dataset: key, Rule: Rule{Last: 1}, Now: time.Now().Add(48 * time.Hour)}); err != nil || len(c.Removed) != 5 {
		t.Errorf("%s, %v", c, err)
	}
	wants(t, b.Manager, Warn, "11 "+strings.Repeat("x", 16))
}

// A damaged partition takes its set with it, and is stored anew.
func TestDamagedPartitionOfASet(t *testing.T) {
	b := newBed(t)
	parts := []Part{part(t, "r=a", "A1"), part(t, "r=b", "B1")}
	if _, err := store(b.Manager, t, "cp1", nil, parts...); err != nil {
		t.Fatal(err)
	}
	parts[1] = part(t, "r=b", "B22")
	if _, err := store(b.Manager, t, "cp2", nil, parts...); err != nil {
		t.Fatal(err)
	}
	list, err := b.List(t.Context(), metadata.PartitionKey("o", "r=b"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := metadata.KeyOf(b.Location(), list[0].URI)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(b.store, key)); err != nil {
		t.Fatal(err)
	}
	if _, err := loaded(b.Manager, t, Warn); KindOf(err) != Missing || !strings.Contains(err.Error(), "r=b") {
		t.Errorf("loaded what is gone: %v", err)
	}
	wants(t, b.Manager, Fallback, "cp1 A1 B1")
	var told []string
	if err := b.VerifySet(t.Context(), "o", 2, func(key string, id uint64, _ error) { told = append(told, fmt.Sprint(key, id)) }, nil); KindOf(err) != Missing || strings.Join(told, "") != "o@r=b1" {
		t.Errorf("%v, %v", told, err)
	}
	if c, err := store(b.Manager, t, "cp2", nil, parts...); err != nil || c.Written != 1 {
		t.Errorf("%d written, %v", c.Written, err)
	}
	wants(t, b.Manager, Warn, "cp2 A1 B22")
}

// When metadata.json is lost, ids begin anew: a set does not take another snapshot for its own.
func TestSetsKnowTheirSnapshotsByChecksum(t *testing.T) {
	b := newBed(t)
	if _, err := store(b.Manager, t, "cp1", nil, part(t, "r=a", "A1")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(b.store, metadata.Name)); err != nil {
		t.Fatal(err)
	}
	if _, err := store(b.Manager, t, "cp2", nil, part(t, "r=a", "A2")); err != nil {
		t.Fatal(err)
	}
	first := uint64(1)
	_, err := b.BootstrapSet(t.Context(), LoadRequest{BootstrapRequest: BootstrapRequest{Dataset: "o", Engine: "duckdb", Dir: t.TempDir(), ID: &first}})
	if KindOf(err) != Missing {
		t.Errorf("loaded the snapshot of another set: %v", err)
	}
	wants(t, b.Manager, Warn, "cp2 A2")
}

// Of a set there is one writer: the other replica stands by, and takes over when the first is gone.
func TestSetsHaveOneWriter(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, b := newReplica(t, dir, "host-a"), newReplica(t, dir, "host-b")
		for i := range 20 { // one partition changes all the time, one does after a while
			cold := "cold" + fmt.Sprint(i/9)
			if _, err := store(a.Manager, t, fmt.Sprint(i), &a.terms, part(t, "r=cold", cold), part(t, "r=hot", strings.Repeat("x", 1+i))); err != nil {
				t.Errorf("%d: %v", i, err)
			}
			time.Sleep(time.Minute / 2)
			if _, err := store(b.Manager, t, fmt.Sprint("b", i), &b.terms, part(t, "r=cold", "b"+cold), part(t, "r=hot", strings.Repeat("y", 1+i))); KindOf(err) != Standby {
				t.Errorf("%d: the standby: %v", i, err)
			}
			time.Sleep(time.Minute / 2)
		}
		time.Sleep(a.terms.Duration)
		if _, err := store(b.Manager, t, "b", &b.terms, part(t, "r=cold", "b")); err != nil {
			t.Errorf("taking over: %v", err)
		}
		wants(t, b.Manager, Warn, "b b")
		if _, err := store(a.Manager, t, "a", &a.terms, part(t, "r=cold", "a")); KindOf(err) != Standby {
			t.Errorf("the one before: %v", err)
		}
	})
}

// The newer kind is what is listed and loaded.
func TestTheNewestKindIsListed(t *testing.T) {
	b := newBed(t)
	if list, sets, err := b.Stored(t.Context(), "o"); len(list) > 0 || sets || err != nil {
		t.Error(list, sets, err)
	}
	if _, err := store(b.Manager, t, "cp1", nil, part(t, "r=a", "A1")); err != nil {
		t.Fatal(err)
	}
	if list, sets, err := b.Stored(t.Context(), "o"); len(list) != 1 || !sets || list[0].Partitions != 1 || err != nil {
		t.Error(list, sets, err)
	}
	b.mustWrite("o", "whole")
	if list, sets, err := b.Stored(t.Context(), "o"); len(list) != 1 || sets || err != nil {
		t.Error(list, sets, err)
	}
}

// A partition that no set names any more goes as a whole, a day later; one that was just stored may be of a set to come.
func TestAbandonedPartitionsGo(t *testing.T) {
	b := newBed(t)
	for i := range 12 {
		if _, err := store(b.Manager, t, fmt.Sprint(i), nil, part(t, fmt.Sprintf("day=%02d", i), "x"), part(t, fmt.Sprintf("day=%02d", i+1), "x")); err != nil {
			t.Fatal(err)
		}
	}
	b.mustWrite("o@day=99", "somebody else's dataset")
	named, abandoned, err := b.StoredPartitions(t.Context(), "o")
	if err != nil || len(named) != 11 || len(abandoned) != 2 {
		t.Fatalf("%v, %v, %v", named, abandoned, err)
	}
	collect := func(key string, after time.Duration) Collected {
		t.Helper()
		c, err := b.Collect(t.Context(), CollectRequest{Dataset: key, Rule: Rule{Last: 1}, Now: time.Now().Add(after), Abandoned: true})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := len(b.objects())
	for _, key := range abandoned {
		if c := collect(key, time.Hour); len(c.Removed) > 0 {
			t.Errorf("%s went within a day", key)
		}
		if c := collect(key, 25*time.Hour); len(c.Removed) != 1 || c.Deleted != 1 {
			t.Errorf("%s: %s", key, c)
		}
		if list, err := b.List(t.Context(), key); err != nil || len(list) > 0 {
			t.Errorf("%s: %v, %v", key, list, err)
		}
	}
	if c := collect(named[0], 25*time.Hour); len(c.Removed) > 0 || len(b.objects()) != before-2 {
		t.Errorf("%s, %d objects of %d", c, len(b.objects()), before)
	}
	wants(t, b.Manager, Warn, "11 x x")
	// One that comes again is none any more.
	if _, err := store(b.Manager, t, "12", nil, part(t, "day=00", "x")); err != nil {
		t.Fatal(err)
	}
	if _, abandoned, err = b.StoredPartitions(t.Context(), "o"); err != nil || slices.Contains(abandoned, "o@day=00") {
		t.Errorf("%v, %v", abandoned, err)
	}
}

func TestPartitionKeys(t *testing.T) {
	seen := map[string]string{}
	for _, path := range []string{"r=eu", "r=EU", "r=a%2Fb", "r=a/b=c", "r=a,b=c", "r=..", "r=%2E%2E", "r=.", "r=a!b", "r=" + strings.Repeat("%D0%B0", 40), "r=" + strings.Repeat("%D0%B0", 40) + "x", "r=" + strings.Repeat(".", 200), "r=a@b"} {
		key := metadata.PartitionKey("lake.sales", path)
		if err := metadata.CheckKey(key); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if other, ok := seen[key]; ok || len(key) > 140 {
			t.Errorf("%s is %s, as %s", path, key, other)
		}
		seen[key] = path
	}
	if got := metadata.PartitionKey("sales", "region=eu/year=2024"); got != "sales@region=eu,year=2024" {
		t.Error(got)
	}
}

// A writer that stalled before it recorded its set, while another one took over, does not put it on top.
func TestAStalledWriterRecordsNoSet(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, b := newReplica(t, dir, "host-a"), newReplica(t, dir, "host-b")
		stalled, err := a.acquire(t.Context(), "o", a.terms, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store(b.Manager, t, "b", &b.terms, part(t, "r=a", "b")); KindOf(err) != Standby {
			t.Fatalf("beside the first: %v", err)
		}
		time.Sleep(a.terms.Duration)
		if _, err := store(b.Manager, t, "b", &b.terms, part(t, "r=a", "b")); err != nil {
			t.Fatal(err)
		}
		set := metadata.Set{AtMs: time.Now().UnixMilli(), Checkpoint: []byte("stale")}
		if err := a.recordSet(t.Context(), "o", &set, &stalled); KindOf(err) != Superseded {
			t.Errorf("recorded: %v", err)
		}
		wants(t, a.Manager, Warn, "b b")
	})
}
