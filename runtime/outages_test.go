package runtime_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/snapshots/objstore/storetest"
)

// What goes wrong at a source while a dataset runs: the old data goes on answering, the error names the
// dataset and the cause, the hint the remedy, and the dataset recovers when the cause ends. Files and disks
// are in badinput_test.go, the outage of a database server in postgres_test.go.

// stopS3 ends the S3 server of all tests; nil while none was needed.
var stopS3 func() error

var startS3 = sync.OnceValues(func() (s *storetest.S3, err error) {
	s, stopS3, err = storetest.StartS3()
	return s, err
})

// cloud is a bucket behind a proxy that breaks what it is told to.
type cloud struct {
	*storetest.Proxy
	t      *testing.T
	store  *storetest.S3
	bucket string
}

var clouds atomic.Int64

func newCloud(t *testing.T) *cloud {
	t.Helper()
	s, err := startS3()
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{t: t, store: s, bucket: fmt.Sprintf("outage-%d", clouds.Add(1)), Proxy: storetest.NewProxy(t, s.URL)}
	if err := s.CreateBucket(t.Context(), c.bucket); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cloud) put(key string, body []byte) {
	c.t.Helper()
	if err := c.store.Put(c.t.Context(), c.bucket, key, body); err != nil {
		c.t.Fatal(err)
	}
}

// pod has the dataset d of an object; edits are old, new of its text.
func (c *cloud) pod(key string, edits ...string) string {
	return strings.NewReplacer(edits...).Replace(fmt.Sprintf(`
datasets:
  - from: s3://%s/%s
    name: d
    params: {s3_endpoint: '%s', s3_key: %s, s3_secret: %s, allow_http: true, client_timeout: 300ms}
    acceleration: {engine: duckdb, mode: file}
`, c.bucket, key, c.URL, storetest.Key, storetest.Secret))
}

// down makes the endpoint refuse connections until up is called.
func (c *cloud) down() (up func()) {
	c.t.Helper()
	addr := c.Listener.Addr().String()
	c.CloseClientConnections()
	c.Server.Close()
	return func() {
		c.t.Helper()
		l, err := net.Listen("tcp", addr)
		if err != nil {
			c.t.Fatal(err)
		}
		again := &http.Server{Handler: c.Config.Handler}
		var serving sync.WaitGroup
		serving.Go(func() { _ = again.Serve(l) })
		c.t.Cleanup(func() { _ = again.Close(); serving.Wait() })
	}
}

// object tells whether a request is for the bytes of an object.
func object(r *http.Request) bool {
	return r.Method == http.MethodGet && !r.URL.Query().Has("list-type")
}

// halfway cuts the connection in the middle of the first answer with the bytes of an object that is large,
// and each one after it at once.
func halfway(body []byte) storetest.Fault {
	var cut atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !object(r) {
			return false
		}
		from, to := 0, len(body)-1
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
		if to-from < 100_000 && !cut.Load() { // its footer
			return false
		}
		conn, out, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return false
		}
		defer conn.Close()
		if !cut.Swap(true) {
			fmt.Fprintf(out, "HTTP/1.1 206 Partial Content\r\nContent-Length: %d\r\nContent-Range: bytes %d-%d/%d\r\nLast-Modified: %s\r\n\r\n",
				to-from+1, from, to, len(body), time.Now().UTC().Format(http.TimeFormat))
			_, _ = out.Write(body[from : from+(to-from)/2])
			_ = out.Flush()
		}
		return true
	}
}

// outage checks a dataset that can't be refreshed at the moment but has rows of before.
func (b *bed) outage(name string, rows int64, err, hint string) {
	b.t.Helper()
	d := b.failing(name)
	if !strings.HasPrefix(d.Err, name+": ") || !strings.Contains(d.Err, err) {
		b.t.Errorf("%q does not name %s and %q", d.Err, name, err)
	}
	if d.Hint == "" || !strings.Contains(d.Hint, hint) {
		b.t.Errorf("%q: the hint %q does not say %q", d.Err, d.Hint, hint)
	}
	if !d.HasData || d.Rows != rows || d.FailingSince.IsZero() || strings.Contains(d.Err+d.Hint, storetest.Secret) {
		b.t.Errorf("data %t, %d rows, failing since %s, %q", d.HasData, d.Rows, d.FailingSince, d.Err)
	}
	b.wants("SELECT count(*) AS n FROM "+name, fmt.Sprintf("n\n%d", rows))
}

// retrying checks that a dataset waits for another try.
func (b *bed) retrying(name string) {
	b.t.Helper()
	b.dataset(name, "failing, waiting for a re-try", func(d *api.Dataset) bool { return d.Status == api.Error && d.Retry != nil })
}

func TestStoreOutages(t *testing.T) {
	const rows = 200_000
	large := []byte(csv(rows))
	for _, c := range []struct {
		name      string
		fault     storetest.Fault
		err, hint string
	}{
		{"refuses", nil, "refused", "s3_endpoint"},
		{"hangs", storetest.Hang, "client_timeout", "network"},
		{"answers 503", storetest.Status(503), "Service Unavailable", "tried again"},
		{"answers 403", storetest.Status(403), "Forbidden", "s3_key"},
		{"breaks off in the middle of an object", halfway(large), "a.csv", "s3_endpoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cloud := newCloud(t)
			cloud.put("a.csv", large)
			b := newBed(t, map[string]string{"spicepod.yml": cloud.pod("a.csv")}).start()
			b.ready("d", rows)
			end := func() { cloud.Break(nil) }
			if c.fault == nil {
				end = cloud.down()
			} else {
				cloud.Break(c.fault)
			}
			if task := b.do(api.RefreshNow{Dataset: "d"}); task.State != api.TaskFailed || !strings.Contains(task.Detail, "d: ") {
				t.Errorf("%+v", task)
			}
			b.outage("d", rows, c.err, c.hint)
			b.retrying("d")
			cloud.put("a.csv", []byte(csv(12)))
			end()
			if d := b.ready("d", 12); d.Refreshes[0].Trigger != "retry" || d.Err != "" || d.Hint != "" || d.Retry != nil {
				t.Errorf("%+v, %q", d.Refreshes[0], d.Err)
			}
		})
	}
}

// A mistake in the spicepod while the dataset runs, and its correction.
func TestWrongCredentialsAndUnknownBucket(t *testing.T) {
	for _, c := range []struct{ name, old, new, err, hint string }{
		{"wrong secret", storetest.Secret, "wrong-one", "SignatureDoesNotMatch", "s3_secret"},
		{"wrong key", "s3_key: " + storetest.Key, "s3_key: nobody", "access key", "s3_key"},
		{"unknown bucket", "s3://outage", "s3://no-such", "there is no such bucket", "from:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cloud := newCloud(t)
			cloud.put("a.csv", []byte(csv(10)))
			good, wrong := cloud.pod("a.csv"), cloud.pod("a.csv", c.old, c.new)
			b := newBed(t, map[string]string{"spicepod.yml": good}).start()
			b.ready("d", 10)
			b.write("spicepod.yml", wrong)
			b.until("the wrong version", generation(2))
			b.outage("d", 10, c.err, c.hint)
			b.retrying("d")
			cloud.put("a.csv", []byte(csv(12)))
			b.write("spicepod.yml", good)
			b.ready("d", 12)
			// The same from the start: there is no data, and no waiting for it in silence.
			n := newBed(t, map[string]string{"spicepod.yml": wrong}).start()
			if d := n.failing("d"); !strings.Contains(d.Err, c.err) || !strings.Contains(d.Hint, c.hint) || d.HasData {
				t.Errorf("%q / %q, data %t", d.Err, d.Hint, d.HasData)
			}
			n.write("spicepod.yml", good)
			n.ready("d", 12)
		})
	}
}

// The file of a dataset is cut short by its writer while it is read.
func TestParquetTruncatedDuringARefresh(t *testing.T) {
	v := newValve()
	v.Open()
	b := newBed(t, map[string]string{"spicepod.yml": aPod("", "")}).edited("spicepod.yml", "a.csv", "a.parquet")
	name := filepath.Join(b.dir, "a.parquet")
	make := func(rows int) {
		statements(t, "duckdb", "", fmt.Sprintf("COPY (SELECT i AS id, md5(i::VARCHAR) AS name FROM range(%d) t(i)) TO '%s' (FORMAT parquet, ROW_GROUP_SIZE 20000)", rows, name))
	}
	make(100_000)
	b.start(v.options)
	b.ready("d", 100_000)
	v.Close()
	id := b.send(api.RefreshNow{Dataset: "d"})
	<-v.reading
	if err := os.Truncate(name, 500_000); err != nil {
		t.Fatal(err)
	}
	v.Open()
	if task := b.task(id); task.State != api.TaskFailed {
		t.Errorf("%+v", task)
	}
	b.outage("d", 100_000, "a.parquet", "")
	b.retrying("d")
	make(110_000)
	b.ready("d", 110_000)
}

// edited replaces text in a file before the start.
func (b *bed) edited(name, old, new string) *bed {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(strings.ReplaceAll(string(text), old, new)), 0o644); err != nil {
		b.t.Fatal(err)
	}
	return b
}

// A dropped column is the operator's to accept; what comes back by itself is taken by the next refresh.
func TestColumnDroppedAtTheSource(t *testing.T) {
	for acceleration, recorded := range map[string]string{"refresh_check_interval: 200ms": "full", "refresh_check_interval: 200ms, refresh_mode: append": "append"} {
		t.Run(recorded, func(t *testing.T) {
			b := newBed(t, map[string]string{"spicepod.yml": aPod("params: {sqlite_file: x.db}, "+unixTime, acceleration)}).edited("spicepod.yml", "file:a.csv", "sqlite:t")
			db := filepath.Join(b.dir, "x.db")
			statements(t, "sqlite", db, "PRAGMA journal_mode=wal; CREATE TABLE t (at INTEGER, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
			b.start()
			b.ready("d", 2)
			statements(t, "sqlite", db, "ALTER TABLE t RENAME TO old; CREATE TABLE t AS SELECT at FROM old")
			b.outage("d", 2, "column v is gone", "on_schema_change")
			statements(t, "sqlite", db, "DROP TABLE t; ALTER TABLE old RENAME TO t; INSERT INTO t VALUES (3, 'c')")
			b.ready("d", 3)
			b.wants("SELECT v FROM d ORDER BY v", "v\na\nb\nc")
		})
	}
}
