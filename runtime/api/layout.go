package api

// Layout is how the rows of a dataset lie in files that are written once. It is as of the newest look, which follows
// each write within moments; nobody may write to it.
type Layout struct {
	// Total adds up the partitions; its Path is empty.
	Total Partition
	// Partitions are in the order of their paths; of a dataset that is not partitioned the one of Path "", and none
	// before the first write.
	Partitions []Partition
}

// Partition is the rows that have the same values of partition_by.
type Partition struct {
	// Path is its folder in Hive form, "region=eu/year=2024".
	Path string
	// Files is how many data files it has, Small how many of them compaction would put together.
	Files, Small int
	// Rows that count, and Deleted ones that are still in the files.
	Rows, Deleted int64
	// Bytes of the files.
	Bytes int64
}

// Reads tells what scans read since the engine was opened, and what bounds of columns told them to leave out.
type Reads struct {
	Scans int64
	// Files and Zones were read. A zone is a piece of a file that has bounds of its own.
	Files, Zones int64
	// PartitionsLeft, FilesLeft and ZonesLeft were not; the zones are only those of files that were read.
	PartitionsLeft, FilesLeft, ZonesLeft int64
}

// Compaction tells what the engine did since it was opened to have few large files.
type Compaction struct {
	// Running is true while files are being put together; Runs counts those that ended well.
	Running bool
	Runs    int64
	// Before and After are how many files went in and came out of all runs.
	Before, After int64
	// Err is why the last one failed; empty when it did not.
	Err string
}

// Partitioned tells whether the dataset has partitions that have names.
func (l *Layout) Partitioned() bool {
	return l != nil && (len(l.Partitions) > 1 || len(l.Partitions) == 1 && l.Partitions[0].Path != "")
}
