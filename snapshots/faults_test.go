package snapshots

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pitwall/snapshots/objstore/storetest"
)

// storeFaults are what a store does wrong; once tells that a client which tries again gets what it wants.
func storeFaults() map[string]struct {
	fault storetest.Fault
	once  bool
} {
	pass := func(w http.ResponseWriter, q *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(forward(q, server.URL))
		if err == nil {
			maps.Copy(w.Header(), resp.Header)
		}
		return resp, err
	}
	type f = struct {
		fault storetest.Fault
		once  bool
	}
	return map[string]f{
		"500":          {storetest.Status(http.StatusInternalServerError), true},
		"503":          {storetest.Status(http.StatusServiceUnavailable), true},
		"403":          {storetest.Status(http.StatusForbidden), false},
		"409":          {storetest.Status(http.StatusConflict), false},
		"404":          {storetest.Status(http.StatusNotFound), false},
		"hang":         {storetest.Hang, false},
		"reset before": {func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, true},
		"reset after": {func(w http.ResponseWriter, q *http.Request) bool {
			if resp, err := pass(w, q); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			panic(http.ErrAbortHandler)
		}, true},
		"truncated": {func(w http.ResponseWriter, q *http.Request) bool {
			resp, err := pass(w, q)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			defer resp.Body.Close()
			w.WriteHeader(resp.StatusCode)
			_, _ = io.CopyN(w, resp.Body, resp.ContentLength/2)
			panic(http.ErrAbortHandler)
		}, true},
		"garbage": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "<Error><Code>\x00</")
			return true
		}, true},
		"slow": {func(w http.ResponseWriter, q *http.Request) bool {
			select {
			case <-q.Context().Done():
			case <-time.After(300 * time.Millisecond):
			}
			return false
		}, true},
	}
}

// Every fault at every kind of request, the first time, the third time and always: no call hangs, what is
// acknowledged is there, what failed is told as what it is, and nothing is in the way of the next one.
func TestStoreFaults(t *testing.T) {
	targets := map[string]func(q *http.Request) bool{
		"data put": func(q *http.Request) bool {
			return q.Method == http.MethodPut && strings.Contains(q.URL.Path, "/dataset=")
		},
		"data get": func(q *http.Request) bool {
			return q.Method == http.MethodGet && strings.Contains(q.URL.Path, "/dataset=")
		},
		"metadata put": func(q *http.Request) bool {
			return q.Method == http.MethodPut && strings.HasSuffix(q.URL.Path, "/metadata.json")
		},
		"metadata get": func(q *http.Request) bool {
			return q.Method == http.MethodGet && strings.HasSuffix(q.URL.Path, "/metadata.json")
		},
		"lease put": func(q *http.Request) bool {
			return q.Method == http.MethodPut && strings.Contains(q.URL.Path, "/leases/")
		},
		"head":   func(q *http.Request) bool { return q.Method == http.MethodHead },
		"delete": func(q *http.Request) bool { return q.Method == http.MethodDelete },
	}
	cells := atomic.Int64{}
	t.Run("cells", func(t *testing.T) {
		for target, match := range targets {
			for name, f := range storeFaults() {
				for _, when := range []string{"first", "third", "always"} {
					if testing.Short() && when != "first" {
						continue
					}
					t.Run(fmt.Sprintf("%s/%s/%s", target, name, when), func(t *testing.T) {
						t.Parallel()
						faultCell(t, match, f.fault, f.once, when)
						cells.Add(1)
					})
				}
			}
		}
	})
	t.Logf("%d cells", cells.Load())
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// cells are named by a number: buckets have no spaces.
var bucketNumber atomic.Int64

func faultCell(t *testing.T, match func(*http.Request) bool, fault storetest.Fault, once bool, when string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	bucket := fmt.Sprintf("fault-%d", bucketNumber.Add(1))
	if err := server.CreateBucket(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	proxy := storetest.NewProxy(t, server.URL)
	m, err := Open(ctx, "s3://"+bucket+"/snaps/", "", map[string]string{"s3_endpoint": proxy.URL, "s3_region": "us-east-1",
		"s3_auth": "key", "s3_key": storetest.Key, "s3_secret": storetest.Secret, "allow_http": "true", "client_timeout": "1s"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	b := &bed{t: t, Manager: m, dir: t.TempDir()}
	b.mustWrite("o", "zero")
	b.mustWrite("o", "one")
	var count atomic.Int64
	proxy.Break(func(w http.ResponseWriter, q *http.Request) bool {
		if !match(q) {
			return false
		}
		switch n := count.Add(1); {
		case when == "first" && n != 1, when == "third" && n != 3:
			return false
		}
		return fault(w, q)
	})
	// Each operation ends well, or says what is wrong.
	told := func(op string, err error) {
		t.Helper()
		switch {
		case err == nil, errors.Is(err, ErrNone): // a store that says 404 has none
		case errors.Is(err, context.DeadlineExceeded):
			t.Errorf("%s hangs: %v", op, err)
		case KindOf(err) == "":
			t.Errorf("%s: not told what kind it is: %v", op, err)
		case once && when != "always":
			t.Errorf("%s: to try again would have helped: %v", op, err)
		}
	}
	s, cerr := m.Create(ctx, childRequest(b.dir, "host-a", "two"))
	told("create", cerr)
	got, _, berr := b.boot()
	told("bootstrap", berr)
	if berr == nil && got != "two" && (cerr == nil || got != "one") {
		t.Errorf("loaded %q", got)
	}
	_, derr := m.Collect(ctx, CollectRequest{Dataset: "o", Rule: Rule{Last: 2}, Now: time.Now()})
	told("collect", derr)
	proxy.Break(nil)
	list, err := m.List(ctx, "o")
	if err != nil || len(list) < 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	if cerr == nil && (list[0].ID != s.ID || list[0].Checksum != s.Checksum) {
		t.Errorf("%+v was acknowledged, listed is %+v", s, list[0])
	}
	for _, s := range list {
		if err := m.Verify(ctx, "o", s.ID, nil); err != nil {
			t.Error(err)
		}
	}
	if _, err := m.Create(ctx, childRequest(b.dir, "host-a", "three")); err != nil {
		t.Errorf("mended, but: %v", err)
	}
	if got, _, err := b.boot(); err != nil || got != "three" {
		t.Errorf("mended, loaded %q, %v", got, err)
	}
}
