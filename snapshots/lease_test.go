package snapshots

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pitwall/snapshots/metadata"
)

// replica is a process with an identity, on a store that it shares with others.
type replica struct {
	*bed
	terms LeaseTerms
	held  Held
}

func newReplica(t *testing.T, store, identity string) *replica {
	t.Helper()
	b := &bed{t: t, store: store, dir: t.TempDir()}
	m, err := Open(t.Context(), "file://"+store, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	b.Manager = m
	return &replica{bed: b, terms: LeaseTerms{Identity: identity, Process: identity + "-" + t.Name() + time.Now().String(), Duration: LeaseDuration(time.Minute)}}
}

// writes makes a snapshot and returns the kind of the error.
func (r *replica) writes(text string, edit ...func(*CreateRequest)) Kind {
	r.t.Helper()
	_, err := r.write("o", text, append(edit, func(q *CreateRequest) {
		q.Lease, q.Leased = &r.terms, func(h Held) { r.held = h }
	})...)
	if err != nil && KindOf(err) == "" {
		r.t.Fatal(err)
	}
	return KindOf(err)
}

func TestLeaseDurationIsTwiceTheInterval(t *testing.T) {
	for interval, want := range map[time.Duration]time.Duration{time.Second: 30 * time.Second, time.Minute: 2 * time.Minute,
		10 * time.Minute: 20 * time.Minute, 20 * time.Hour: 24 * time.Hour, 1 << 62: 24 * time.Hour} {
		if got := LeaseDuration(interval); got != want {
			t.Errorf("of %s is %s, want %s", interval, got, want)
		}
	}
}

func TestOneReplicaWritesAtATime(t *testing.T) {
	store := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, b := newReplica(t, store, "host-a"), newReplica(t, store, "host-b")
		if k := a.writes("a1"); k != "" || a.held != (Held{Generation: 1}) {
			t.Fatalf("a: %v, %+v", k, a.held)
		}
		if k := b.writes("b1"); k != Standby {
			t.Fatalf("b wrote beside a: %v", k)
		}
		for range 5 { // a lives
			time.Sleep(time.Minute)
			if k := a.writes("a"); k != "" || a.held.Generation != 1 {
				t.Fatalf("a renews: %v, %+v", k, a.held)
			}
			time.Sleep(time.Minute)
			if k := b.writes("b"); k != Standby {
				t.Fatalf("b wrote although a lives: %v", k)
			}
		}
		// a is gone: b waits as long as a's lease lasts, by its own clock.
		time.Sleep(119 * time.Second)
		if k := b.writes("b"); k != Standby {
			t.Fatalf("b was too fast: %v", k)
		}
		time.Sleep(time.Second)
		if k := b.writes("b2"); k != "" || b.held != (Held{Generation: 2, From: "host-a"}) {
			t.Fatalf("b takes over: %v, %+v", k, b.held)
		}
		if k := a.writes("a"); k != Standby {
			t.Fatalf("a came back and wrote: %v", k)
		}
		// A restart of b goes on at once.
		again := newReplica(t, store, "host-b")
		if k := again.writes("b3"); k != "" || again.held.Generation != 2 || again.held.Shared {
			t.Errorf("b after a restart: %v, %+v", k, again.held)
		}
		// The old b lives after all: two processes have one identity.
		if k := b.writes("b4"); k != "" || !b.held.Shared {
			t.Errorf("two of one identity: %v, %+v", k, b.held)
		}
		if err := b.Release(t.Context(), "o"); err != nil {
			t.Fatal(err)
		}
		if k := a.writes("a5"); k != "" || a.held != (Held{Generation: 3, From: "host-b"}) {
			t.Errorf("after a release: %v, %+v", k, a.held)
		}
	})
}

// A writer that stalls between its copy and its record, while another one takes over, publishes nothing.
func TestZombieWriterPublishesNothing(t *testing.T) {
	store := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, b := newReplica(t, store, "host-a"), newReplica(t, store, "host-b")
		if k := a.writes("a1"); k != "" {
			t.Fatal(k)
		}
		_ = b.writes("b0") // looks at the lease for the first time
		stalled := func(q *CreateRequest) {
			export := q.Export
			q.Export = func(ctx context.Context) (Copy, error) {
				c, err := export(ctx)
				time.Sleep(3 * time.Minute)
				_ = b.writes("b0") // a renewed it before it stalled
				time.Sleep(3 * time.Minute)
				if k := b.writes("b1"); k != "" || b.held.Generation != 2 {
					t.Errorf("b: %v, %+v", k, b.held)
				}
				return c, err
			}
		}
		if k := a.writes("a2", stalled); k != Superseded {
			t.Errorf("the zombie: %q", k)
		}
		list, err := b.List(t.Context(), "o")
		if err != nil || len(list) != 2 || list[0].Rows != 2 || !list[0].Current {
			t.Fatalf("%+v, %v", list, err)
		}
		if got, _, err := b.boot(); err != nil || got != "b1" {
			t.Errorf("loaded %q, %v", got, err)
		}
	})
}

func TestLeaseThatIsNotUnderstoodIsSomebodyElses(t *testing.T) {
	store := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a := newReplica(t, store, "host-a")
		if err := os.MkdirAll(store+"/leases", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(store+"/leases/o.json", []byte(`{"format-version":7}`), 0o644); err != nil {
			t.Fatal(err)
		}
		if k := a.writes("a"); k != Standby {
			t.Errorf("%v", k)
		}
		time.Sleep(a.terms.Duration)
		if k := a.writes("a"); k != "" {
			t.Errorf("after its duration: %v", k)
		}
	})
}

// What fails gives the lease up, so that another replica can try.
func TestFailedSnapshotReleasesTheLease(t *testing.T) {
	store := t.TempDir()
	a, b := newReplica(t, store, "host-a"), newReplica(t, store, "host-b")
	if k := a.writes("a1", func(q *CreateRequest) {
		q.Export = func(context.Context) (Copy, error) {
			return Copy{}, &Error{Op: "export", Kind: LocalFailed, Err: context.DeadlineExceeded}
		}
	}); k != LocalFailed {
		t.Fatalf("%q", k)
	}
	if k := b.writes("b1"); k != "" || b.held.Generation != 2 {
		t.Errorf("%v, %+v", k, b.held)
	}
	f, _, err := b.load(t.Context())
	if err != nil || f.Datasets["o"].Generation() != 2 {
		t.Errorf("%+v, %v", f, err)
	}
	text, err := os.ReadFile(store + "/" + metadata.LeaseKey("o"))
	if err != nil || !strings.Contains(string(text), `"holder-identity": "host-b"`) {
		t.Errorf("%s, %v", text, err)
	}
}
