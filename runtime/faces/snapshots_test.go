package faces_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pitwall/runtime/api"
)

// TestSnapshotMetricsAreThoseOfTheSeed writes two snapshots, damages the newer, and starts a replica that falls
// back.
func TestSnapshotMetricsAreThoseOfTheSeed(t *testing.T) {
	store := t.TempDir()
	pod := `version: v1
kind: Spicepod
name: test
snapshots: {location: 'file://` + store + `', bootstrap_on_failure_behavior: fallback}
datasets:
  - {from: 'file:a.csv', name: cities, acceleration: {engine: duckdb, mode: file, snapshots: enabled}}
  - {from: 'file:a.csv', name: memory, acceleration: {engine: duckdb}}
`
	s := start(t, pod)
	written := func(n int64) *api.SnapshotAttempt {
		t.Helper()
		st := s.until(func(st *api.State) bool {
			w := st.Dataset("cities").Snapshots.Totals
			return w.Attempts == n && w.Written != nil
		})
		return st.Dataset("cities").Snapshots.Totals.Written
	}
	first := written(1)
	s.write("a.csv", "id,name\n1,Seattle\n2,Bellevue\n3,Renton\n")
	s.ask("POST", "/v1/datasets/cities/acceleration/refresh", "")
	newest := written(2)
	_, _, text := s.ask("GET", "/metrics", "")
	const p = "dataset_acceleration_snapshot_"
	for _, want := range []string{p + `write_duration_ms_count{dataset="cities"} 2`, p + `write_checksum{checksum="` + newest.Checksum + `",dataset="cities"} 1`,
		p + `failure_count{dataset="cities"} 0`, p + `skipped_count{dataset="cities"} 0`, p + `bootstrap_duration_ms{dataset="cities"} 0`,
		"# TYPE " + p + "write_duration_ms histogram", "# TYPE " + p + "write_bytes gauge", "# TYPE " + p + "failure_count counter"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if !regexp.MustCompile(p+`write_timestamp\{dataset="cities"\} 1\.\d+e\+09`).MatchString(text) || strings.Contains(text, first.Checksum) || strings.Contains(text, p+`failure_count{dataset="memory"}`) {
		t.Errorf("%s", text)
	}

	objects, err := filepath.Glob(filepath.Join(store, "month=*", "day=*", "dataset=cities", "*.duckdb"))
	if err != nil || len(objects) != 2 {
		t.Fatalf("%v, %v", objects, err)
	}
	b, err := os.ReadFile(objects[1])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(objects[1], b, 0o644); err != nil {
		t.Fatal(err)
	}
	replica := start(t, pod)
	replica.until(func(st *api.State) bool { return st.Dataset("cities").Snapshots.Booted != nil })
	_, _, text = replica.ask("GET", "/metrics", "")
	for _, want := range []string{p + `bootstrap_checksum{checksum="` + first.Checksum + `",dataset="cities"} 1`, p + `bootstrap_failure_count{dataset="cities",reason="corrupt"} 1`, p + `bootstrap_bytes{dataset="cities"} `} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if strings.Contains(text, p+`bootstrap_duration_ms{dataset="cities"} 0`+"\n") {
		t.Error("the bootstrap took no time")
	}
}
