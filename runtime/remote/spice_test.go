package remote_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"pitwall/runtime/api"
	"pitwall/runtime/remote"
)

// spice answers as the documents of Spice's API and metrics say (spec data-refresh 3 and 4.5, 9.1; spec
// acceleration-snapshots 6).
func spice(t *testing.T) (url string, broken *atomic.Bool, asked chan string) {
	broken, asked = &atomic.Bool{}, make(chan string, 10)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/datasets", func(w http.ResponseWriter, q *http.Request) {
		status := "Ready"
		if broken.Load() {
			status = "Error"
		}
		_, _ = io.WriteString(w, `[{"from":"postgres:orders","name":"orders","replication_enabled":false,"acceleration_enabled":true,"status":"`+status+`","properties":{}},
			{"from":"s3://b/x","name":"plain","replication_enabled":false,"acceleration_enabled":false,"status":"Ready"}]`)
	})
	mux.HandleFunc("GET /v1/datasets/orders/acceleration/snapshots", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"dataset_name":"orders","location":"s3://b/","last_updated_ms":1790226000000,"engine":"duckdb","current_snapshot_id":1,
			"snapshots":[{"snapshot_id":0,"timestamp_ms":1790226000000,"location":"s3://b/0.duckdb","checksum":"aa","checksum_algorithm":"SHA256","size_bytes":13,"is_current":false,"status":"verified"},
			{"snapshot_id":1,"timestamp_ms":1790226000456,"location":"s3://b/1.duckdb","checksum":"bb","checksum_algorithm":"SHA256","size_bytes":14,"engine":"duckdb","row_count":1250,"is_current":true,"status":"verified"}]}`)
	})
	mux.HandleFunc("POST /v1/datasets/orders/acceleration/refresh", func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		asked <- string(body)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"message":"Dataset refresh triggered for orders."}`)
	})
	mux.HandleFunc("POST /v1/sql", func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("Accept") != "text/csv" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, "id,name\n1,a\n2,\"b,c\"\n3,\n")
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "# TYPE dataset_acceleration_last_refresh_unix_time_ms gauge\ndataset_acceleration_last_refresh_unix_time_ms{dataset=\"orders\"} 1790226000456\n"+
			"# TYPE dataset_acceleration_refresh_errors counter\ndataset_acceleration_refresh_errors{dataset=\"orders\",mode=\"full\"} 3\n"+
			"# TYPE dataset_acceleration_size_bytes gauge\ndataset_acceleration_size_bytes{dataset=\"orders\"} 4096\n"+
			"# TYPE dataset_acceleration_snapshot_failure_count counter\ndataset_acceleration_snapshot_failure_count{dataset=\"orders\"} 2\n")
	})
	s := httptest.NewServer(mux)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL, broken, asked
}

// Against a plain Spice runtime there is what its API and metrics tell; the rest is off with the reason.
func TestPlainSpice(t *testing.T) {
	url, broken, asked := spice(t)
	b := attach(t, url, withRows{}, remote.Options{Metrics: url + "/metrics"})
	b.until("the snapshots", func(s *api.State) bool { return s.Dataset("orders").Snapshots.Newest != nil })
	d := b.cur.Dataset("orders")
	if d.Engine != "duckdb" || d.Status != api.Ready || d.Rows >= 0 || d.Bytes != 4096 || d.Failures != 3 || d.LastRefresh.UnixMilli() != 1790226000456 {
		t.Errorf("%+v", d)
	}
	if n := d.Snapshots.Newest; n.ID != 1 || n.Rows != 1250 || n.Checksum != "bb" || d.Snapshots.Kept != 2 || d.Snapshots.Failures != 2 {
		t.Errorf("%+v", n)
	}
	if p := b.cur.Dataset("plain"); p.Engine != "" || p.Status != api.Ready {
		t.Errorf("%+v", p)
	}
	ctx := context.Background()
	if _, err := b.r.Do(ctx, api.SnapshotNow{Dataset: "orders"}); err == nil || !strings.Contains(err.Error(), "Spice runtime has no API to snapshot") {
		t.Error(err)
	}
	if _, err := b.r.Do(ctx, api.RefreshNow{Dataset: "orders", Mode: "append"}); err != nil {
		t.Fatal(err)
	}
	var body map[string]string
	if err := json.Unmarshal([]byte(<-asked), &body); err != nil || body["refresh_mode"] != "append" {
		t.Error(body, err)
	}
	b.until("the answer", func(s *api.State) bool {
		return len(s.Tasks) == 1 && strings.Contains(s.Tasks[0].Detail, "triggered for orders")
	})
	r, err := b.r.Query(ctx, "SELECT 1", api.QueryOptions{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Next() || r.Len() != 2 || !r.Truncated() {
		t.Error("two rows and more were asked for")
	} else if v, _ := r.Text(1, 1); v != "b,c" {
		t.Error(v)
	}
	_ = r.Close()
	broken.Store(true)
	b.until("the error", func(s *api.State) bool {
		return s.Dataset("orders").Status == api.Error && len(s.Events) == 1 && s.Events[0].Level == api.ErrorLevel
	})
}

// The API key is for the runtime: neither the server of the metrics gets it, nor one that a redirect names.
func TestTheKeyGoesToTheRuntimeOnly(t *testing.T) {
	url, _, _ := spice(t)
	var got, asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		asked.Add(1)
		if q.Header.Get("X-API-Key") != "" {
			got.Add(1)
		}
		http.Redirect(w, q, url+q.URL.String(), http.StatusTemporaryRedirect)
	}))
	t.Cleanup(other.Close)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("X-API-Key") != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, q, other.URL+q.URL.String(), http.StatusTemporaryRedirect)
	}))
	t.Cleanup(front.Close)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	_, err := remote.Open(t.Context(), remote.Options{URL: front.URL, Key: "secret", Metrics: other.URL + "/metrics", Client: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	if asked.Load() < 3 || got.Load() > 0 {
		t.Errorf("the other server was asked %d times, and got the key %d times", asked.Load(), got.Load())
	}
}

// A Spice runtime that answers in another format than was asked for is not taken for it.
func TestSpiceWritesAnotherFormat(t *testing.T) {
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/v1/datasets":
			_, _ = io.WriteString(w, "[]")
		case "/v1/sql":
			if q.Header.Get("Accept") == "text/csv" {
				w.Header().Set("Content-Type", "text/csv")
				_, _ = io.WriteString(w, "id\n1\n")
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `[{"id":1}]`)
		default:
			http.NotFound(w, q)
		}
	}))
	t.Cleanup(front.Close)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	r, err := remote.Open(t.Context(), remote.Options{URL: front.URL, Client: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	for f, want := range map[api.Format]string{api.Parquet: "", api.CSV: "id\n1\n", api.JSON: `[{"id":1}]`} {
		rows, err := r.Query(t.Context(), "SELECT 1 AS id", api.QueryOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := rows.Encode(&b, f); (err == nil) != (want != "") || b.String() != want {
			t.Errorf("%s: %q, %v", f, b.String(), err)
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
}
