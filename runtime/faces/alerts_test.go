package faces_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/doctor"
)

// TestAlertsAndDashboardAskForMetricsThatAreServed compares the names in them with those that a pitwall serves
// which has written snapshots, and a replica which has loaded one after it passed over another; both follow a stream.
func TestAlertsAndDashboardAskForMetricsThatAreServed(t *testing.T) {
	store := t.TempDir()
	pod := `version: v1
kind: Spicepod
name: test
snapshots: {location: 'file://` + store + `', bootstrap_on_failure_behavior: fallback}
datasets:
  - {from: 'file:a.csv', name: cities, time_column: id, time_format: unix_seconds, acceleration: {engine: duckdb, mode: file, refresh_check_interval: 10m, snapshots: enabled, retention_check_enabled: true, retention_period: 100000h, retention_check_interval: 1h}}
  - {from: 'debezium:orders', name: orders, params: {kafka_bootstrap_servers: '127.0.0.1:1', kafka_security_protocol: PLAINTEXT}, acceleration: {engine: duckdb, refresh_mode: changes}}
`
	writer := start(t, pod)
	attempts := func(s *server, n int64) {
		t.Helper()
		s.until(func(st *api.State) bool {
			d := st.Dataset("cities")
			return d.Snapshots.Totals.Attempts >= n && d.Snapshots.Run == nil
		})
	}
	attempts(writer, 1)
	writer.ask("POST", "/v1/datasets/cities/acceleration/snapshots", "")
	attempts(writer, 2)
	objects, err := filepath.Glob(filepath.Join(store, "month=*", "day=*", "dataset=cities", "*.duckdb"))
	if err != nil || len(objects) != 2 {
		t.Fatalf("%v, %v", objects, err)
	}
	if err := os.Truncate(objects[1], 100); err != nil {
		t.Fatal(err)
	}
	replica := start(t, pod)
	replica.until(func(st *api.State) bool { return st.Dataset("cities").Snapshots.Booted != nil })
	replica.ask("POST", "/v1/datasets/cities/acceleration/snapshots", "")
	attempts(replica, 1)
	served := map[string]bool{}
	sample := regexp.MustCompile(`(?m)^([a-z_]+)(\{| )`)
	for _, s := range []*server{writer, replica} {
		_, _, text := s.ask("GET", "/metrics", "")
		for _, m := range sample.FindAllStringSubmatch(text, -1) {
			served[m[1]] = true
		}
	}

	rules, err := doctor.Alerts(replica.session.Config, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dash, err := doctor.Dashboard()
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	var d struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(dash, &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		for _, x := range p.Targets {
			texts = append(texts, x.Expr)
		}
	}
	asked := map[string]bool{}
	name := regexp.MustCompile(`\b(dataset|process|http|accelerated)_[a-z_]+\b`)
	for _, text := range append(texts, string(rules)) {
		for _, m := range name.FindAllString(text, -1) {
			asked[m] = true
		}
	}
	if len(asked) < 10 {
		t.Errorf("only %v are asked for", asked)
	}
	for _, m := range slices.Sorted(maps.Keys(asked)) {
		if !served[m] {
			t.Errorf("%s is asked for, but not served: %s", m, strings.Join(slices.Sorted(maps.Keys(served)), " "))
		}
	}
}

func TestDoctorOverHTTP(t *testing.T) {
	s := start(t, `version: v1
kind: Spicepod
name: test
snapshots: {location: ./snaps}
datasets:
  - {from: 'file:a.csv', name: cities, acceleration: {engine: duckdb, mode: file, snapshots: enabled}}
`)
	s.until(func(st *api.State) bool { return st.Dataset("cities").Snapshots.Totals.Attempts == 1 })
	status, _, text := s.ask("GET", "/v1/doctor", "")
	for _, want := range []string{`"check":"conditional writes","state":"ok"`, `"check":"failures","dataset":"cities","state":"ok"`, `"check":"fallback","dataset":"cities","state":"warning"`} {
		if status != 200 || !strings.Contains(text, want) {
			t.Errorf("%d, no %s in %s", status, want, text)
		}
	}
}
