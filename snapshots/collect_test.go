package snapshots

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore/storetest"
)

func TestRuleKeepsWhatItSays(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	// One every six hours for a hundred days, the newest half an hour old; #400 is the newest.
	var list []Snapshot
	for i := range 400 {
		list = append(list, Snapshot{ID: uint64(400 - i), Created: now.Add(-30*time.Minute - time.Duration(i)*6*time.Hour), Current: i == 0})
	}
	ids := func(keep []Kept) (out []uint64) {
		for _, k := range keep {
			out = append(out, k.ID)
		}
		return out
	}
	for _, tt := range []struct {
		name string
		rule Rule
		edit func(l []Snapshot)
		use  func(uint64) bool
		want []uint64
	}{
		{"nothing said keeps the newest", Rule{}, nil, nil, []uint64{400}},
		{"last", Rule{Last: 3}, nil, nil, []uint64{400, 399, 398}},
		{"the newest of each day", Rule{Last: 1, Daily: 3}, nil, nil, []uint64{400, 398, 394}}, // 11:30 today; 23:30 and 23:30 before
		{"the newest of each week", Rule{Weekly: 2}, nil, nil, []uint64{400, 374}},             // Sunday the 22nd, the 15th 23:30
		{"the newest of each month", Rule{Monthly: 3}, nil, nil, []uint64{400, 314, 190}},
		{"young ones", Rule{MinAge: 7 * time.Hour}, nil, nil, []uint64{400, 399}},
		{"the current one", Rule{}, func(l []Snapshot) { l[0].Current, l[50].Current = false, true }, nil, []uint64{400, 350}},
		{"the pinned one", Rule{}, func(l []Snapshot) { l[60].Pinned = true }, nil, []uint64{400, 340}},
		{"one in use", Rule{}, nil, func(id uint64) bool { return id == 7 }, []uint64{400, 7}},
		{"more than there are", Rule{Last: 1000}, nil, nil, ids(func() (k []Kept) {
			for _, s := range list {
				k = append(k, Kept{Snapshot: s})
			}
			return
		}())},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := slices.Clone(list)
			if tt.edit != nil {
				tt.edit(l)
			}
			keep, remove := tt.rule.Choose(l, now, tt.use)
			if got := ids(keep); !slices.Equal(got, tt.want) {
				t.Errorf("kept %v, want %v", got, tt.want)
			}
			if len(keep)+len(remove) != len(l) {
				t.Errorf("%d kept and %d removed of %d", len(keep), len(remove), len(l))
			}
		})
	}
}

// objects are the keys of the data objects in the store.
func (b *bed) objects() (keys []string) {
	b.t.Helper()
	err := filepath.WalkDir(b.store, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, ".duckdb") {
			keys = append(keys, filepath.Base(p))
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return keys
}

func TestCollectRemovesRecordsFirstAndObjectsLater(t *testing.T) {
	b := newBed(t)
	var all []Snapshot
	for i := range 5 {
		all = append(all, b.mustWrite("o", fmt.Sprint("text ", i)))
	}
	other := b.mustWrite("other", "not ours")
	now := time.Now()
	r := CollectRequest{Dataset: "o", Rule: Rule{Last: 2}, Now: now, Grace: time.Hour, DryRun: true}
	if c, err := b.Collect(t.Context(), r); err != nil || len(c.Removed) != 3 || c.Deleted != 0 || len(b.objects()) != 6 {
		t.Fatalf("dry run: %v, %v", c, err)
	}
	if list, _ := b.List(t.Context(), "o"); len(list) != 5 {
		t.Fatalf("a dry run left %d snapshots", len(list))
	}
	r.DryRun = false
	c, err := b.Collect(t.Context(), r)
	if err != nil || len(c.Removed) != 3 || c.Deleted != 0 || c.Waiting != 3 || len(b.objects()) != 6 {
		t.Fatalf("the first time: %v, %v", c, err)
	}
	if list, _ := b.List(t.Context(), "o"); len(list) != 2 || list[0].ID != 4 || !list[0].Current {
		t.Fatalf("listed are %+v", list)
	}
	r.Now = now.Add(time.Hour)
	if c, err = b.Collect(t.Context(), r); err != nil || len(c.Removed) != 0 || c.Deleted != 3 || c.Bytes != 18 || len(b.objects()) != 3 {
		t.Fatalf("an hour later: %v, %v", c, err)
	}
	for _, s := range []Snapshot{all[3], all[4], other} {
		ds := "o"
		if s.URI == other.URI {
			ds = "other"
		}
		if err := b.Verify(t.Context(), ds, s.ID, nil); err != nil {
			t.Error(err)
		}
	}
	// What an upload left that never came to its record goes when it is a day old.
	orphan := filepath.Join(filepath.Dir(b.object(all[4])), "o_20200101T000000Z.duckdb")
	if err := os.WriteFile(orphan, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = b.Collect(t.Context(), r); err != nil || c.Orphans != 0 {
		t.Fatalf("a fresh orphan: %v, %v", c, err)
	}
	r.Now = time.Now().Add(orphanAge + time.Minute)
	if c, err = b.Collect(t.Context(), r); err != nil || c.Orphans != 1 || len(b.objects()) != 3 {
		t.Fatalf("an old orphan: %v, %v", c, err)
	}
}

// Ids are not used twice, also when the newest snapshot was removed.
func TestDeleteRefusesWhatReplicasLoad(t *testing.T) {
	b := newBed(t)
	for i := range 3 {
		b.mustWrite("o", fmt.Sprint("text ", i))
	}
	ctx := t.Context()
	if err := b.Delete(ctx, "o", 2, nil); KindOf(err) != Invalid {
		t.Errorf("the current one: %v", err)
	}
	if err := b.Pin(ctx, "o", 0); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(ctx, "o", 0, nil); KindOf(err) != Invalid || !strings.Contains(err.Error(), "pinned") {
		t.Errorf("the pinned one: %v", err)
	}
	if err := b.Delete(ctx, "o", 1, func(id uint64) bool { return id == 1 }); KindOf(err) != Invalid {
		t.Errorf("one in use: %v", err)
	}
	if err := b.Delete(ctx, "o", 9, nil); KindOf(err) != Missing {
		t.Errorf("one that is not there: %v", err)
	}
	if err := b.Delete(ctx, "o", 2, nil); err != nil {
		t.Fatal(err)
	}
	if s := b.mustWrite("o", "next"); s.ID != 3 || s.Current {
		t.Errorf("the next snapshot is %+v", s)
	}
	if n := len(b.objects()); n != 3 {
		t.Errorf("%d objects are left", n)
	}
}

func TestPinStaysWhateverIsWritten(t *testing.T) {
	b := newBed(t)
	ctx := t.Context()
	b.mustWrite("o", "zero")
	b.mustWrite("o", "one")
	if err := b.Pin(ctx, "o", 0); err != nil {
		t.Fatal(err)
	}
	b.mustWrite("o", "two")
	if got, _, err := b.boot(); err != nil || got != "zero" {
		t.Errorf("loaded %q, %v", got, err)
	}
	if err := b.SetCurrent(ctx, "o", 1); KindOf(err) != Invalid || HintOf(err) == "" {
		t.Errorf("set current: %v", err)
	}
	// Spice knows no pins: it moves the pointer.
	if err := b.change(ctx, func(f *metadata.File) error {
		two := uint64(2)
		f.Datasets["o"].CurrentID = &two
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got, _, err := b.boot(); err != nil || got != "zero" {
		t.Errorf("loaded %q, %v", got, err)
	}
	if err := b.Unpin(ctx, "o"); err != nil {
		t.Fatal(err)
	}
	if got, _, err := b.boot(); err != nil || got != "two" {
		t.Errorf("unpinned, loaded %q, %v", got, err)
	}
	if list, _ := b.List(ctx, "o"); len(list) != 3 || list[2].Pinned || !list[0].Current {
		t.Errorf("listed are %+v", list)
	}
	if err := b.Pin(ctx, "o", 7); KindOf(err) != Missing {
		t.Errorf("pinned what is not there: %v", err)
	}
}

// A collection that dies at any of its requests, or whose answers are lost from there on, loses no snapshot that
// is listed, and the next one ends its work.
func TestCollectThatDiesIsFinishedByTheNext(t *testing.T) {
	for _, lose := range []bool{false, true} {
		for n := int64(1); ; n++ {
			bucket := fmt.Sprintf("collect-%t-%d", lose, n)
			if err := server.CreateBucket(t.Context(), bucket); err != nil {
				t.Fatal(err)
			}
			proxy := storetest.NewProxy(t, server.URL)
			b := &bed{t: t, dir: t.TempDir()}
			m, err := place(t.Context(), bucket, proxy.URL)
			if err != nil {
				t.Fatal(err)
			}
			b.Manager = m
			for i := range 4 {
				b.mustWrite("o", fmt.Sprint("text ", i))
			}
			r := CollectRequest{Dataset: "o", Rule: Rule{Last: 2}, Now: time.Now()}
			var count atomic.Int64
			proxy.Break(func(w http.ResponseWriter, q *http.Request) bool {
				if count.Add(1) < n {
					return false
				}
				if lose && q.Method != http.MethodGet {
					resp, err := http.DefaultTransport.RoundTrip(forward(q, server.URL))
					if err == nil {
						resp.Body.Close()
					}
				}
				w.WriteHeader(http.StatusForbidden) // is not tried again
				return true
			})
			_, err = b.Collect(t.Context(), r)
			died := count.Load() >= n
			if died && err == nil && !lose {
				t.Errorf("request %d was refused, and nothing told", n)
			}
			proxy.Break(nil)
			list, err := b.List(t.Context(), "o")
			if err != nil || len(list) < 2 || list[0].ID != 3 || !list[0].Current {
				t.Fatalf("request %d: listed are %+v, %v", n, list, err)
			}
			for _, s := range list {
				if err := b.Verify(t.Context(), "o", s.ID, nil); err != nil {
					t.Errorf("request %d: %v", n, err)
				}
			}
			if _, err := b.Collect(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if left := objectsIn(t, filepath.Join(server.Dir, bucket)); left != 2 {
				t.Errorf("request %d: %d objects are left", n, left)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			if !died {
				if n < 8 {
					t.Errorf("a collection has %d requests only", n-1)
				}
				break
			}
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func objectsIn(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, ".duckdb") {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// forward is a request as a proxy sends it on.
func forward(q *http.Request, target string) *http.Request {
	out := q.Clone(context.WithoutCancel(q.Context()))
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", strings.TrimPrefix(target, "http://")
	return out
}
