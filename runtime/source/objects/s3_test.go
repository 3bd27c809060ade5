package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"pitwall/runtime/source"
	"pitwall/runtime/source/sourcetest"
	"pitwall/snapshots/objstore/storetest"
)

var buckets atomic.Int64

// bucket makes a bucket with objects and returns its name.
func bucket(t testing.TB, objects map[string]string) string {
	t.Helper()
	name := fmt.Sprintf("test-%d", buckets.Add(1))
	if err := server.CreateBucket(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	for k, v := range objects {
		put(t, name, k, []byte(v))
	}
	return name
}

func put(t testing.TB, bucket, key string, body []byte) {
	t.Helper()
	if err := server.Put(t.Context(), bucket, key, body); err != nil {
		t.Fatal(err)
	}
}

func s3Params(url string, more ...string) map[string]string {
	return sourcetest.With(map[string]string{"s3_endpoint": url, "s3_key": storetest.Key, "s3_secret": storetest.Secret, "allow_http": "true"}, more...)
}

// parquetBytes is a Parquet file with n = 0..rows-1, text and a float, sorted by n.
func parquetBytes(t testing.TB, rows, perGroup int64, more ...parquet.WriterProperty) []byte {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "f", Type: arrow.PrimitiveTypes.Float64}}, nil)
	var out bytes.Buffer
	props := append([]parquet.WriterProperty{parquet.WithMaxRowGroupLength(perGroup), parquet.WithStats(true)}, more...)
	w, err := pqarrow.NewFileWriter(schema, &out, parquet.NewWriterProperties(props...), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for from := int64(0); from < rows; from += perGroup {
		for i := from; i < min(rows, from+perGroup); i++ {
			b.Field(0).(*array.Int64Builder).Append(i)
			if i%7 == 0 {
				b.Field(1).AppendNull()
			} else {
				b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("row-%d-%x", i, i*2654435761))
			}
			b.Field(2).(*array.Float64Builder).Append(float64(i*2654435761%1000003) / 7)
		}
		writeBatch(t, w, b)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// largeParquet is larger than what is read ahead: 80 MB in 10 row groups.
func largeParquet(t testing.TB) []byte {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "b", Type: arrow.BinaryTypes.Binary}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &out, parquet.NewWriterProperties(parquet.WithDictionaryDefault(false)), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		for range 8_000 {
			b.Field(0).(*array.BinaryBuilder).Append(make([]byte, 1_000))
		}
		writeBatch(t, w, b)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// scan reads and returns the number of rows, the sum of the column n if there is one, and the reader.
func scan(t testing.TB, o Options, params map[string]string, s source.Scan) (rows, sum int64, r source.Reader, err error) {
	t.Helper()
	src, err := New(o, params)
	if err != nil {
		return 0, 0, nil, err
	}
	if r, err = src.Read(t.Context(), s); err != nil {
		return 0, 0, nil, err
	}
	defer r.Release()
	rows, sum, err = drain(t, r)
	return rows, sum, r, err
}

func drain(t testing.TB, r source.Reader) (rows, sum int64, err error) {
	at := r.Schema().FieldIndices("n")
	for r.Next() {
		rec := r.RecordBatch()
		if !rec.Schema().Equal(r.Schema()) {
			t.Errorf("batch schema %v differs from the reader's %v", rec.Schema(), r.Schema())
		}
		rows += rec.NumRows()
		if len(at) == 1 {
			col := rec.Column(at[0]).(*array.Int64)
			for i := range col.Len() {
				sum += col.Value(i)
			}
		}
	}
	return rows, sum, r.Err()
}

func TestS3Formats(t *testing.T) {
	b := bucket(t, map[string]string{
		"csv/a.csv": "n,s\n1,x\n2,y\n", "csv/b.csv": "s,n\nz,3\n", "csv/_tmp/c.csv": "n,s\n9,9\n", "csv/readme.txt": "no",
		"json/a.ndjson": `{"n":1,"s":"1"}` + "\n" + `{"n":2,"s":"2"}` + "\n", "json/deep/er/b.json": `[{"n":3}]`,
	})
	put(t, b, "pq/x.parquet", parquetBytes(t, 100_000, 30_000))
	for _, tt := range []struct {
		path      string
		rows, sum int64
	}{
		{"csv/", 3, 6}, {"csv", 3, 6}, {"csv/a.csv", 2, 3}, {"csv/*.csv", 3, 6}, {"csv/?.csv", 3, 6}, {"csv/[ab].csv", 3, 6}, {"c*/a.csv", 2, 3},
		{"json/", 3, 6}, {"json/**/b.json", 1, 3}, {"json/**", 3, 6},
		{"pq/x.parquet", 100_000, 4_999_950_000}, {"**/x.parquet", 100_000, 4_999_950_000},
	} {
		rows, sum, _, err := scan(t, Options{Connector: "s3", Path: b + "/" + tt.path}, s3Params(server.URL), source.Scan{})
		if err != nil || rows != tt.rows || sum != tt.sum {
			t.Errorf("%s: %d rows, sum %d, %v; want %d, %d", tt.path, rows, sum, err, tt.rows, tt.sum)
		}
	}
}

func TestS3Faults(t *testing.T) {
	b := bucket(t, map[string]string{"a.csv": "n\n1\n", "d/b.csv": "n\n1\n"})
	put(t, b, "x.parquet", parquetBytes(t, 200_000, 50_000))
	refused := "http://127.0.0.1:1"
	for _, tt := range []struct {
		name   string
		bucket string
		path   string
		params map[string]string
		fault  storetest.Fault
		kind   source.Kind
		want   []string
	}{
		{"wrong secret", b, "d/", s3Params("", "s3_secret", "wrong-one"), nil, source.Denied, []string{"s3://" + b, "SignatureDoesNotMatch", "s3_secret"}},
		{"wrong secret for one object", b, "a.csv", s3Params("", "s3_secret", "wrong-one"), nil, source.Denied, []string{"a.csv", "SignatureDoesNotMatch", "s3_secret"}},
		{"wrong key", b, "a.csv", s3Params("", "s3_key", "nobody"), nil, source.Denied, []string{"a.csv", "s3_key"}},
		{"no credentials", b, "d/", s3Params("", "s3_auth", "public", "s3_key", "", "s3_secret", ""), nil, source.Denied, []string{"s3_auth"}},
		{"no role", b, "d/", s3Params("", "s3_auth", "iam_role", "s3_key", "", "s3_secret", ""), nil, source.Denied, []string{"no credentials were found", "s3_auth"}},
		{"unknown bucket", "no-such-bucket", "d/", s3Params(""), nil, source.Missing, []string{"no-such-bucket", "there is no such bucket", "from:"}},
		{"unknown object", b, "zzz.csv", s3Params(""), nil, source.Missing, []string{"zzz.csv", "no files"}},
		{"refuses", b, "d/", s3Params(refused), nil, source.Unavailable, []string{"refused", "s3_endpoint"}},
		{"hangs", b, "d/", s3Params("", "client_timeout", "0.2"), storetest.Hang, source.Unavailable, []string{"does not answer", "client_timeout"}},
		{"hangs in the body", b, "x.parquet", s3Params("", "client_timeout", "200ms"), hangInBody, source.Unavailable, []string{"does not answer", "client_timeout"}},
		{"503", b, "d/", s3Params(""), storetest.Status(503), source.Unavailable, []string{"s3://" + b, "ServiceUnavailable"}},
		{"cut off every time", b, "x.parquet", s3Params(""), cutOff(0), source.Unavailable, []string{"x.parquet"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			proxy := storetest.NewProxy(t, server.URL)
			proxy.Break(tt.fault)
			if tt.params["s3_endpoint"] == "" {
				tt.params["s3_endpoint"] = proxy.URL
			}
			begin := time.Now()
			_, _, _, err := scan(t, Options{Connector: "s3", Path: tt.bucket + "/" + tt.path}, tt.params, source.Scan{})
			var e *source.Error
			if source.KindOf(err) != tt.kind || !errors.As(err, &e) {
				t.Fatalf("error is %v (kind %q), want kind %q", err, source.KindOf(err), tt.kind)
			}
			for _, w := range tt.want {
				if !strings.Contains(e.Error()+" "+e.Hint, w) {
					t.Errorf("%q (%s) does not name %q", e, e.Hint, w)
				}
			}
			if strings.Contains(e.Error(), "wrong-one") || strings.Contains(e.Error(), storetest.Secret) {
				t.Errorf("%q shows a secret", e)
			}
			if d := time.Since(begin); d > 30*time.Second {
				t.Errorf("it took %s", d)
			}
		})
	}
}

// hangInBody sends the beginning of an object and then nothing.
func hangInBody(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet || r.URL.Query().Has("list-type") {
		return false
	}
	w.Header().Set("Content-Length", "65536")
	w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
	w.WriteHeader(http.StatusPartialContent)
	w.Write(make([]byte, 100))
	w.(http.Flusher).Flush()
	<-r.Context().Done()
	return true
}

// cutOff resets the connection after some bytes of every object, n times; 0 is always and at once.
func cutOff(n int64) storetest.Fault {
	var count atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || r.URL.Query().Has("list-type") || n > 0 && count.Add(1) > n {
			return false
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return false
		}
		conn.Close()
		return true
	}
}

// A connection that breaks in the middle of an object costs nothing but the rest of the range.
func TestS3ReadGoesOnAfterAReset(t *testing.T) {
	b := bucket(t, nil)
	body := parquetBytes(t, 400_000, 100_000)
	put(t, b, "x.parquet", body)
	proxy := storetest.NewProxy(t, server.URL)
	var broken atomic.Int64
	proxy.Break(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || r.URL.Query().Has("list-type") || broken.Add(1)%3 != 0 {
			return false
		}
		// the first half of what was asked for, then the connection is gone
		var from, to int
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
		w.Header().Set("Content-Length", fmt.Sprint(to-from+1))
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(body)))
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusPartialContent)
		w.Write(body[from : from+(to-from)/2])
		return true
	})
	rows, sum, _, err := scan(t, Options{Connector: "s3", Path: b + "/x.parquet"}, s3Params(proxy.URL), source.Scan{})
	if err != nil || rows != 400_000 || sum != 400_000*399_999/2 {
		t.Errorf("%d rows, sum %d, %v", rows, sum, err)
	}
	if broken.Load() < 3 {
		t.Error("nothing was broken")
	}
}

// What changes between the listing and the read is neither mixed nor taken for damage.
func TestS3ObjectChangedWhileItIsRead(t *testing.T) {
	for _, name := range []string{"x.parquet", "x.csv"} {
		b := bucket(t, nil)
		body := largeParquet(t)
		if path.Ext(name) == ".csv" {
			body = []byte("n,s\n" + strings.Repeat("1,abcdefghijklmnopqrstuvwxyz\n", 1_000_000))
		}
		put(t, b, name, body)
		src, err := New(Options{Connector: "s3", Path: b + "/" + name}, s3Params(server.URL))
		if err != nil {
			t.Fatal(err)
		}
		r, err := src.Read(t.Context(), source.Scan{})
		if err != nil {
			t.Fatal(err)
		}
		put(t, b, name, body[:len(body)/2])
		if _, _, err = drain(t, r); source.KindOf(err) != source.Unavailable || !strings.Contains(err.Error(), "changed") {
			t.Errorf("%s: %v", name, err)
		}
		r.Release()
	}
}

func TestS3ReadStopsWhenCancelled(t *testing.T) {
	b := bucket(t, nil)
	put(t, b, "x.parquet", largeParquet(t))
	proxy := storetest.NewProxy(t, server.URL)
	src, err := New(Options{Connector: "s3", Path: b + "/x.parquet"}, s3Params(proxy.URL))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := src.Read(ctx, source.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if !r.Next() {
		t.Fatal(r.Err())
	}
	proxy.Break(storetest.Hang)
	cancel()
	if _, _, err := drain(t, r); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	// the same before the first byte: a store that answers 503 is not waited for
	proxy.Break(storetest.Status(503))
	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := src.Read(ctx, source.Scan{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}

// Wrong params are named, all of them, and no secret is shown.
func TestWrongParams(t *testing.T) {
	good := s3Params("http://127.0.0.1:1")
	for _, tt := range []struct {
		connector, path string
		params          map[string]string
		want            []string
	}{
		{"s3", "b/x.csv", map[string]string{"s3_auth": "magic", "client_timeout": "soon", "s3_url_style": "odd"}, []string{"s3_auth", "client_timeout", "s3_url_style", "iam_role"}},
		{"s3", "b/x.csv", map[string]string{"s3_key": "k"}, []string{"s3_key and s3_secret", "s3_secret is missing"}},
		{"s3", "b/x.csv", map[string]string{"s3_auth": "key"}, []string{"s3_auth: key needs"}},
		{"s3", "b/x.csv", map[string]string{"s3_endpoint": "http://x"}, []string{"s3_endpoint", "allow_http"}},
		{"s3", "/x.csv", good, []string{"no bucket"}},
		{"s3", "b/[.csv", good, []string{"pattern"}},
		{"gs", "b/x.csv", map[string]string{"gcs_service_account_path": "a", "gcs_service_account_key": "hidden"}, []string{"only one of"}},
		{"abfs", "c/x.csv", nil, []string{"abfs_account"}},
		{"abfs", "c@acc.dfs.core.windows.net/x.csv", map[string]string{"abfs_access_key": "a", "abfs_sas_string": "sig=hidden"}, []string{"only one of"}},
		{"https", "", nil, []string{"address"}},
		{"https", "h/x.csv", map[string]string{"http_port": "99999"}, []string{"http_port"}},
		{"file", "x.csv", map[string]string{"csv_quote": "ab", "csv_delimiter": "", "file_compression_type": "rar", "hive_partitioning_enabled": "maybe"}, []string{"csv_quote", "file_compression_type", "rar", "hive_partitioning_enabled"}},
	} {
		_, err := New(Options{Connector: tt.connector, Path: tt.path}, maps.Clone(tt.params))
		if source.KindOf(err) != source.Unsupported {
			t.Errorf("%s %s %v: %v", tt.connector, tt.path, tt.params, err)
			continue
		}
		for _, w := range tt.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q does not name %q", err, w)
			}
		}
		if strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q shows a secret", err)
		}
	}
}
