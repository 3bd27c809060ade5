package httpapi

import (
	"net/http"
	"strconv"

	"pitwall/runtime/api"
)

// layout is how the rows of a dataset lie in files, all partitions together.
type layout struct {
	Partitions int   `json:"partitions"`
	Files      int   `json:"files"`
	Small      int   `json:"small_files"`
	Rows       int64 `json:"rows"`
	Deleted    int64 `json:"deleted_rows"`
	Bytes      int64 `json:"size_bytes"`
}

// scans is what scans read and left out since the start.
type scans struct {
	Scans          int64 `json:"scans"`
	Files          int64 `json:"files_read"`
	Zones          int64 `json:"zones_read"`
	PartitionsLeft int64 `json:"partitions_left_out"`
	FilesLeft      int64 `json:"files_left_out"`
	ZonesLeft      int64 `json:"zones_left_out"`
}

type compaction struct {
	Running bool   `json:"running"`
	Runs    int64  `json:"runs"`
	Before  int64  `json:"files_before"`
	After   int64  `json:"files_after"`
	Err     string `json:"error,omitempty"`
}

// files are the parts of the detail that only some engines have.
type files struct {
	Layout     *layout     `json:"layout,omitempty"`
	Scans      *scans      `json:"scans,omitempty"`
	Compaction *compaction `json:"compaction,omitempty"`
}

func filesOf(d *api.Dataset) (f files) {
	if l := d.Layout; l != nil {
		t := l.Total
		f.Layout = &layout{len(l.Partitions), t.Files, t.Small, t.Rows, t.Deleted, t.Bytes}
	}
	if r := d.Reads; r != nil {
		f.Scans = &scans{r.Scans, r.Files, r.Zones, r.PartitionsLeft, r.FilesLeft, r.ZonesLeft}
	}
	if c := d.Compaction; c != nil {
		x := compaction(*c)
		f.Compaction = &x
	}
	return f
}

// partition is one entry of GET /v1/datasets/{name}/partitions.
type partition struct {
	Path    string `json:"path"`
	Files   int    `json:"files"`
	Small   int    `json:"small_files"`
	Rows    int64  `json:"rows"`
	Deleted int64  `json:"deleted_rows"`
	Bytes   int64  `json:"size_bytes"`
}

// partitions lists them by path; none for an engine that has no files of that kind.
func (s *server) partitions(w http.ResponseWriter, q *http.Request) {
	d := s.find(w, q)
	if d == nil {
		return
	}
	list := []partition{}
	rows := [][]string{{"path", "files", "small_files", "rows", "deleted_rows", "size_bytes"}}
	if d.Layout != nil {
		for _, p := range d.Layout.Partitions {
			list = append(list, partition(p))
			rows = append(rows, []string{p.Path, strconv.Itoa(p.Files), strconv.Itoa(p.Small), strconv.FormatInt(p.Rows, 10),
				strconv.FormatInt(p.Deleted, 10), strconv.FormatInt(p.Bytes, 10)})
		}
	}
	s.list(w, q, list, rows)
}
