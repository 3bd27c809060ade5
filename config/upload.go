package config

// defaultFullEvery is snapshots_full_every where it is not set: Spice, which sees full snapshots only, is never more
// than nine behind.
const defaultFullEvery = 10

// upload resolves how snapshots are stored.
func (e *entry) upload() {
	r, a := &e.raw.Acceleration, &e.ds.Acceleration
	a.SnapshotsUpload = or(r.SnapshotsUpload, a.SnapshotsUpload)
	a.SnapshotsFullEvery = or(int64(r.SnapshotsFullEvery), defaultFullEvery)
	const upload, every = accel + "snapshots_upload", accel + "snapshots_full_every"
	if a.Snapshots == SnapshotsDisabled {
		return
	}
	if e.set(every) && r.SnapshotsFullEvery == 0 && !e.broken[e.path(every)] {
		e.errorf(e.path(every), "1 has every snapshot full", "snapshots_full_every is 0")
	}
	if a.SnapshotsUpload != UploadIncremental {
		if e.set(every) {
			e.warnf(e.path(every), "add snapshots_upload: incremental", "snapshots_full_every has no effect: every snapshot is full")
		}
		return
	}
	switch {
	case a.SnapshotsCompaction:
		e.warnf(e.path(upload), "leave snapshots_compaction out and set snapshots_retain", "snapshots_upload: incremental stores little less: snapshots_compaction writes the database anew each time")
	case a.RefreshMode == RefreshFull:
		e.warnf(e.path(upload), "use refresh_mode: append or changes", "snapshots_upload: incremental stores little less: a full refresh writes the database anew")
	}
}
