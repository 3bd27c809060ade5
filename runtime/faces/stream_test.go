package faces_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"pitwall/runtime/api"
)

// A stream that a record stopped goes on when it is asked to over HTTP; who asks for what can't be is told why.
func TestStreamOverHTTP(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("orders"), kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for _, value := range []string{`{"op": "c", "after": {"id": 1}}`, `{"op": "c", "after": `, `{"op": "c", "after": {"id": 2}}`} {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Key: []byte(`{"id": 1}`), Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, pod+fmt.Sprintf("  - {from: 'debezium:orders', name: orders, params: {kafka_bootstrap_servers: '%s', kafka_security_protocol: PLAINTEXT}, acceleration: {engine: duckdb, refresh_mode: changes}}\n",
		strings.Join(cluster.ListenAddrs(), ",")))
	s.orders(func(d *api.Dataset) bool { return d.Stream.Phase == api.StreamStopped })
	skip := "/v1/datasets/orders/stream/skip"
	s.posts("/v1/datasets/cities/stream/skip", http.StatusConflict, "no record stopped a stream")
	s.posts("/v1/datasets/cities/stream/rebootstrap", http.StatusConflict, "follows no stream")
	s.posts("/v1/datasets/nobody/stream/skip", http.StatusNotFound, "not found")
	s.posts("/v1/datasets/orders/stream/rebootstrap", http.StatusAccepted, "from the beginning")
	s.orders(func(d *api.Dataset) bool { return d.Stream.Phase == api.StreamStopped && d.Stream.Commits == 2 })
	s.posts(skip, http.StatusAccepted, "passed over")
	d := s.orders(func(d *api.Dataset) bool {
		return d.Stream.Skipped == 1 && d.Stream.Behind == 0 && d.Status == api.Ready
	})
	if _, err := os.Stat(d.Stream.DeadLetters); err != nil {
		t.Error(err)
	}
	s.posts(skip, http.StatusConflict, "no record stopped a stream")
	_, _, text := s.ask(http.MethodGet, "/metrics", "")
	for _, want := range []string{`_phase{dataset="orders",phase="following"} 1`, `_phase{dataset="orders",phase="stopped"} 0`, `_lag_records{dataset="orders"} 0`,
		`_replication_lag_ms{dataset="orders"}`, `_rows_total{dataset="orders",op="insert"} 3`, `_records_skipped_total{dataset="orders"} 1`, `_commits_total{dataset="orders"}`} {
		if !strings.Contains(text, "dataset_acceleration_cdc"+want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if strings.Contains(text, `_cdc_phase{dataset="cities"`) {
		t.Error("a dataset that follows no stream has its metrics")
	}
}

// posts sends a request without a body.
func (s *server) posts(path string, status int, says string) {
	s.t.Helper()
	code, _, text := s.ask(http.MethodPost, path, "")
	if code != status || !strings.Contains(text, says) {
		s.t.Errorf("POST %s: %d %s", path, code, text)
	}
}

// orders waits until the dataset of that name is as it should be.
func (s *server) orders(ok func(*api.Dataset) bool) *api.Dataset {
	s.t.Helper()
	return s.until(func(cur *api.State) bool {
		d := cur.Dataset("orders")
		return d != nil && d.Stream != nil && ok(d)
	}).Dataset("orders")
}
