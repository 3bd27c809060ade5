package faces_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/runtime/faces"
	"pitwall/runtime/launch"
)

// server is a running pitwall with its network faces.
type server struct {
	t       *testing.T
	dir     string
	url     string
	flight  string // host:port
	session *launch.Session
}

const pod = `version: v1
kind: Spicepod
name: test
datasets:
  - {from: 'file:a.csv', name: cities, acceleration: {engine: duckdb}}
  - {from: 'file:a.csv', name: plain}
  - {from: 'file:missing.csv', name: broken, acceleration: {engine: sqlite, refresh_retry_enabled: false}}
`

func start(t *testing.T, text string, edit ...func(*faces.Options)) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir()}
	s.write("spicepod.yml", text)
	s.write("a.csv", "id,name\n1,Seattle\n2,Bellevue\n")
	session, err := launch.Open(t.Context(), launch.Options{Pod: s.dir, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	s.session = session
	o := faces.Options{HTTP: "127.0.0.1:0", Flight: "127.0.0.1:0", Metrics: "127.0.0.1:0", Auth: session.Config.Runtime.Auth, TLS: session.Config.Runtime.TLS}
	for _, e := range edit {
		e(&o)
	}
	f, err := faces.Open(session.Runtime, o)
	if err != nil {
		t.Fatal(err)
	}
	s.url, s.flight = "http://"+f.HTTP(), f.Flight()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := session.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	wg.Go(func() {
		if err := f.Run(ctx); err != nil {
			t.Errorf("faces: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return s
}

func (s *server) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// until waits for a State.
func (s *server) until(ok func(*api.State) bool) *api.State {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cur, next := s.session.Runtime.Watch(ctx)
	for !ok(cur) {
		n, open := <-next
		if !open {
			s.t.Fatal("never happened")
		}
		cur = n
	}
	return cur
}

func (s *server) settled() {
	s.t.Helper()
	s.until(func(st *api.State) bool {
		return len(st.Datasets) == 3 && st.Dataset("cities").HasData && st.Dataset("broken").Status == api.Error
	})
}

// ask sends a request and returns status, headers and body.
func (s *server) ask(method, path, body string, header ...string) (int, http.Header, string) {
	s.t.Helper()
	q, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		s.t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return a.StatusCode, a.Header, string(text)
}

func TestAnswersAreThoseOfTheSpec(t *testing.T) {
	s := start(t, pod)
	s.settled()
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/health", "", 200, "ok\n"},
		{"GET", "/v1/ready", "", 503, "not ready"},
		{"GET", "/v1/ready?verbose=true", "", 503, "[-] components not ready\nnot ready"},
		{"GET", "/v1/datasets", "", 200, `[{"from":"file:a.csv","name":"cities","replication_enabled":false,"acceleration_enabled":true},{"from":"file:a.csv","name":"plain","replication_enabled":false,"acceleration_enabled":false}`},
		{"GET", "/v1/datasets?status=true&source=file", "", 200, `"acceleration_enabled":true,"status":"Error"}]`},
		{"GET", "/v1/datasets?format=csv&status=true", "", 200, "from,name,replication_enabled,acceleration_enabled,status\nfile:a.csv,cities,false,true,Ready\n"},
		{"GET", "/v1/datasets?format=xml", "", 400, "is not json or csv"},
		{"GET", "/v1/status", "", 200, `{"name":"opentelemetry","endpoint":"N/A","status":"Disabled"}`},
		{"GET", "/v1/status", "", 200, `{"name":"flight","endpoint":"` + s.flight + `","status":"Ready"}`},
		{"GET", "/v1/spicepods", "", 200, `[{"name":"test","version":"v1","datasets_count":3,"models_count":0,"dependencies_count":0}]`},
		{"GET", "/v1/datasets/CITIES", "", 200, `"rows":2`},
		{"GET", "/v1/datasets/nope", "", 404, `{"message":"Dataset nope not found"}`},
		{"GET", "/v1/datasets/cities/refreshes", "", 200, `"outcome":"succeeded"`},
		{"DELETE", "/v1/datasets/cities/refreshes/current", "", 409, "no refresh is running"},
		{"PATCH", "/v1/datasets/nope/acceleration", `{"refresh_sql":"x"}`, 404, `{"message":"Dataset nope not found"}`},
		{"PATCH", "/v1/datasets/cities/acceleration", `{}`, 200, ""},
		{"PATCH", "/v1/datasets/cities/acceleration", `{"refresh_sql":null}`, 200, ""},
		{"PATCH", "/v1/datasets/plain/acceleration", `{"refresh_sql":"SELECT 1"}`, 200, ""},
		{"PATCH", "/v1/datasets/cities/acceleration", `{"refresh_sql":"SELECT * FROM other"}`, 500, `{"message":"Request failed. `},
		{"PATCH", "/v1/datasets/cities/acceleration", `{"refresh_sql":`, 400, "the body is not understood"},
		{"POST", "/v1/datasets/nope/acceleration/refresh", "", 404, `{"message":"Dataset nope not found"}`},
		{"POST", "/v1/datasets/plain/acceleration/refresh", "", 400, `{"message":"Dataset plain does not have acceleration enabled"}`},
		{"POST", "/v1/datasets/cities/acceleration/refresh", "{", 400, "the body is not understood"},
		{"POST", "/v1/datasets/cities/acceleration/refresh", `{"refresh_mode":"sideways"}`, 400, "is not full or append"},
		{"POST", "/v1/datasets/cities/acceleration/refresh", `{"refresh_jitter_max":"soon"}`, 400, "refresh_jitter_max"},
		{"POST", "/v1/datasets/cities/acceleration/refresh", `{"refresh_sql":"DROP TABLE cities"}`, 400, "refresh_sql"},
		{"GET", "/v1/tasks/999", "", 404, "Task 999 not found"},
		{"GET", "/v1/events?after=x", "", 400, "number"},
		{"GET", "/nowhere", "", 404, ""},
		{"PUT", "/v1/datasets", "", 405, ""},
	} {
		status, _, body := s.ask(c.method, c.path, c.body)
		if status != c.status || !strings.Contains(body, c.want) || c.want == "" && status == 200 && body != "" {
			t.Errorf("%s %s %s: %d %q, want %d %q", c.method, c.path, c.body, status, body, c.status, c.want)
		}
	}
}

func TestPatchAndRefreshOverHTTP(t *testing.T) {
	s := start(t, pod)
	s.settled()
	if status, _, body := s.ask("PATCH", "/v1/datasets/cities/acceleration", `{"refresh_sql":"SELECT name FROM cities WHERE name = 'Bellevue'"}`); status != 200 || body != "" {
		t.Fatalf("%d %q", status, body)
	}
	status, header, body := s.ask("POST", "/v1/datasets/Cities/acceleration/refresh", `{"refresh_jitter_max":"0s","future_key":1}`)
	if status != 201 || strings.TrimSpace(body) != `{"message":"Dataset refresh triggered for cities."}` {
		t.Fatalf("%d %q", status, body)
	}
	s.until(func(st *api.State) bool { return st.Dataset("cities").Rows == 1 })
	status, _, body = s.ask("GET", "/v1/tasks/"+header.Get("Pitwall-Command"), "")
	if status != 200 || !strings.Contains(body, `"verb":"refresh"`) {
		t.Errorf("%d %q", status, body)
	}
	if _, _, body := s.ask("GET", "/v1/datasets/cities", ""); !strings.Contains(body, `"refresh_sql_temporary":true`) {
		t.Error(body)
	}
}

func TestEventsAreAStream(t *testing.T) {
	s := start(t, pod)
	s.settled()
	_, _, all := s.ask("GET", "/v1/events?follow=false", "")
	if !strings.Contains(all, "event: refresh\ndata: {") || !strings.HasPrefix(all, "id: 1\n") {
		t.Fatalf("%q", all)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	q, _ := http.NewRequestWithContext(ctx, "GET", s.url+"/v1/events", nil)
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	s.ask("POST", "/v1/datasets/cities/acceleration/refresh", "")
	for lines := bufio.NewScanner(a.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var e struct {
				Dataset, Message string
				Fields           map[string]string
			}
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				t.Fatal(err)
			}
			if e.Dataset == "cities" && e.Fields["trigger"] == "manual" {
				return
			}
		}
	}
	t.Error("the stream ended without the refresh")
}

func TestKeysDecideWhatMayBeDone(t *testing.T) {
	s := start(t, strings.Replace(pod, "datasets:", "runtime: {auth: {api-key: {enabled: true, keys: ['reader', 'writer:rw']}}}\ndatasets:", 1))
	for _, c := range []struct {
		key, method, path string
		status            int
	}{
		{"", "GET", "/health", 200}, {"", "GET", "/v1/datasets", 401}, {"wrong", "GET", "/v1/datasets", 401},
		{"reader", "GET", "/v1/datasets", 200}, {"writer", "GET", "/v1/datasets", 200},
		{"reader", "POST", "/v1/datasets/cities/acceleration/refresh", 403}, {"writer", "POST", "/v1/datasets/cities/acceleration/refresh", 201},
		{"writer:rw", "GET", "/v1/datasets", 401}, {"", "POST", "/v1/sql", 401},
	} {
		if status, _, body := s.ask(c.method, c.path, "", "X-API-Key", c.key); status != c.status {
			t.Errorf("%q %s %s: %d %s, want %d", c.key, c.method, c.path, status, body, c.status)
		}
	}
	if status, _, _ := s.ask("GET", "/v1/datasets", "", "Authorization", "Bearer reader"); status != 200 {
		t.Errorf("bearer: %d", status)
	}
}

func TestMetricsHaveTheNamesOfTheSpecAndStartAtZero(t *testing.T) {
	s := start(t, pod)
	s.settled()
	_, _, text := s.ask("GET", "/metrics", "")
	for _, want := range []string{
		`dataset_load_state{dataset="cities"} 1`, `dataset_load_state{dataset="broken"} 3`, "\ndataset_load_errors 1\n",
		`dataset_active_count{engine="None"} 1`, `dataset_active_count{engine="duckdb"} 1`,
		`dataset_acceleration_refresh_duration_ms_count{dataset="cities",mode="full"} 1`,
		`dataset_acceleration_refresh_duration_ms_count{dataset="broken",mode="full"} 0`,
		`dataset_acceleration_refresh_errors{dataset="cities",mode="full"} 0`, `dataset_acceleration_refresh_errors{dataset="broken",mode="full"} 1`,
		`dataset_acceleration_refresh_rows_written{dataset="cities"} 2`, `dataset_acceleration_refresh_data_fetches_skipped{dataset="cities",mode="full"} 0`,
		`accelerated_zero_results_federated_fallback{dataset_name="cities"} 0`, "# TYPE dataset_acceleration_refresh_errors counter",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, "_total{dataset") {
		t.Error("a name got a suffix")
	}
}

func TestPortThatIsTakenIsNamed(t *testing.T) {
	s := start(t, pod)
	_, err := faces.Open(s.session.Runtime, faces.Options{HTTP: strings.TrimPrefix(s.url, "http://")})
	if err == nil || !strings.Contains(err.Error(), "--http "+strings.TrimPrefix(s.url, "http://")) {
		t.Error(err)
	}
	if _, err := faces.Open(s.session.Runtime, faces.Options{HTTP: faces.Off, TLS: config.TLS{Enabled: true, CertificateFile: "nope"}}); err == nil || !strings.Contains(err.Error(), "runtime.tls") {
		t.Error(err)
	}
}

// The metrics are pushed by OTLP when the environment says where to.
func TestMetricsArePushed(t *testing.T) {
	got := make(chan []byte, 10)
	var seen atomic.Bool // what is pushed after it may be cut off by the end of the session
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body := q.Body
		if q.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(q.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = z
		}
		text, err := io.ReadAll(body)
		if err != nil {
			if !seen.Load() {
				t.Error(err)
			}
			return
		}
		select {
		case got <- text:
		default:
		}
	}))
	t.Cleanup(collector.Close) // after the session, which pushes to its end
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
	s := start(t, pod)
	s.settled()
	for range 100 {
		if text := string(<-got); strings.Contains(text, "dataset_acceleration_refresh_rows_written") && strings.Contains(text, "cities") {
			seen.Store(true)
			return
		}
	}
	t.Error("no push has the metrics of the datasets")
}

func TestMetricsThatHaveToBeAskedFor(t *testing.T) {
	s := start(t, `version: v1
kind: Spicepod
name: test
runtime: {metrics: [{name: dataset_acceleration_refresh_lag_ms, enabled: true}, {name: dataset_acceleration_ingestion_lag_ms}]}
datasets:
  - from: file:times.csv
    name: logs
    time_column: at
    acceleration:
      refresh_mode: append
      metrics: [{name: dataset_acceleration_max_timestamp_after_refresh_ms}, {name: dataset_acceleration_ingestion_lag_ms, enabled: false}]
  - {from: 'file:times.csv', name: quiet, acceleration: {}}
`)
	loaded := func(n int64) {
		t.Helper()
		s.until(func(st *api.State) bool { d := st.Dataset("logs"); return d.Rows == n && d.Run == nil })
	}
	s.write("times.csv", "id,at\n1,2026-01-01 00:00:00\n")
	s.ask("POST", "/v1/datasets/logs/acceleration/refresh", "")
	loaded(1)
	_, _, text := s.ask("GET", "/metrics", "")
	if !strings.Contains(text, `max_timestamp_after_refresh_ms{dataset="logs",mode="append"} 1.7672256e+12`) || strings.Contains(text, `dataset="quiet",mode="append"`) {
		t.Errorf("%s", text)
	}
	s.write("times.csv", "id,at\n1,2026-01-01 00:00:00\n2,2026-01-01 00:00:05\n")
	s.ask("POST", "/v1/datasets/logs/acceleration/refresh", "")
	loaded(2)
	_, _, text = s.ask("GET", "/metrics", "")
	if !strings.Contains(text, `dataset_acceleration_refresh_lag_ms{dataset="logs",mode="append"} 5000`) || strings.Contains(text, "ingestion_lag") || strings.Contains(text, "before_refresh") {
		t.Errorf("%s", text)
	}
}
