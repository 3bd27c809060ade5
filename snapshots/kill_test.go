package snapshots

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pitwall/snapshots/objstore/storetest"
)

// Processes are killed in these tests: this one starts itself again with what it shall do.
const (
	childEnv    = "PITWALL_SNAPSHOTS_CHILD"
	endpointEnv = "PITWALL_SNAPSHOTS_ENDPOINT"
)

// place opens a bucket behind an endpoint.
func place(ctx context.Context, bucket, endpoint string) (*Manager, error) {
	return Open(ctx, "s3://"+bucket+"/snaps/", "", map[string]string{"s3_endpoint": endpoint, "s3_region": "us-east-1",
		"s3_auth": "key", "s3_key": storetest.Key, "s3_secret": storetest.Secret, "allow_http": "true"})
}

// child does what the environment says: "bucket operation". It prints what was acknowledged.
func child(what string) error {
	bucket, op, _ := strings.Cut(what, " ")
	ctx := context.Background()
	m, err := place(ctx, bucket, os.Getenv(endpointEnv))
	if err != nil {
		return err
	}
	defer m.Close()
	dir, err := os.MkdirTemp("", "pitwall-child-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	switch op {
	case "create":
		s, err := m.Create(ctx, childRequest(dir, "host-a", "a new one"))
		if err == nil {
			fmt.Printf("ack %d %s\n", s.ID, s.Checksum)
		}
		return err
	case "increment":
		r := childRequest(dir, "host-a", content(4))
		r.Incremental, r.FullEvery = true, 100
		s, err := m.Create(ctx, r)
		if err == nil {
			fmt.Printf("ack %d %s\n", s.ID, s.Checksum)
		}
		return err
	case "collect":
		_, err := m.Collect(ctx, CollectRequest{Dataset: "o", Rule: Rule{Last: 2}, Now: time.Now()})
		return err
	case "bootstrap":
		got := ""
		_, err := m.Bootstrap(ctx, BootstrapRequest{Dataset: "o", Engine: "duckdb", OnFailure: Fallback, Dir: dir,
			Install: func(_ context.Context, file string, _ Snapshot) error {
				b, err := os.ReadFile(file)
				got = fmt.Sprintf("%x", sha256.Sum256(b))
				return err
			}})
		if err == nil {
			fmt.Println("loaded", got)
		}
		return err
	case "pin":
		if err := m.Pin(ctx, "o", 1); err != nil {
			return err
		}
		fmt.Println("pinned")
		return nil
	case "write":
		for i := 0; ; i++ {
			// What all have in common makes it worth while to store the rest as an increment.
			r := childRequest(dir, "", strings.Repeat("in common ", 100_000)+fmt.Sprintf("process %d, text %d", os.Getpid(), i))
			r.Incremental, r.FullEvery = i%3 != 0, 5
			s, err := m.Create(ctx, r)
			if err != nil {
				return err
			}
			fmt.Printf("ack %d %s\n", s.ID, s.Checksum)
		}
	}
	return fmt.Errorf("unknown operation %q", op)
}

// childRequest writes text; with an identity under its lease.
func childRequest(dir, identity, text string) CreateRequest {
	r := CreateRequest{Dataset: "o", Engine: "duckdb", Extension: ".duckdb", LastUpdated: time.Now(), Force: true,
		Export: func(context.Context) (Copy, error) {
			p := filepath.Join(dir, "copy")
			return Copy{Path: p, Rows: int64(len(text)), Schema: schema}, os.WriteFile(p, []byte(text), 0o600)
		}}
	if identity != "" {
		r.Lease = &LeaseTerms{Identity: identity, Process: "x", Duration: time.Minute}
	}
	return r
}

func spawn(t *testing.T, endpoint, what string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	// What it leaves when it is killed goes with the test.
	cmd.Env = append(os.Environ(), childEnv+"="+what, endpointEnv+"="+endpoint, "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = &bytes.Buffer{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// A process is killed at every request that it sends to the store, once before the store saw it and once after.
// What it acknowledged is there, what is listed is whole, and another process goes on at once.
func TestKilledAtEveryRequest(t *testing.T) {
	ops := []string{"create", "collect", "pin"}
	kills := 0
	for _, op := range ops {
		for _, after := range []bool{false, true} {
			for n := int64(1); ; n++ {
				if !killedAt(t, op, n, after) {
					if n < 4 {
						t.Errorf("%s has %d requests only", op, n-1)
					}
					break
				}
				kills++
			}
		}
	}
	t.Logf("%d kills", kills)
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// killedAt kills a process at its n-th request; false when it has fewer.
func killedAt(t *testing.T, op string, n int64, after bool) bool {
	t.Helper()
	ctx := t.Context()
	bucket := fmt.Sprintf("kill-%s-%d-%t", op, n, after)
	if err := server.CreateBucket(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	m, err := place(ctx, bucket, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	b := &bed{t: t, Manager: m, dir: t.TempDir()}
	for i := range 4 {
		b.mustWrite("o", fmt.Sprint("text ", i))
	}
	acked, killed := kill(t, bucket, op, n, after)
	if !killed && acked == "" && op != "collect" {
		t.Fatalf("%s was not killed, and acknowledged nothing", op)
	}
	where := fmt.Sprintf("%s, request %d, after it %t", op, n, after)
	list, err := m.List(ctx, "o")
	if err != nil || len(list) < 2 {
		t.Fatalf("%s: %+v, %v", where, list, err)
	}
	for _, s := range list {
		if err := m.Verify(ctx, "o", s.ID, nil); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
	var id uint64
	var sum string
	if _, err := fmt.Sscanf(acked, "ack %d %s", &id, &sum); err == nil && (list[0].ID != id || list[0].Checksum != sum || !list[0].Current) {
		t.Errorf("%s: acknowledged %s, listed is %+v", where, acked, list[0])
	}
	if acked == "pinned" && !list[2].Pinned {
		t.Errorf("%s: not pinned: %+v", where, list)
	}
	// The next process of this replica goes on, whatever the other one left.
	s, err := m.Create(ctx, childRequest(b.dir, "host-a", "the next"))
	if err != nil {
		t.Errorf("%s: then: %v", where, err)
	} else if s.ID < 4 {
		t.Errorf("%s: then: id %d again", where, s.ID)
	}
	if _, err := m.Collect(ctx, CollectRequest{Dataset: "o", Rule: Rule{Last: 1}, Now: time.Now().Add(orphanAge + time.Hour)}); err != nil {
		t.Errorf("%s: then: %v", where, err)
	}
	want := 1 // the newest, and what is pinned
	if list, _ := m.List(ctx, "o"); len(list) > 0 && !list[0].Current {
		want++
	}
	if left := objectsIn(t, filepath.Join(server.Dir, bucket)); left != want {
		t.Errorf("%s: %d objects are left, want %d", where, left, want)
	}
	return killed
}

// kill runs a process until its n-th request, and kills it before the store sees that, or after. It returns the last
// line that the process printed, and whether it came that far.
func kill(t *testing.T, bucket, op string, n int64, after bool) (acked string, killed bool) {
	t.Helper()
	proxy := storetest.NewProxy(t, server.URL)
	var count atomic.Int64
	var cmd *exec.Cmd
	started := make(chan struct{})
	proxy.Break(func(_ http.ResponseWriter, q *http.Request) bool {
		if count.Add(1) != n {
			return false
		}
		<-started
		if after {
			resp, err := http.DefaultTransport.RoundTrip(forward(q, server.URL))
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}
		_ = cmd.Process.Kill()
		panic(http.ErrAbortHandler)
	})
	var lines *bufio.Scanner
	cmd, lines = spawn(t, proxy.URL, bucket+" "+op)
	close(started)
	for lines.Scan() {
		acked = lines.Text()
	}
	if err := cmd.Wait(); err != nil && count.Load() < n {
		t.Errorf("%s: %v: %s", op, err, cmd.Stderr)
	}
	return acked, count.Load() >= n
}
