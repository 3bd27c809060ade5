package snapshots

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore/storetest"
)

// A writer stalls at each of its requests, before the store sees it or after, while others do what they do, and then
// goes on: what they wrote is there, what it was told was written is there once, and what it was not told is not.
func TestStalledWriterGoesOn(t *testing.T) {
	schedules, step := 0, int64(1)
	if testing.Short() {
		step = 3
	}
	for name, while := range map[string]func(z *zombie){
		"another one takes over": func(z *zombie) {
			z.expire()
			z.others("host-b", "b1")
		},
		"another one takes over and collects": func(z *zombie) {
			z.expire()
			z.others("host-b", "b1", "b2")
			if _, err := z.Collect(z.t.Context(), CollectRequest{Dataset: "o", Rule: Rule{Last: 1}, Now: time.Now()}); err != nil {
				z.t.Error(err)
			}
		},
		"its replica is started again": func(z *zombie) { // which does not wait for a lease of its own
			z.others("host-a", "a1")
			if _, err := z.Collect(z.t.Context(), CollectRequest{Dataset: "o", Rule: Rule{Last: 2}, Now: time.Now()}); err != nil {
				z.t.Error(err)
			}
		},
	} {
		for _, incremental := range []bool{false, true} {
			for n := int64(1); ; n += step {
				z := &zombie{bed: bedOnS3(t, server.URL), while: while, n: n, after: (n/step)%2 == 0, incremental: incremental}
				where := fmt.Sprintf("%s, incremental %t, request %d, after it %t", name, incremental, n, z.after)
				if !z.run(where, name == "its replica is started again") {
					break
				}
				schedules++
			}
		}
	}
	t.Logf("%d schedules", schedules)
	if schedules < 50 && step == 1 {
		t.Error("too few")
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

type zombie struct {
	*bed
	while       func(*zombie)
	n           int64
	after       bool
	incremental bool

	wrote []Snapshot // by others, meanwhile
}

// expire has the lease be one that nobody renewed for long.
func (z *zombie) expire() {
	ctx := z.t.Context()
	body, version, err := z.Manager.store.Load(ctx, metadata.LeaseKey("o"))
	if err != nil {
		return // there is none yet
	}
	l, err := metadata.DecodeLease(body)
	if err == nil {
		l.DurationMs, l.RenewMs = 0, l.RenewMs+1
		if body, err = l.Encode(); err == nil {
			err = z.Manager.store.Replace(ctx, metadata.LeaseKey("o"), version, body)
		}
	}
	if err != nil {
		z.t.Error(err)
	}
}

// text is version n of what is written.
func (z *zombie) text(n int) string {
	if z.incremental {
		return content(n)
	}
	return strings.Repeat("text", n+1)
}

func (z *zombie) others(identity string, texts ...string) {
	for i, text := range texts {
		r := childRequest(z.dir, identity, z.text(5+i)+text)
		r.Lease.Process = "another"
		r.Incremental, r.FullEvery = z.incremental, 100
		s, err := z.Create(z.t.Context(), r)
		if err != nil {
			z.t.Errorf("%s: %v", text, err)
			continue
		}
		z.wrote = append(z.wrote, s)
	}
}

// run has the writer stall at its n-th request; false when it has fewer.
func (z *zombie) run(where string, same bool) bool {
	t := z.t
	for i := range 2 {
		if _, err := z.write("o", z.text(i), func(r *CreateRequest) { r.Incremental, r.FullEvery = z.incremental, 100 }); err != nil {
			t.Fatal(err)
		}
	}
	proxy := storetest.NewProxy(t, server.URL)
	bucket := z.Location()[len("s3://") : len(z.Location())-len("/snaps/")]
	m, err := Open(t.Context(), "s3://"+bucket+"/snaps/", "", map[string]string{"s3_endpoint": proxy.URL, "s3_region": "us-east-1", "s3_auth": "key",
		"s3_key": storetest.Key, "s3_secret": storetest.Secret, "allow_http": "true", "client_timeout": "10m"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var count atomic.Int64
	proxy.Break(func(w http.ResponseWriter, q *http.Request) bool {
		if count.Add(1) != z.n {
			return false
		}
		if !z.after {
			z.while(z)
			return false
		}
		resp, err := http.DefaultTransport.RoundTrip(forward(q, server.URL))
		if err != nil {
			t.Error(err)
			return false
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		z.while(z)
		maps.Copy(w.Header(), resp.Header)
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(body)
		return true
	})
	r := childRequest(t.TempDir(), "host-a", z.text(4))
	r.Incremental, r.FullEvery = z.incremental, 100
	s, err := m.Create(t.Context(), r)
	stalled := count.Load() >= z.n
	list := z.list()
	for _, l := range list {
		if err := z.Verify(t.Context(), "o", l.ID, nil); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
	find := func(want Snapshot) (n int) {
		for _, l := range list {
			if l.ID == want.ID && l.Checksum == want.Checksum && l.URI == want.URI {
				n++
			}
		}
		return n
	}
	for i, w := range z.wrote {
		if n := find(w); n != 1 && (n != 0 || i == len(z.wrote)-1) { // the last is never collected
			t.Errorf("%s: %d of what was written meanwhile is there %d times: %+v", where, w.ID, n, list)
		}
	}
	extra := len(list) // of the zombie
	for _, l := range list {
		if l.Rows != int64(len(z.text(4))) {
			extra--
		}
	}
	switch {
	case err == nil && stalled && !same && len(z.wrote) > 0 && s.ID > z.wrote[0].ID:
		t.Errorf("%s: it wrote %d although another one took over with %d", where, s.ID, z.wrote[0].ID)
	case err == nil && extra > 1, err != nil && extra > 0:
		t.Errorf("%s: %v, and its snapshot is there %d times: %+v", where, err, extra, list)
	case err == nil && extra == 0 && (len(z.wrote) == 0 || s.ID > z.wrote[len(z.wrote)-1].ID):
		t.Errorf("%s: %d is lost: %+v", where, s.ID, list)
	case err != nil && KindOf(err) != Superseded && KindOf(err) != Standby:
		t.Errorf("%s: %s: %v", where, KindOf(err), err)
	}
	if len(z.wrote) > 0 && err != nil && !list[0].Current {
		t.Errorf("%s: %+v", where, list)
	}
	return stalled
}
