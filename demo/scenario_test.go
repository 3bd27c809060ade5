package demo_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"pitwall/demo"
	"pitwall/runtime"
	"pitwall/runtime/api"
	"pitwall/runtime/launch"
)

// run opens a scenario and waits until its dataset has data.
func run(t *testing.T, name, dataset string) (*launch.Session, *api.Dataset) {
	t.Helper()
	w, err := demo.Prepare(demo.Options{Dir: t.TempDir(), Seed: 1, Scenario: name})
	if err != nil {
		t.Fatal(err)
	}
	s, err := launch.Open(t.Context(), launch.Options{Pod: w.Pod, Sources: w.Sources(runtime.Connect)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Run(ctx) })
	wg.Go(func() { _ = w.Run(ctx, func(int64, int64, error) {}) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	wait, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	cur, next := s.Runtime.Watch(wait)
	for {
		if d := cur.Dataset(dataset); d != nil && d.Status == api.Ready && d.HasData {
			return s, d
		}
		var open bool
		if cur, open = <-next; !open {
			t.Fatalf("%s never had data", dataset)
		}
	}
}

func query(t *testing.T, s *launch.Session, sql string) string {
	t.Helper()
	rows, err := s.Runtime.Query(t.Context(), sql, api.QueryOptions{})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer rows.Close()
	var b bytes.Buffer
	if err := rows.Encode(&b, api.CSV); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(b.String())[1:], " ")
}

func TestProductCategories(t *testing.T) {
	s, d := run(t, "product-categories", "product_categories")
	if d.Rows != 500 || d.Schedule != "every 8h" {
		t.Errorf("%d rows, %s", d.Rows, d.Schedule)
	}
	if got := query(t, s, "SELECT count(*) AS n FROM product_categories WHERE code = 'C999'"); got != "0" {
		t.Error(got)
	}
}

func TestSocialPosts(t *testing.T) {
	s, d := run(t, "social-posts", "posts")
	if d.Rows < 900 || d.Rows > 1_001 {
		t.Errorf("%d rows, not those of one day", d.Rows)
	}
	// A post by its id comes from the source; a range of which some are here does not.
	if got := query(t, s, "SELECT count(*) AS n FROM posts WHERE id = 5"); got != "1" {
		t.Errorf("post 5: %s", got)
	}
	if got := query(t, s, "SELECT count(*) < 1100 AS few FROM posts WHERE id > 5"); got != "true" {
		t.Errorf("a range: %s", got)
	}
}

func TestApplicationLogs(t *testing.T) {
	s, d := run(t, "application-logs", "logs")
	if d.Rows < 4_000 || d.Rows > 6_000 || !strings.Contains(d.Refreshes[0].Plan, "files") {
		t.Errorf("%d rows, plan %s", d.Rows, d.Refreshes[0].Plan)
	}
	for sql, want := range map[string]string{
		"SELECT count(DISTINCT asset) AS n FROM logs WHERE asset = 'asset_id'":                                     "1",
		"SELECT count(*) > 10000 AS n FROM logs WHERE asset = 'pump_7'":                                            "true",
		"SELECT count(*) AS n FROM logs WHERE asset = 'nobody'":                                                    "0",
		"SELECT count(*) < 7000 AS n FROM logs WHERE asset = 'asset_id' AND logged_at > now() - interval '3 days'": "true",
	} {
		if got := query(t, s, sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
}
