package faces_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pitwall/runtime/api"
	"pitwall/runtime/httpapi"
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

func TestSnapshotsOverHTTP(t *testing.T) {
	store := t.TempDir()
	s := start(t, `version: v1
kind: Spicepod
name: test
snapshots: {location: 'file://`+store+`'}
datasets:
  - {from: 'file:a.csv', name: cities, acceleration: {engine: sqlite, mode: file, snapshots: enabled}}
  - {from: 'file:a.csv', name: memory, acceleration: {engine: duckdb}}
  - {from: 'file:a.csv', name: plain}
`)
	attempts := func(n int64) {
		t.Helper()
		s.until(func(st *api.State) bool {
			d := st.Dataset("cities")
			return d.Snapshots.Totals.Attempts == n && d.Snapshots.Run == nil && d.Run == nil
		})
	}
	attempts(1)
	const base = "/v1/datasets/Cities/acceleration/snapshots"
	expect := func(method, path, body string, status int, want string) http.Header {
		t.Helper()
		got, header, text := s.ask(method, path, body)
		if got != status || !strings.Contains(text, want) {
			t.Errorf("%s %s: %d %s, want %d %s", method, path, got, text, status, want)
		}
		return header
	}
	finished := func(h http.Header) api.Task {
		t.Helper()
		var task api.Task
		s.until(func(st *api.State) bool {
			for _, x := range st.Tasks {
				if strconv.FormatUint(uint64(x.ID), 10) == h.Get(httpapi.CommandHeader) {
					task = x
				}
			}
			return task.ID != 0 && task.State != api.TaskRunning
		})
		return task
	}
	expect("GET", base, "", 200, `"dataset_name":"cities","location":"file://`+store+`"`)
	expect("GET", base, "", 200, `"row_count":2,"is_current":true,"status":"verified"}]}`)
	s.write("a.csv", "id,name\n1,Seattle\n2,Bellevue\n3,Renton\n")
	s.ask("POST", "/v1/datasets/cities/acceleration/refresh", "")
	attempts(2)
	finished(expect("POST", base, "", 202, "Snapshot of cities begun."))
	expect("GET", base+"?limit=2", "", 200, `"current_snapshot_id":2,"snapshots":[{"snapshot_id":1,`)
	expect("GET", base+"/0", "", 200, `"snapshot_id":0,`)
	expect("POST", base+"/current", `{"snapshot_id":0}`, 200, "becomes current")
	s.until(func(st *api.State) bool { n := st.Dataset("cities").Snapshots.Newest; return n != nil && n.ID == 0 })
	expect("GET", base, "", 200, `"current_snapshot_id":0`)
	if task := finished(expect("POST", base+"/0/verify", "", 202, "begun")); task.State != api.TaskDone {
		t.Errorf("%+v", task)
	}
	expect("GET", base+"/0", "", 200, `"verification":"verified"`)
	if task := finished(expect("POST", base+"/0/bootstrap", `{"hold":true}`, 202, "begun")); task.State != api.TaskDone {
		t.Errorf("%+v", task)
	}
	s.until(func(st *api.State) bool { d := st.Dataset("cities"); return d.Rows == 2 && d.Held })
	objects, err := filepath.Glob(filepath.Join(store, "month=*", "day=*", "dataset=cities", "*"))
	if err != nil || len(objects) != 3 {
		t.Fatalf("%v, %v", objects, err)
	}
	if err := os.Truncate(objects[0], 10); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(objects[1]); err != nil {
		t.Fatal(err)
	}
	expect("GET", base+"/0", "", 200, `"status":"unverified"`)
	expect("GET", base+"/1", "", 200, `"status":""`)
	if task := finished(expect("POST", base+"/current", `{"snapshot_id":1}`, 200, "")); task.State != api.TaskFailed || !strings.Contains(task.Detail, "is gone") {
		t.Errorf("%+v", task)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/v1/datasets/none/acceleration/snapshots", "", 404}, {"GET", "/v1/datasets/memory/acceleration/snapshots", "", 400},
		{"GET", "/v1/datasets/plain/acceleration/snapshots", "", 400}, {"GET", base + "?limit=x", "", 400}, {"GET", base + "/9", "", 404}, {"GET", base + "/x", "", 404},
		{"POST", base + "/current", `{"snapshot_id":9}`, 404}, {"POST", base + "/current", "{", 400}, {"POST", base + "/current", "", 400},
		{"POST", "/v1/datasets/memory/acceleration/snapshots", "", 500},
	} {
		expect(c.method, c.path, c.body, c.status, `{"message":`)
	}
}
