package api

import (
	"context"
	"time"
)

// StoreOptions say which snapshot store is meant.
type StoreOptions struct {
	// Location is the URL of the store or a folder, Params are what a spicepod says of it. Without a Location
	// it is that of the spicepod Pod, a file or the folder that one is in.
	Location string
	Params   map[string]string
	Pod      string
	// ReadOnly has it refuse what changes the store.
	ReadOnly bool
}

// Store is a snapshot store that is worked on without a runtime: after a disaster, from any machine that
// reaches it. The errors are *CommandError, or those of the context.
type Store interface {
	// Location is its URL.
	Location() string
	// Datasets tells what it has, by name.
	Datasets(ctx context.Context) ([]StoredDataset, error)
	// Snapshots lists the stored snapshots of a dataset, newest first.
	Snapshots(ctx context.Context, dataset string) ([]Snapshot, error)
	// Snapshot returns one of them. Reason NotFound: there is none of that id.
	Snapshot(ctx context.Context, dataset string, id uint64) (Snapshot, error)
	// Objects looks at the objects of listed snapshots, with one small request each.
	Objects(ctx context.Context, list []Snapshot) map[uint64]ObjectState
	// Verify reads a snapshot and compares size and SHA-256, opens it with its engine, and counts its rows. It
	// returns what was found to be right. Reason Unsound: it can't be used.
	Verify(ctx context.Context, dataset string, id uint64, progress func(done, total int64)) (string, error)
	// Steer carries out SetCurrent, PinSnapshot, UnpinSnapshots, DeleteSnapshot and CollectSnapshots, which goes
	// by snapshots_retain of the spicepod, and returns what was done.
	Steer(ctx context.Context, c Command) (string, error)
	// Export writes the object of a snapshot to a file, which appears when it is whole and its SHA-256 is right.
	// Reason Invalid: the file is there already, and overwrite is false.
	Export(ctx context.Context, dataset string, id uint64, file string, overwrite bool, progress func(done, total int64)) error
	// Close releases it.
	Close() error
}

// StoredDataset is what a store has of one dataset.
type StoredDataset struct {
	Name string `json:"dataset_name"`
	// Engine is that of the latest writer; empty when unknown.
	Engine string `json:"engine,omitempty"`
	// Snapshots is how many there are, Bytes their size together.
	Snapshots int   `json:"snapshots"`
	Bytes     int64 `json:"size_bytes"`
	// Newest is when the newest of them was created; zero without any.
	Newest time.Time `json:"newest,omitzero"`
	// Current is the id of the one that replicas load; nil when there is none.
	Current *uint64 `json:"current_snapshot_id,omitempty"`
}
