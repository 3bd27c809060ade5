package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pitwall/snapshots"
	"pitwall/snapshots/objstore/storetest"
)

const uploadingPod = head + `snapshots:
  location: s3://%[1]s/snaps/
  params: {s3_endpoint: '%[2]s', s3_auth: key, s3_key: %[3]s, s3_secret: %[4]s, s3_region: us-east-1, allow_http: 'true'}
datasets:
  - {from: 'file:a.csv', name: duck, acceleration: {engine: duckdb, mode: file, refresh_check_interval: 20ms, snapshots: enabled, snapshots_creation_policy: always}}
  - {from: 'file:a.csv', name: lite, acceleration: {engine: sqlite, mode: file, refresh_check_interval: 20ms, snapshots: enabled, snapshots_creation_policy: always}}
`

// The process is told to stop while uploads, commits or looks at the store are under way that get no answer any more:
// it ends soon, what it acknowledged is there, and what it had not finished is gone.
func TestStopsSoonWhileTheStoreHangs(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	if n, err := strconv.Atoi(os.Getenv("PITWALL_STOPS")); err == nil {
		rounds = n
	}
	server, stop, err := storetest.StartS3()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	places := []string{"PUT /dataset=", "PUT /metadata.json", "PUT /leases/", "HEAD /dataset=", "GET /metadata.json"}
	var mu sync.Mutex
	var slowest time.Duration
	acknowledged := 0
	round := func(t *testing.T, i int) {
		method, part, _ := strings.Cut(places[i%len(places)], " ")
		bucket := fmt.Sprint("stop-", i)
		if err := server.CreateBucket(t.Context(), bucket); err != nil {
			t.Fatal(err)
		}
		proxy := storetest.NewProxy(t, server.URL)
		at := func(endpoint string) string {
			return fmt.Sprintf(uploadingPod, bucket, endpoint, storetest.Key, storetest.Secret)
		}
		dir := folder(t, map[string]string{"spicepod.yml": at(proxy.URL), "a.csv": "x\n" + strings.Repeat("1\n", 20_000)})
		changing(t, filepath.Join(dir, "a.csv")) // a source that stays as it is is not read again
		c, rest := startServe(t, dir, "snapshot 1 written", "--log-format", "json")
		var hangs atomic.Bool
		inFlight := make(chan struct{})
		proxy.Break(func(w http.ResponseWriter, q *http.Request) bool {
			if !hangs.Load() && q.Method == method && strings.Contains(q.URL.Path, part) && !hangs.Swap(true) {
				close(inFlight)
			}
			return hangs.Load() && storetest.Hang(w, q)
		})
		select {
		case <-inFlight:
		case <-time.After(time.Minute):
			t.Fatalf("no %s %s came", method, part)
		}
		began := time.Now()
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		log := rest()
		_ = c.Wait()
		took := time.Since(began)
		if code := c.ProcessState.ExitCode(); code != 0 || took > 30*time.Second {
			t.Errorf("round %d, %s %s: exit code %d after %s\n%s", i, method, part, code, took, log)
		}
		left, err := filepath.Glob(filepath.Join(dir, ".spice", "data", ".*tmp*"))
		if err != nil || len(left) > 0 {
			t.Errorf("round %d, %s %s: left behind: %v, %v", i, method, part, left, err)
		}
		n := checkWritten(t, bucket, server.URL, log)
		mu.Lock()
		defer mu.Unlock()
		acknowledged += n
		slowest = max(slowest, took)
	}
	t.Run("rounds", func(t *testing.T) {
		for i := range rounds {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				round(t, i)
			})
		}
	})
	t.Logf("%d rounds, %d snapshots acknowledged, the slowest took %s to stop", rounds, acknowledged, slowest.Round(time.Millisecond))
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// changing writes a file anew, again and again until the test ends.
func changing(t *testing.T, path string) {
	end, ended := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(end); <-ended })
	go func() {
		defer close(ended)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-end:
				return
			case <-tick.C:
			}
			text := "x\n" + strings.Repeat("1\n", 20_000+n)
			if err := os.WriteFile(path+".new", []byte(text), 0o644); err == nil {
				err = os.Rename(path+".new", path)
				if err != nil {
					t.Error(err)
				}
			}
		}
	}()
}

// checkWritten looks for the snapshots that a log says were written, and returns how many.
func checkWritten(t *testing.T, bucket, endpoint, log string) (n int) {
	t.Helper()
	m, err := snapshots.Open(t.Context(), "s3://"+bucket+"/snaps/", "", map[string]string{"s3_endpoint": endpoint, "s3_auth": "key",
		"s3_key": storetest.Key, "s3_secret": storetest.Secret, "s3_region": "us-east-1", "allow_http": "true"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	sums := map[string]string{}
	for _, dataset := range []string{"duck", "lite"} {
		list, err := m.List(t.Context(), dataset)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			sums[fmt.Sprint(dataset, s.ID)] = s.Checksum
			if err := m.Verify(t.Context(), dataset, s.ID, nil); err != nil {
				t.Error(err)
			}
		}
	}
	for line := range strings.Lines(log) {
		var l struct{ Msg, Dataset, SHA256 string }
		var id uint64
		if json.Unmarshal([]byte(line), &l) != nil {
			continue
		}
		if k, _ := fmt.Sscanf(l.Msg, "snapshot %d written", &id); k == 1 {
			if n++; l.SHA256 == "" || sums[fmt.Sprint(l.Dataset, id)] != l.SHA256 {
				t.Errorf("%s: stored is %q", line, sums[fmt.Sprint(l.Dataset, id)])
			}
		}
	}
	return n
}
