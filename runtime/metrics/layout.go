package metrics

import "pitwall/runtime/api"

// layout emits how the rows lie in files, what scans read of them, and what compactions did; nothing for an engine
// that has no such files. Partitions have no metrics of their own: there may be thousands.
func (e emitter) layout(d *api.Dataset) {
	const p = "dataset_acceleration_"
	if l := d.Layout; l != nil {
		for _, g := range []amount{
			{"partitions", "Partitions that have rows.", int64(len(l.Partitions))},
			{"files", "Data files.", int64(l.Total.Files)},
			{"small_files", "Data files that compaction would put together.", int64(l.Total.Small)},
			{"files_bytes", "Size of the data files in bytes.", l.Total.Bytes},
			{"deleted_rows", "Deleted rows that are still in the data files.", l.Total.Deleted},
		} {
			e.gauge(p+g.name, g.help, float64(g.v), "dataset", d.Name)
		}
	}
	if r := d.Reads; r != nil {
		e.counters(d, []amount{
			{"scans", "Scans of the data files.", r.Scans},
			{"scan_files_read", "Data files that scans read.", r.Files},
			{"scan_files_left_out", "Data files that scans left out by their bounds.", r.FilesLeft},
			{"scan_partitions_left_out", "Partitions that scans left out by their values.", r.PartitionsLeft},
			{"scan_zones_read", "Zones of data files that scans read.", r.Zones},
			{"scan_zones_left_out", "Zones that scans left out by zone maps, of files that were read.", r.ZonesLeft},
		})
	}
	if c := d.Compaction; c != nil {
		e.counters(d, []amount{
			{"compactions", "Compactions that ended well.", c.Runs},
			{"compaction_files_before", "Data files that compactions put together.", c.Before},
			{"compaction_files_after", "Data files that compactions made of them.", c.After},
		})
		e.gauge(p+"compaction_running", "1 while a compaction runs.", truth(c.Running), "dataset", d.Name)
		e.gauge(p+"compaction_failing", "1 while the last compaction failed.", truth(c.Err != ""), "dataset", d.Name)
	}
}

type amount struct {
	name, help string
	v          int64
}

func (e emitter) counters(d *api.Dataset, cs []amount) {
	for _, c := range cs {
		e.counter("dataset_acceleration_"+c.name, c.help, float64(c.v), "dataset", d.Name)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
