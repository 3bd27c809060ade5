package engines

import "context"

// PartitionedEngine can be copied and restored partition by partition.
type PartitionedEngine interface {
	FileEngine
	// Pin holds the state of now, so that copies of its partitions belong together. Kind NotFound: nothing was
	// written yet. Kind Invalid: the rows do not lie as partition_by says, which the next write cures, or the
	// dataset has no partition_by.
	Pin(ctx context.Context) (Pinned, error)
	// AdoptPartitions makes copies of all partitions, that were made of one Pinned or are as those would be, the
	// content of the engine, with the checkpoint of that state; like FileEngine.Adopt otherwise. Kind Corrupt: they
	// do not belong together.
	AdoptPartitions(ctx context.Context, files []string, cp Checkpoint) (Info, error)
}

// Pinned is a state of a partitioned engine. Writers go on.
type Pinned interface {
	// Partitions are those that have rows, by path.
	Partitions() []PinnedPartition
	// Checkpoint is that of the state.
	Checkpoint() Checkpoint
	// Export writes a copy of one partition to dst, as FileEngine.Export does of all; its rows are those of the
	// partition.
	Export(ctx context.Context, path, dst string) (Export, error)
	// Release lets go of the state.
	Release()
}

// PinnedPartition is one partition of a pinned state.
type PinnedPartition struct {
	// Path is its folder in Hive form; see Partition.
	Path string
	// Version is the same as long as its files are.
	Version     string
	Rows, Bytes int64
}
