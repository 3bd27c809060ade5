package snapshots

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pitwall/snapshots/objstore/storetest"
)

// A reader of refresh_mode: snapshot may load what a verification reads at the same time: each has its own file.
func TestTwoReadersOfOneSnapshotDoNotShareTheirDownload(t *testing.T) {
	b := newBed(t)
	b.mustWrite("o", "text")
	_, err := b.Bootstrap(t.Context(), BootstrapRequest{Dataset: "o", Engine: "duckdb", Dir: b.dir,
		Install: func(ctx context.Context, file string, s Snapshot) error {
			_, err := b.Bootstrap(ctx, BootstrapRequest{Dataset: "o", Engine: "duckdb", ID: &s.ID, Dir: b.dir,
				Install: func(_ context.Context, other string, _ Snapshot) error {
					if other == file {
						t.Errorf("both download to %s", file)
					}
					return nil
				}})
			if err != nil {
				return err
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != "text" {
				t.Errorf("the first download is %q, %v", got, err)
			}
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
}

// A deletion whose answer is lost is one that was done: its object goes, too.
func TestDeletionWhoseAnswerIsLost(t *testing.T) {
	const bucket = "delete-lost"
	if err := server.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	proxy := storetest.NewProxy(t, server.URL)
	m, err := place(t.Context(), bucket, proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	b := &bed{t: t, Manager: m, dir: t.TempDir()}
	for _, text := range []string{"zero", "one", "two"} {
		b.mustWrite("o", text)
	}
	for id, status := range []int{http.StatusForbidden, http.StatusServiceUnavailable} {
		var lost atomic.Bool
		proxy.Break(func(w http.ResponseWriter, q *http.Request) bool {
			if q.Method != http.MethodPut || !strings.HasSuffix(q.URL.Path, "/metadata.json") || lost.Swap(true) {
				return false
			}
			resp, err := http.DefaultTransport.RoundTrip(forward(q, server.URL))
			if err != nil {
				t.Error(err)
				return false
			}
			resp.Body.Close()
			w.WriteHeader(status)
			return true
		})
		if err := m.Delete(t.Context(), "o", uint64(id), nil); err != nil || !lost.Load() {
			t.Errorf("answer %d: %v", status, err)
		}
		if n := objectsIn(t, filepath.Join(server.Dir, bucket)); n != 2-id {
			t.Errorf("answer %d: %d objects are left", status, n)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// Whoever stops while the store does not answer is not kept waiting: a process has seconds to end.
func TestCreateEndsSoonAfterItsContextThoughTheStoreHangs(t *testing.T) {
	const bucket = "hangs"
	if err := server.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"/leases/", "/metadata.json", "/dataset="} {
		proxy := storetest.NewProxy(t, server.URL)
		m, err := place(t.Context(), bucket, proxy.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var hangs atomic.Bool
		proxy.Break(func(w http.ResponseWriter, q *http.Request) bool {
			if q.Method == http.MethodPut && strings.Contains(q.URL.Path, at) {
				hangs.Store(true)
				cancel()
			}
			return hangs.Load() && storetest.Hang(w, q)
		})
		began := time.Now()
		if _, err := m.Create(ctx, childRequest(t.TempDir(), "host-a", "text")); KindOf(err) != Canceled {
			t.Errorf("%s: %v", at, err)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("%s: it ended after %s", at, took)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
