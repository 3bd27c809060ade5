package snapshots

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore/storetest"
)

// server is the S3 server of all tests.
var server *storetest.S3

func TestMain(m *testing.M) {
	if what := os.Getenv(childEnv); what != "" {
		if err := child(what); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if root := os.Getenv(powerEnv); root != "" {
		if err := runPowered(root); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if job := os.Getenv(writerEnv); job != "" {
		os.Exit(runWriters(job))
	}
	if os.Getenv(childServer) != "" {
		os.Exit(serveS3())
	}
	// What runs side by side waits for faults, not for a processor.
	if err := flag.Set("test.parallel", "24"); err != nil {
		panic(err)
	}
	os.Exit(storetest.Main(m, func(s *storetest.S3) { server = s }))
}

var schema = arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)

// bed is a location with a manager and a folder for local files.
type bed struct {
	*Manager
	t          *testing.T
	store, dir string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, store: t.TempDir(), dir: t.TempDir()}
	m, err := Open(t.Context(), "file://"+b.store, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	b.Manager = m
	return b
}

// write makes a snapshot whose content is text; the row count is its length.
func (b *bed) write(dataset, text string, edit ...func(*CreateRequest)) (Snapshot, error) {
	b.t.Helper()
	r := CreateRequest{Dataset: dataset, Engine: "duckdb", Extension: ".duckdb", LastUpdated: time.Now(), Force: true,
		Export: func(context.Context) (Copy, error) {
			p := filepath.Join(b.dir, "copy")
			return Copy{Path: p, Rows: int64(len(text)), Schema: schema}, os.WriteFile(p, []byte(text), 0o600)
		}}
	for _, e := range edit {
		e(&r)
	}
	return b.Create(b.t.Context(), r)
}

func (b *bed) mustWrite(dataset, text string) Snapshot {
	b.t.Helper()
	s, err := b.write(dataset, text)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// object is the local path of a snapshot's bytes.
func (b *bed) object(s Snapshot) string {
	b.t.Helper()
	key, err := metadata.KeyOf(b.Location(), s.URI)
	if err != nil {
		b.t.Fatal(err)
	}
	return filepath.Join(b.store, key)
}

// boot bootstraps and returns the installed text.
func (b *bed) boot(edit ...func(*BootstrapRequest)) (string, Bootstrapped, error) {
	b.t.Helper()
	var got string
	r := BootstrapRequest{Dataset: "o", Engine: "duckdb", OnFailure: Warn, Dir: b.dir,
		Install: func(_ context.Context, file string, _ Snapshot) error {
			c, err := os.ReadFile(file)
			got = string(c)
			return err
		}}
	for _, e := range edit {
		e(&r)
	}
	out, err := b.Bootstrap(b.t.Context(), r)
	if left, _ := filepath.Glob(filepath.Join(b.dir, ".*download*")); len(left) > 0 {
		b.t.Errorf("left behind: %v", left)
	}
	return got, out, err
}

func TestCreateThenBootstrap(t *testing.T) {
	b := newBed(t)
	if _, _, err := b.boot(); !errors.Is(err, ErrNone) {
		t.Fatalf("without snapshots: %v", err)
	}
	var phases []string
	s, err := b.write("o", "one", func(r *CreateRequest) {
		r.Progress = func(p string, _, _ int64) {
			if len(phases) == 0 || phases[len(phases)-1] != p {
				phases = append(phases, p)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(phases, " "); got != "check export upload commit" {
		t.Errorf("phases: %s", got)
	}
	if s.ID != 0 || !s.Current || s.Bytes != 3 || s.Rows != 3 || len(s.Checksum) != 64 || s.Engine != "duckdb" {
		t.Errorf("first snapshot is %+v", s)
	}
	two := b.mustWrite("o", "two")
	if list, err := b.List(t.Context(), "o"); err != nil || len(list) != 2 || list[0].ID != 1 || !list[0].Current || list[1].Current {
		t.Errorf("list is %+v, %v", list, err)
	}
	got, out, err := b.boot()
	if err != nil || got != "two" || out.Snapshot.ID != two.ID {
		t.Errorf("bootstrapped %q from %+v, %v", got, out, err)
	}
	zero := uint64(0)
	if got, _, err := b.boot(func(r *BootstrapRequest) { r.ID = &zero }); err != nil || got != "one" {
		t.Errorf("the chosen snapshot gave %q, %v", got, err)
	}
	nine := uint64(9)
	if _, _, err := b.boot(func(r *BootstrapRequest) { r.ID = &nine }); KindOf(err) != Missing {
		t.Errorf("an unknown snapshot gave %v", err)
	}
}

func TestSnapshotsWithinOneSecondGetTheirOwnKeys(t *testing.T) {
	b := newBed(t)
	seen := map[string]bool{}
	for i := range 5 {
		s := b.mustWrite("o", fmt.Sprint("text ", i))
		if seen[s.URI] {
			t.Fatalf("%s was written twice", s.URI)
		}
		seen[s.URI] = true
		if err := b.Verify(t.Context(), "o", s.ID, nil); err != nil {
			t.Error(err)
		}
	}
}

func TestUnchangedDataIsSkippedUnlessForced(t *testing.T) {
	b := newBed(t)
	at := time.Now()
	edit := func(force bool) func(*CreateRequest) {
		return func(r *CreateRequest) { r.Force, r.LastUpdated = force, at }
	}
	first, err := b.write("o", "a", edit(false))
	if err != nil {
		t.Fatalf("the first snapshot is always written: %v", err)
	}
	if _, err := b.write("o", "a", edit(false)); KindOf(err) != Unchanged {
		t.Errorf("unchanged: %v", err)
	}
	if _, err := b.write("o", "a", edit(true)); err != nil {
		t.Errorf("forced: %v", err)
	}
	other := func(r *CreateRequest) { r.Force, r.Engine, r.LastUpdated = false, "cayenne", at }
	if _, err := b.write("o", "a", other); err != nil {
		t.Errorf("by another engine, which could not load what is there: %v", err)
	}
	if _, err := b.write("o", "a", other); KindOf(err) != Unchanged {
		t.Errorf("by it again: %v", err)
	}
	if _, err := b.write("o", "b", func(r *CreateRequest) { r.Force, r.LastUpdated = false, at.Add(time.Second) }); err != nil {
		t.Errorf("changed: %v", err)
	}
	// Skipping would be wrong when the object that holds the unchanged data is gone.
	last, err := b.write("o", "c", func(r *CreateRequest) { r.LastUpdated = at.Add(2 * time.Second) })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(b.object(last)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.write("o", "c", func(r *CreateRequest) { r.Force, r.LastUpdated = false, at.Add(2*time.Second) }); err != nil {
		t.Errorf("after the loss of the newest object: %v", err)
	}
	_ = first
}

func TestWritersOfOneLocationLoseNothing(t *testing.T) {
	b := newBed(t)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			m, err := Open(context.Background(), "file://"+b.store, "", nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer m.Close()
			p := filepath.Join(b.dir, fmt.Sprint("copy", w))
			for i := range 5 {
				_, err := m.Create(context.Background(), CreateRequest{Dataset: fmt.Sprint("d", w%2), Engine: "duckdb", Extension: ".duckdb", Force: true,
					Export: func(context.Context) (Copy, error) {
						return Copy{Path: p, Schema: schema}, os.WriteFile(p, fmt.Appendf(nil, "%d %d", w, i), 0o600)
					}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, d := range []string{"d0", "d1"} {
		list, err := b.List(t.Context(), d)
		if err != nil || len(list) != 10 {
			t.Fatalf("%s has %d snapshots, %v", d, len(list), err)
		}
		ids := map[uint64]bool{}
		for _, s := range list {
			ids[s.ID] = true
			if err := b.Verify(t.Context(), d, s.ID, nil); err != nil {
				t.Error(err)
			}
		}
		if len(ids) != 10 || !list[0].Current {
			t.Errorf("%s: ids %v, newest current: %v", d, ids, list[0].Current)
		}
	}
}

// Every way to damage the newest snapshots: the newest sound one is loaded, and never a damaged one.
func TestFallbackLoadsTheNewestSoundSnapshot(t *testing.T) {
	damages := map[string]func(t *testing.T, path string){
		"flipped bit": func(t *testing.T, p string) {
			c, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			c[len(c)/2] ^= 1
			if err := os.WriteFile(p, c, 0o644); err != nil {
				t.Fatal(err)
			}
		},
		"truncated": func(t *testing.T, p string) {
			if err := os.Truncate(p, 2); err != nil {
				t.Fatal(err)
			}
		},
		"extra bytes": func(t *testing.T, p string) {
			f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			f.WriteString("x")
			f.Close()
		},
		"missing": func(t *testing.T, p string) {
			if err := os.Remove(p); err != nil {
				t.Fatal(err)
			}
		},
		"empty": func(t *testing.T, p string) {
			if err := os.Truncate(p, 0); err != nil {
				t.Fatal(err)
			}
		},
		"zeroed": func(t *testing.T, p string) {
			st, err := os.Stat(p)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, make([]byte, st.Size()), 0o644); err != nil {
				t.Fatal(err)
			}
		},
	}
	const n = 5
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for set := range 1 << n {
				b := newBed(t)
				want := -1
				for i := range n {
					s := b.mustWrite("o", fmt.Sprint("snapshot ", i))
					if set&(1<<i) != 0 {
						damage(t, b.object(s))
					} else {
						want = i
					}
				}
				got, out, err := b.boot(func(r *BootstrapRequest) { r.OnFailure = Fallback })
				if want < 0 {
					if err == nil || got != "" || len(out.Rejected) != n {
						t.Fatalf("all damaged: %q, %v, %d rejected", got, err, len(out.Rejected))
					}
					continue
				}
				if err != nil || got != fmt.Sprint("snapshot ", want) {
					t.Fatalf("damaged %05b: got %q, %v; want snapshot %d", set, got, err, want)
				}
				if len(out.Rejected) != n-1-want {
					t.Errorf("damaged %05b: %d rejected", set, len(out.Rejected))
				}
				if _, _, err := b.boot(); (err != nil) != (set&(1<<(n-1)) != 0) {
					t.Errorf("warn with %05b damaged: %v", set, err)
				}
			}
		})
	}
}

// 4 KiB, every bit: a damaged snapshot is never handed on.
func TestEveryBitFlipIsFound(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	s := b.mustWrite("o", strings.Repeat("pitwall ", 512))
	p := b.object(s)
	good, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(p, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for bit := range len(good) * 8 {
		if _, err := f.WriteAt([]byte{good[bit/8] ^ 1<<(bit%8)}, int64(bit/8)); err != nil {
			t.Fatal(err)
		}
		if err := b.Verify(t.Context(), "o", s.ID, nil); KindOf(err) != Corrupt {
			t.Fatalf("bit %d: %v", bit, err)
		}
		if _, err := f.WriteAt(good[bit/8:bit/8+1], int64(bit/8)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Verify(t.Context(), "o", s.ID, nil); err != nil {
		t.Error(err)
	}
}

func TestMetadataThatCannotBeReadIsNeverOverwritten(t *testing.T) {
	for name, content := range map[string]string{
		"not JSON":         "<html>busy</html>",
		"empty":            "",
		"format version 2": `{"format-version":2,"location":"x","last-updated-ms":1}`,
		"stray key":        `{"format-version":1,"location":"x","last-updated-ms":1,"note":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			p := filepath.Join(b.store, metadata.Name)
			if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			_, lerr := b.List(t.Context(), "o")
			_, werr := b.write("o", "x")
			_, _, berr := b.boot(func(r *BootstrapRequest) {
				r.Wait = func(context.Context, int, error) error { t.Error("waiting can't cure it"); return errors.New("no") }
			})
			for _, err := range []error{lerr, werr, berr} {
				if KindOf(err) != BadMetadata || !strings.Contains(err.Error(), "o") || HintOf(err) == "" {
					t.Errorf("error is %v (hint %q)", err, HintOf(err))
				}
			}
			if c, _ := os.ReadFile(p); string(c) != content {
				t.Error("metadata.json was changed")
			}
		})
	}
}

func TestWrongEngineIsRefusedBeforeTheDownload(t *testing.T) {
	b := newBed(t)
	b.mustWrite("o", "x")
	_, out, err := b.boot(func(r *BootstrapRequest) { r.Engine = "sqlite" })
	if KindOf(err) != WrongEngine || !strings.Contains(err.Error(), "duckdb") || len(out.Rejected) != 1 {
		t.Errorf("error is %v", err)
	}
}

// What another snapshot can't cure ends the search; what it can goes on.
func TestFallbackStopsAtLocalFaults(t *testing.T) {
	for kind, tries := range map[Kind]int{LocalFailed: 1, DiskFull: 1, Corrupt: 3, WrongSchema: 3} {
		b := newBed(t)
		for range 3 {
			b.mustWrite("o", "x")
		}
		n := 0
		_, _, err := b.boot(func(r *BootstrapRequest) {
			r.OnFailure = Fallback
			r.Install = func(context.Context, string, Snapshot) error { n++; return &Error{Op: "open", Kind: kind} }
		})
		if n != tries || KindOf(err) != kind {
			t.Errorf("%s: %d tries, %v", kind, n, err)
		}
	}
}

// Transient faults are tried again as long as Wait allows; permanent ones are not.
func TestRetryWaitsOnlyForWhatTimeMayCure(t *testing.T) {
	b := newBed(t)
	b.mustWrite("o", "x")
	n := 0
	got, _, err := b.boot(func(r *BootstrapRequest) {
		r.OnFailure = Retry
		install := r.Install
		r.Install = func(ctx context.Context, f string, s Snapshot) error {
			if n++; n < 3 {
				return &Error{Op: "open", Kind: Unavailable}
			}
			return install(ctx, f, s)
		}
		r.Wait = func(_ context.Context, n int, _ error) error { return nil }
	})
	if err != nil || got != "x" || n != 3 {
		t.Errorf("%d tries, %q, %v", n, got, err)
	}
	_, _, err = b.boot(func(r *BootstrapRequest) {
		r.OnFailure = Retry
		r.Install = func(context.Context, string, Snapshot) error { return &Error{Op: "open", Kind: WrongSchema} }
		r.Wait = func(context.Context, int, error) error { t.Error("waited for a permanent fault"); return nil }
	})
	if KindOf(err) != WrongSchema {
		t.Error(err)
	}
}

func TestSchemaVersions(t *testing.T) {
	b := newBed(t)
	b.mustWrite("o", "a")
	b.mustWrite("o", "b")
	wide := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "v", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	if _, err := b.write("o", "c", func(r *CreateRequest) {
		export := r.Export
		r.Export = func(ctx context.Context) (Copy, error) { c, err := export(ctx); c.Schema = wide; return c, err }
	}); err != nil {
		t.Fatal(err)
	}
	f, _, err := b.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := f.Datasets["o"]; len(d.Schemas) != 2 || d.CurrentSchemaID != 1 {
		t.Errorf("schemas: %d, current %d", len(d.Schemas), d.CurrentSchemaID)
	}
}

// A download whose bytes did not reach the disk is not a download: fsync of /dev/null is an error.
func TestDownloadThatCanNotBeSyncedFails(t *testing.T) {
	b := newBed(t)
	s := b.mustWrite("o", "x")
	if err := b.fetch(t.Context(), s, os.DevNull, func(int64) {}); KindOf(err) != LocalFailed {
		t.Errorf("error is %v", err)
	}
}

func TestUnusableNamesAndExportFaults(t *testing.T) {
	b := newBed(t)
	for _, n := range []string{"location", "a/b", "ä"} {
		if _, err := b.write(n, "x"); KindOf(err) != Invalid {
			t.Errorf("%q: %v", n, err)
		}
	}
	boom := errors.New("boom")
	if _, err := b.write("o", "x", func(r *CreateRequest) {
		r.Export = func(context.Context) (Copy, error) { return Copy{}, boom }
	}); !errors.Is(err, boom) {
		t.Error(err)
	}
	if list, err := b.List(t.Context(), "o"); err != nil || len(list) != 0 {
		t.Errorf("a failed snapshot is listed: %v %v", list, err)
	}
}
