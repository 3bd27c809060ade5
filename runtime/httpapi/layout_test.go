package httpapi_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/httpapi"
	"pitwall/runtime/metrics"
	"pitwall/ui/uitest"
)

// The layout of a dataset is in its detail, its partitions are a list, and both are in the metrics; an engine without
// such files says nothing of them.
func TestLayoutOverHTTP(t *testing.T) {
	s := uitest.Sample(time.Now())
	uitest.Partitioned(s, 2, 1)
	s.Datasets[0].Compaction = &api.Compaction{Running: true, Runs: 3, Before: 24, After: 6, Err: "disk full"}
	c := uitest.New(s)
	h := httpapi.Handler(httpapi.Options{Console: c, Metrics: metrics.New(c).Handler()})
	get := func(path string) string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	for path, wants := range map[string][]string{
		"/v1/datasets/lake.clicks": {
			`"layout":{"partitions":2,"files":3,"small_files":1,"rows":30000,"deleted_rows":17,"size_bytes":3145728}`,
			`"scans":{"scans":14,"files_read":30,"zones_read":120,"partitions_left_out":210,"files_left_out":270,"zones_left_out":1340}`,
			`"compaction":{"running":true,"runs":3,"files_before":24,"files_after":6,"error":"disk full"}`},
		"/v1/datasets/lake.clicks/partitions": {`[{"path":"region=r00/day=2026-01-01","files":1,"small_files":0,"rows":10000,"deleted_rows":0,"size_bytes":1048576},{"path":"region=r01`},
		"/v1/datasets/lake.clicks/partitions?format=csv": {
			"path,files,small_files,rows,deleted_rows,size_bytes\nregion=r00/day=2026-01-01,1,0,10000,0,1048576\n"},
		"/v1/datasets/ref.fx/partitions": {"[]\n"},
		"/metrics": {
			`dataset_acceleration_partitions{dataset="lake.clicks"} 2`, `dataset_acceleration_files{dataset="lake.clicks"} 3`,
			`dataset_acceleration_files_bytes{dataset="lake.clicks"} 3.145728e+06`, `dataset_acceleration_small_files{dataset="lake.clicks"} 1`,
			`dataset_acceleration_deleted_rows{dataset="lake.clicks"} 17`, `dataset_acceleration_scans{dataset="lake.clicks"} 14`,
			`dataset_acceleration_scan_zones_left_out{dataset="lake.clicks"} 1340`, `dataset_acceleration_compactions{dataset="lake.clicks"} 3`,
			`dataset_acceleration_compaction_running{dataset="lake.clicks"} 1`, `dataset_acceleration_compaction_failing{dataset="lake.clicks"} 1`,
			"# TYPE dataset_acceleration_scan_files_left_out counter"},
	} {
		got := get(path)
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %s in\n%s", path, want, got)
			}
		}
	}
	if got := get("/v1/datasets/ref.fx"); strings.Contains(got, "layout") || strings.Contains(got, "scans") || strings.Contains(got, "compaction") {
		t.Error(got)
	}
	if got := get("/metrics"); strings.Contains(got, `dataset_acceleration_files{dataset="ref.fx"}`) {
		t.Error("sqlite has files")
	}
}
