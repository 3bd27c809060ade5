package objects

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet"

	"pitwall/engines"
	"pitwall/runtime/source"
)

// web serves one file; ranges and HEAD can be switched off.
type web struct {
	body         string
	ranges, head bool
	user         string
	version      atomic.Int64
	requests     atomic.Int64
}

func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.requests.Add(1)
	if w.user != "" {
		if u, p, _ := r.BasicAuth(); u+":"+p != w.user {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
	}
	if r.Method == http.MethodHead && !w.head {
		rw.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if !w.ranges {
		rw.Write([]byte(w.body))
		return
	}
	rw.Header().Set("ETag", fmt.Sprintf(`"v%d"`, w.version.Load()))
	http.ServeContent(rw, r, "", time.Unix(1_700_000_000, 0), strings.NewReader(w.body))
}

func TestHTTP(t *testing.T) {
	pq := string(parquetBytes(t, 300_000, 20_000, parquet.WithDictionaryDefault(false)))
	csv := "n,s\n" + strings.Repeat("1,abc\n", 300_000)
	for _, tt := range []struct {
		name      string
		web       *web
		path      string
		params    map[string]string
		rows, sum int64
	}{
		{"parquet by ranges", &web{body: pq, ranges: true, head: true}, "/d/x.parquet", nil, 300_000, 300_000 * 299_999 / 2},
		{"without HEAD", &web{body: pq, ranges: true}, "/d/x.parquet", nil, 300_000, 300_000 * 299_999 / 2},
		{"without ranges", &web{body: pq, head: true}, "/d/x.parquet", nil, 300_000, 300_000 * 299_999 / 2},
		{"without anything", &web{body: csv}, "/x.csv?signature=geheim", nil, 300_000, 300_000},
		{"csv by ranges", &web{body: csv, ranges: true, head: true}, "/x.csv", nil, 300_000, 300_000},
		{"user and password", &web{body: csv, ranges: true, head: true, user: "me:pw"}, "/x.csv", map[string]string{"http_username": "me", "http_password": "pw"}, 300_000, 300_000},
		{"no extension", &web{body: csv, ranges: true, head: true}, "/export", map[string]string{"file_format": "csv"}, 300_000, 300_000},
	} {
		srv := httptest.NewServer(tt.web)
		rows, sum, _, err := scan(t, Options{Connector: "http", Path: strings.TrimPrefix(srv.URL, "http://") + tt.path}, tt.params, source.Scan{})
		if err != nil || rows != tt.rows || sum != tt.sum {
			t.Errorf("%s: %d rows, sum %d, %v", tt.name, rows, sum, err)
		}
		srv.Close()
	}
}

func TestHTTPReadsOnlyTheRangesItNeeds(t *testing.T) {
	w := &web{body: string(parquetBytes(t, 300_000, 6_000)), ranges: true, head: true}
	srv := httptest.NewServer(w)
	defer srv.Close()
	n, _, r, err := scan(t, Options{Connector: "http", Path: strings.TrimPrefix(srv.URL, "http://") + "/x.parquet"}, nil,
		source.Scan{Where: engines.And{where("n", engines.Ge, int64(150_000)), where("n", engines.Lt, int64(153_000))}})
	read, _ := r.Progress()
	if err != nil || n < 3_000 || read > int64(len(w.body))/20 {
		t.Errorf("%d rows, %d of %d bytes, %v", n, read, len(w.body), err)
	}
}

func TestHTTPFaults(t *testing.T) {
	w := &web{body: string(parquetBytes(t, 300_000, 20_000)), ranges: true, head: true}
	srv := httptest.NewServer(w)
	defer srv.Close()
	missing := httptest.NewServer(http.NotFoundHandler())
	defer missing.Close()
	for _, tt := range []struct {
		path string
		kind source.Kind
		want string
	}{
		{strings.TrimPrefix(missing.URL, "http://") + "/x.csv?token=geheim", source.Missing, "/x.csv"},
		{"127.0.0.1:1/x.csv?token=geheim", source.Unavailable, "refused"},
	} {
		_, _, _, err := scan(t, Options{Connector: "http", Path: tt.path}, nil, source.Scan{})
		if source.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v (kind %q)", tt.path, err, source.KindOf(err))
		}
	}
	w.user = "a:b"
	o := Options{Connector: "http", Path: strings.TrimPrefix(srv.URL, "http://") + "/x.parquet"}
	if _, _, _, err := scan(t, o, nil, source.Scan{}); source.KindOf(err) != source.Denied {
		t.Errorf("without a password: %v", err)
	}
	w.user = ""
	r, err := newSource(t, o, nil).Read(t.Context(), source.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	w.version.Add(1)
	if _, _, err := drain(t, r); source.KindOf(err) != source.Unavailable || !strings.Contains(err.Error(), "changed") {
		t.Errorf("changed while it was read: %v", err)
	}
}

// endless serves a CSV file of lines of 16 bytes without having it.
type endless int64

func (e endless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http.ServeContent(w, r, "", time.Unix(1_700_000_000, 0), io.NewSectionReader(e, 0, int64(e)))
}

func (e endless) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		p[i] = "n,some header 1\n1,abcdefghijklm\n"[(off+int64(i))%16+16*min(1, (off+int64(i))/16)]
	}
	return len(p), nil
}

// A file is read in bounded memory, however large it is.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads 400 MB")
	}
	const size = 400 << 20
	srv := httptest.NewServer(endless(size))
	defer srv.Close()
	r, err := newSource(t, Options{Connector: "http", Path: strings.TrimPrefix(srv.URL, "http://") + "/x.csv"}, nil).Read(t.Context(), source.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var rows, batches int64
	var most uint64
	for ; r.Next(); batches++ {
		rows += r.RecordBatch().NumRows()
		if batches%40 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
	t.Logf("%d rows, at most %d MiB in use", rows, most>>20)
	if r.Err() != nil || rows != size/16-1 || most > 128<<20 {
		t.Errorf("%d rows, %d MiB, %v", rows, most>>20, r.Err())
	}
}
