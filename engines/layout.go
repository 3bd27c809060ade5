package engines

import "context"

// LayoutEngine is an engine that keeps its rows in files which are written once.
type LayoutEngine interface {
	FileEngine
	// Layout tells which files hold the rows now, and what reads and compactions did since the engine was
	// opened; the zero value before the first write.
	Layout(ctx context.Context) (Layout, error)
}

// Layout is how the rows of a dataset lie in files.
type Layout struct {
	// Partitions by Path; of a dataset that is not partitioned the one of Path "".
	Partitions []Partition
	// Reads adds up the scans since the engine was opened.
	Reads Reads
	// Compaction is nil where the engine never compacts by itself.
	Compaction *Compaction
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

// Reads tells what scans read, and what bounds of columns told them to leave out.
type Reads struct {
	Scans                                int64
	Files, Zones                         int64 // read
	PartitionsLeft, FilesLeft, ZonesLeft int64 // not read; the zones only of files that were
}

// Compaction is what compactions did since the engine was opened.
type Compaction struct {
	Running bool
	Runs    int64
	// Before and After are how many files went in and came out.
	Before, After int64
	// Err is why the last one failed; empty when it did not.
	Err string
}
