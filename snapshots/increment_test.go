package snapshots

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pitwall/snapshots/blocks"
	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore/storetest"
)

// content is version n of a database: it grows, and a few blocks change.
func content(n int) string {
	b := make([]byte, 12*blocks.Bytes+n*blocks.Bytes/3)
	rand.NewChaCha8([32]byte{1}).Read(b)
	for i := range n {
		copy(b[(1+i)*blocks.Bytes:], fmt.Sprintf("version %d", i))
	}
	return string(b)
}

func incremental(every int) func(*CreateRequest) {
	return func(r *CreateRequest) { r.Incremental, r.FullEvery = true, every }
}

// chain writes versions 0 to n-1, of which every fourth is full.
func (b *bed) chain(n int) (out []Snapshot) {
	b.t.Helper()
	for i := range n {
		s, err := b.write("o", content(i), incremental(4))
		if err != nil {
			b.t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func (b *bed) list() []Snapshot {
	b.t.Helper()
	list, err := b.List(b.t.Context(), "o")
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

func (b *bed) current() uint64 {
	b.t.Helper()
	for _, s := range b.list() {
		if s.Current {
			return s.ID
		}
	}
	b.t.Fatal("none is current")
	return 0
}

// chosen bootstraps from one snapshot.
func (b *bed) chosen(id uint64) (string, error) {
	got, _, err := b.boot(func(r *BootstrapRequest) { r.ID = &id })
	return got, err
}

// bedOnS3 is a bed on a bucket behind an endpoint.
func bedOnS3(t *testing.T, endpoint string) *bed {
	t.Helper()
	name := "box-" + strings.ToLower(fmt.Sprintf("%x", rand.Uint64()))
	if err := server.CreateBucket(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	m, err := place(t.Context(), name, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return &bed{t: t, Manager: m, store: filepath.Join(server.Dir, name, "snaps"), dir: t.TempDir()}
}

// Every snapshot of a chain is restored byte for byte, the incremental ones store little, and metadata.json, which
// Spice reads, names the full ones only.
func TestAChainOfIncrementalSnapshots(t *testing.T) {
	for name, b := range map[string]*bed{"file": newBed(t), "s3": bedOnS3(t, server.URL)} {
		t.Run(name, func(t *testing.T) {
			all := b.chain(10)
			for i, s := range all {
				full := i%4 == 0
				if s.ID != uint64(i) || s.Incremental == full || !s.Current || s.Bytes != int64(len(content(i))) || s.Rows != s.Bytes {
					t.Errorf("%d: %+v", i, s)
				}
				if !full && s.Stored > 4*blocks.Bytes || full && s.Stored != s.Bytes {
					t.Errorf("%d: %d of %d bytes were stored", i, s.Stored, s.Bytes)
				}
				if got, err := b.chosen(s.ID); err != nil || got != content(i) {
					t.Errorf("%d: %d bytes, %v", i, len(got), err)
				}
				var last int64
				if err := b.Verify(t.Context(), "o", s.ID, func(done, _ int64) { last = done }); err != nil || last != s.Bytes {
					t.Errorf("%d: verify: %d of %d, %v", i, last, s.Bytes, err)
				}
			}
			list := b.list()
			if len(list) != 10 || list[0].ID != 9 || !list[0].Current || list[1].Current || list[0].Checksum != all[9].Checksum {
				t.Errorf("listed: %+v", list)
			}
			f, _, err := b.load(t.Context())
			if err != nil || len(f.Datasets["o"].Snapshots) != 3 || f.Datasets["o"].NextID() != 10 {
				t.Errorf("metadata.json: %+v, %v", f, err)
			}
			// One that was copied elsewhere is restored there: nothing in it is of the place.
			if got, out, err := b.boot(); err != nil || got != content(9) || out.Snapshot.ID != 9 {
				t.Errorf("bootstrapped %+v, %v", out, err)
			}
			// Back to full ones.
			if s, err := b.write("o", "small"); err != nil || s.ID != 10 || s.Incremental || b.current() != 10 {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// What has changed altogether is stored as one object; so is what has nothing to build on.
func TestFullSnapshotsWhereIncrementsDoNotPay(t *testing.T) {
	b := newBed(t)
	b.mustWrite("o", content(0)) // without an index
	for i, text := range []string{content(1), strings.Repeat("x", 5*blocks.Bytes) + strings.ToUpper(content(2))} {
		if s, err := b.write("o", text, incremental(100)); err != nil || s.Incremental {
			t.Errorf("%d: %+v, %v", i, s, err)
		}
	}
	s, err := b.write("o", strings.Repeat("x", 5*blocks.Bytes)+strings.ToUpper(content(2)), incremental(100))
	if err != nil || !s.Incremental || s.Stored > blocks.Bytes/4 { // nothing but the index
		t.Errorf("%+v, %v", s, err)
	}
	if err := b.Verify(t.Context(), "o", s.ID, nil); err != nil {
		t.Error(err)
	}
	// What it would build on is gone.
	if err := os.Remove(b.object(b.list()[1])); err != nil {
		t.Fatal(err)
	}
	if s, err := b.write("o", content(3), incremental(100)); err != nil || s.Incremental {
		t.Errorf("%+v, %v", s, err)
	}
	// on_change knows incremental snapshots, too.
	at := time.Now()
	for i, want := range []Kind{"", Unchanged} {
		if _, err := b.write("o", content(4), incremental(100), func(r *CreateRequest) { r.Force, r.LastUpdated = false, at }); KindOf(err) != want {
			t.Errorf("%d: %v", i, err)
		}
	}
	if s := b.list()[0]; !s.Incremental {
		t.Errorf("%+v", s)
	}
}

// A damaged or missing object of an incremental snapshot is told by its kind, and fallback goes past it.
func TestDamagedIncrementalSnapshots(t *testing.T) {
	for name, tt := range map[string]struct {
		object func(b *bed) string
		edit   func(path string) error
		kind   Kind
		then   int // the version that fallback comes to
	}{
		"pack is damaged":    {(*bed).pack, flip, Corrupt, 2},
		"pack is gone":       {(*bed).pack, os.Remove, Missing, 2},
		"pack is cut short":  {(*bed).pack, func(p string) error { return os.Truncate(p, 100) }, Corrupt, 2},
		"index is damaged":   {(*bed).lastIndex, flip, Corrupt, 2},
		"index is gone":      {(*bed).lastIndex, os.Remove, Missing, 2},
		"base is gone":       {(*bed).base0, os.Remove, Missing, -1},
		"index is another's": {(*bed).lastIndex, func(p string) error { return copyOver(p, filepath.Dir(p)) }, Corrupt, 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.chain(4)
			if err := tt.edit(tt.object(b)); err != nil {
				t.Fatal(err)
			}
			if err := b.Verify(t.Context(), "o", 3, nil); KindOf(err) != tt.kind {
				t.Errorf("verify: %v", err)
			}
			if _, err := b.chosen(3); KindOf(err) != tt.kind {
				t.Errorf("bootstrap: %v", err)
			}
			got, out, err := b.boot(func(r *BootstrapRequest) { r.OnFailure = Fallback })
			switch {
			case tt.then < 0 && err == nil:
				t.Error("what all need is gone, but one was loaded")
			case tt.then >= 0 && (err != nil || got != content(tt.then) || len(out.Rejected) == 0 || out.Rejected[0].Kind != tt.kind):
				t.Errorf("fallback: %+v, %v", out, err)
			}
		})
	}
}

func flip(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[len(b)/2] ^= 1
	return os.WriteFile(path, b, 0o600)
}

// copyOver puts another index in the place of one.
func copyOver(path, dir string) error {
	all, err := filepath.Glob(filepath.Join(dir, "*.index"))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(p string) bool { return p != path })
	b, err := os.ReadFile(all[i])
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

// pack is the object with the own blocks of the newest snapshot.
func (b *bed) pack() string {
	for _, key := range b.list()[0].objects {
		if strings.HasPrefix(key, metadata.PacksFolder) && strings.HasSuffix(b.lastIndex(), strings.TrimSuffix(filepath.Base(key), ".pack")+".index") {
			return filepath.Join(b.store, key)
		}
	}
	b.t.Fatal("no pack")
	return ""
}

func (b *bed) lastIndex() string { return b.object(b.list()[0]) }

func (b *bed) base0() string { all := b.list(); return b.object(all[len(all)-1]) }

// The pointer goes to and fro between both kinds, and a pin holds it.
func TestThePointerOfBothKinds(t *testing.T) {
	b := newBed(t)
	ctx := t.Context()
	b.chain(7) // 0 and 4 are full
	at := func(want uint64, errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
		if got := b.current(); got != want {
			t.Errorf("%d is current, want %d", got, want)
		}
		if _, out, err := b.boot(); err != nil || out.Snapshot.ID != want {
			t.Errorf("%d was loaded, want %d: %v", out.Snapshot.ID, want, err)
		}
	}
	at(6)
	at(4, b.SetCurrent(ctx, "o", 4)) // where the pointer of metadata.json is anyhow
	at(2, b.SetCurrent(ctx, "o", 2))
	at(0, b.SetCurrent(ctx, "o", 0))
	at(5, b.SetCurrent(ctx, "o", 5))
	at(5, b.Pin(ctx, "o", 5))
	if err := b.SetCurrent(ctx, "o", 4); KindOf(err) != Invalid {
		t.Error(err)
	}
	if _, err := b.write("o", content(7), incremental(100)); err != nil {
		t.Error(err)
	}
	b.mustWrite("o", "full") // 8
	at(5)
	if list := b.list(); len(list) != 9 || !list[3].Pinned || list[3].ID != 5 {
		t.Errorf("%+v", list)
	}
	at(8, b.Unpin(ctx, "o"))
	at(4, b.Pin(ctx, "o", 4))
	at(6, b.Pin(ctx, "o", 6))
	at(0, b.Pin(ctx, "o", 0))
	at(8, b.Unpin(ctx, "o"), b.Unpin(ctx, "o"))
	if _, err := b.write("o", "full", incremental(100)); err != nil {
		t.Error(err)
	}
	s, err := b.write("o", "full", incremental(100))
	if err != nil || !s.Incremental {
		t.Errorf("%+v, %v", s, err)
	}
	at(10)
	at(0, b.Pin(ctx, "o", 0))
	at(10, b.Unpin(ctx, "o"))
	// Another writer, which knows nothing of all this, publishes.
	if err := b.change(ctx, func(f *metadata.File) error {
		d := f.Datasets["o"]
		r := *d.Snapshot(8)
		r.ID = 20
		d.Snapshots, d.CurrentID = append(d.Snapshots, r), &r.ID
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	at(20)
	if err := b.SetCurrent(ctx, "o", 99); KindOf(err) != Missing {
		t.Error(err)
	}
}

// Retention never deletes what a snapshot that stays is made of, and in the end all that none needs.
func TestCollectIncrementalSnapshots(t *testing.T) {
	b := newBed(t)
	b.chain(7) // 0 and 4 are full
	collect := func(now time.Time, last int) Collected {
		t.Helper()
		out, err := b.Collect(t.Context(), CollectRequest{Dataset: "o", Rule: Rule{Last: last}, Now: now, Grace: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range b.list() {
			if err := b.Verify(t.Context(), "o", s.ID, nil); err != nil {
				t.Errorf("%d: %v", s.ID, err)
			}
		}
		return out
	}
	now := time.Now()
	collect(now, 2) // 6 and 5 stay, which need 4
	collect(now.Add(2*time.Hour), 2)
	collect(now.Add(orphanAge+2*time.Hour), 2)
	list := b.list()
	if len(list) != 3 || list[0].ID != 6 || list[1].ID != 5 || list[2].ID != 4 { // 4 is what Spice has for current
		t.Fatalf("%+v", list)
	}
	if err := b.Delete(t.Context(), "o", 4, nil); KindOf(err) != Invalid {
		t.Error(err)
	}
	// Building on them goes on.
	if s, err := b.write("o", content(7), incremental(100)); err != nil || s.ID != 7 {
		t.Errorf("%+v, %v", s, err)
	}
	b.mustWrite("o", "full")
	if err := b.Delete(t.Context(), "o", 5, nil); err != nil {
		t.Error(err)
	}
	collect(now.Add(3*time.Hour), 2)
	left := func() (n int) {
		_ = filepath.WalkDir(b.store, func(p string, d os.DirEntry, _ error) error {
			if !d.IsDir() && !strings.HasSuffix(p, ".json") && !strings.HasSuffix(p, ".lock") {
				n++
			}
			return nil
		})
		return n
	}
	collect(now.Add(orphanAge+2*time.Hour), 2)
	if n := left(); n > 6 { // 7: its index, its pack if it is not full itself, what it builds on; 8: one object
		t.Errorf("%d objects are left", n)
	}
	if _, err := b.write("o", "full", incremental(100)); err != nil {
		t.Error(err)
	}
}

// Somebody may be loading an incremental snapshot that was just removed: also the full object that it is made of stays
// for the grace, although its record went long ago.
func TestCollectWaitsForReadersOfIncrements(t *testing.T) {
	b := newBed(t)
	b.chain(3)
	base := b.base0()
	b.mustWrite("o", "other")
	if err := b.SetCurrent(t.Context(), "o", 2); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(10 * orphanAge)
	collect := func(now time.Time) {
		t.Helper()
		if _, err := b.Collect(t.Context(), CollectRequest{Dataset: "o", Rule: Rule{Last: 1}, Now: now, Grace: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	there := func() bool { _, err := os.Stat(base); return err == nil }
	collect(long)
	collect(long.Add(2 * time.Hour))
	if list := b.list(); len(list) != 2 || list[1].ID != 2 || !there() { // and what Spice has for current
		t.Fatalf("%+v, the base is there: %v", list, there())
	}
	b.mustWrite("o", "full")
	collect(long.Add(3 * time.Hour))
	if list := b.list(); len(list) != 1 || list[0].Incremental || !there() {
		t.Errorf("%+v, the base is there: %v", list, there())
	}
	collect(long.Add(5 * time.Hour))
	if there() {
		t.Error("the base is still there")
	}
}

// A writer that another one took over from publishes no incremental snapshot either.
func TestAnIncrementIsFenced(t *testing.T) {
	b := newBed(t)
	b.chain(2)
	if err := b.change(t.Context(), func(f *metadata.File) error { f.Datasets["o"].SetGeneration(9); return nil }); err != nil {
		t.Fatal(err)
	}
	_, err := b.commitIncrement(t.Context(), CreateRequest{Dataset: "o"}, nil, metadata.Increment{}, 0, &Held{Generation: 8})
	if KindOf(err) != Superseded || len(b.list()) != 2 {
		t.Errorf("%v, %+v", err, b.list())
	}
}

// An own state that can't be read costs the incremental snapshots, not the others, and collects nothing.
func TestALostOwnState(t *testing.T) {
	b := newBed(t)
	b.chain(3)
	path := filepath.Join(b.store, metadata.OwnKey("o"))
	if err := os.WriteFile(path, []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, out, err := b.boot(); err != nil || got != content(0) || out.Snapshot.ID != 0 {
		t.Errorf("%+v, %v", out, err)
	}
	if _, err := b.Collect(t.Context(), CollectRequest{Dataset: "o", Now: time.Now().Add(100 * time.Hour)}); KindOf(err) != BadMetadata {
		t.Errorf("%v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if s, err := b.write("o", content(3), incremental(4)); err != nil || s.ID != 3 {
		t.Errorf("%+v, %v", s, err)
	}
}

// The answer to each request is lost once: there is one snapshot more, or an error and none.
func TestIncrementsWithLostAnswers(t *testing.T) {
	proxy := storetest.NewProxy(t, server.URL)
	b := bedOnS3(t, proxy.URL)
	b.chain(1)
	failed := 0
	for n := int64(1); ; n++ {
		before := b.list()
		var count atomic.Int64
		proxy.Break(func(_ http.ResponseWriter, q *http.Request) bool {
			if q.Method == http.MethodGet || q.Method == http.MethodHead || count.Add(1) != n {
				return false
			}
			if resp, err := http.DefaultTransport.RoundTrip(forward(q, server.URL)); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			panic(http.ErrAbortHandler)
		})
		text := content(int(n))
		s, err := b.write("o", text, incremental(1000))
		proxy.Break(nil)
		after := b.list()
		switch {
		case err != nil && len(after) != len(before):
			t.Errorf("request %d: %v, but there are %d snapshots", n, err, len(after))
		case err != nil:
			failed++
		case len(after) != len(before)+1 || after[0].ID != s.ID || !after[0].Current || !s.Incremental:
			t.Errorf("request %d: %+v, listed %+v", n, s, after)
		default:
			if got, err := b.chosen(s.ID); err != nil || got != text {
				t.Errorf("request %d: %v", n, err)
			}
		}
		if count.Load() < n {
			if n < 5 {
				t.Errorf("%d writes only", n-1)
			}
			break
		}
	}
	if failed > 0 {
		t.Errorf("%d snapshots failed because an answer was lost", failed)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// A process is killed at every request of an incremental snapshot: what is listed is whole, what was acknowledged is
// there, and the next one goes on.
func TestIncrementsKilledAtEveryRequest(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := int64(1); ; n += steps(1, 3) {
			b := bedOnS3(t, server.URL)
			b.chain(3)
			bucket := filepath.Base(filepath.Dir(b.store))
			acked, killed := kill(t, bucket, "increment", n, after)
			where := fmt.Sprintf("request %d, after it %t", n, after)
			list := b.list()
			if len(list) < 3 || len(list) > 4 || acked != "" && len(list) != 4 {
				t.Errorf("%s: acknowledged %q, listed %+v", where, acked, list)
			}
			for _, s := range list {
				if err := b.Verify(t.Context(), "o", s.ID, nil); err != nil {
					t.Errorf("%s: %v", where, err)
				}
			}
			r := childRequest(b.dir, "host-a", content(5))
			r.Incremental, r.FullEvery = true, 100
			if s, err := b.Create(context.Background(), r); err != nil || !s.Incremental || s.ID < 3 {
				t.Errorf("%s: then: %+v, %v", where, s, err)
			} else if got, err := b.chosen(s.ID); err != nil || got != content(5) {
				t.Errorf("%s: then: %v", where, err)
			}
			if !killed {
				if n < 8 || acked == "" {
					t.Errorf("%d requests only, acknowledged %q", n-1, acked)
				}
				break
			}
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
