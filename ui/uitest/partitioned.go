package uitest

import (
	"fmt"
	"time"

	"pitwall/runtime/api"
)

// Partitioned adds a dataset to a Sample, in front, whose rows lie in files of partitions by region and day: regions
// times days of them.
func Partitioned(s *api.State, regions, days int) {
	now := s.At
	d := &api.Dataset{Name: "lake.clicks", From: "s3://lake/clicks/", Engine: "cayenne", Mode: "file", File: ".spice/data/lake.clicks.cayenne",
		RefreshMode: "append", Schedule: "every 1m", Status: api.Ready, Since: now.Add(-time.Hour), HasData: true, WasReady: true, Rev: 1,
		LastRefresh: now.Add(-20 * time.Second), NextRefresh: now.Add(40 * time.Second), TimeColumn: "at",
		Snapshots: api.DatasetSnapshots{Mode: "disabled", Off: "snapshots are disabled for this dataset"},
		Layout:    &api.Layout{}, Reads: &api.Reads{Scans: 14, Files: 30, Zones: 120, PartitionsLeft: 210, FilesLeft: 270, ZonesLeft: 1_340},
		Compaction: &api.Compaction{Runs: 3, Before: 24, After: 6}}
	t := &d.Layout.Total
	for r := range regions {
		for y := range days {
			p := api.Partition{Path: fmt.Sprintf("region=r%02d/day=%s", r, time.Date(2026, 1, 1+y, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)),
				Files: 1 + (r+y)%4, Small: (r + y) % 3, Rows: int64(10_000*(r+1) + 731*y), Deleted: int64(17 * ((r + y) % 2)), Bytes: int64(1<<20*(r+1) + 70_001*y)}
			d.Layout.Partitions = append(d.Layout.Partitions, p)
			t.Files, t.Small = t.Files+p.Files, t.Small+p.Small
			t.Rows, t.Deleted, t.Bytes = t.Rows+p.Rows, t.Deleted+p.Deleted, t.Bytes+p.Bytes
		}
	}
	d.Rows, d.Bytes = t.Rows, t.Bytes
	s.Datasets = append([]*api.Dataset{d}, s.Datasets...)
}
