package metadata

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// IncrementAlgorithm is the checksum algorithm of incremental snapshots: SHA-256 of the size and of the BLAKE3 of
// all blocks. Spice does not see them.
const IncrementAlgorithm = "SHA256-BLAKE3-256K"

// Increments are the incremental snapshots of a dataset: metadata.json can't name what Spice can't read. Their ids
// come from the dataset's record there, so that they are those of no other snapshot.
type Increments struct {
	// List is in the order of their ids.
	List []Increment `json:"list,omitempty"`
	// CurrentID is the one that new replicas load, for as long as the pointer in metadata.json is at OverID: whoever
	// moves that one takes over.
	CurrentID *uint64 `json:"current-id,omitempty"`
	OverID    *uint64 `json:"over-id,omitempty"`
	// PinnedID stays current whatever is written.
	PinnedID *uint64 `json:"pinned-id,omitempty"`
}

// Increment is the record of one incremental snapshot. Snapshot.URI is the address of its index, Checksum the root of
// the index, and Size that of the file.
type Increment struct {
	Snapshot
	// Objects are the keys of all objects that have blocks of the file; with the index they are all that it needs.
	Objects []string `json:"objects"`
	// Stored is how many bytes were uploaded.
	Stored uint64 `json:"stored-bytes"`
}

// The folders of what incremental snapshots are made of, relative to the location.
const (
	PacksFolder   = "pitwall/packs/"
	IndexesFolder = "pitwall/index/"
)

// PackKey and IndexKey are the keys of the new blocks and of the index of an incremental snapshot.
func PackKey(dataset string, at time.Time) string {
	return PacksFolder + dataset + "/" + stamp(at) + ".pack"
}

// IndexKey is the key of the index of an incremental snapshot.
func IndexKey(dataset string, at time.Time) string {
	return IndexesFolder + dataset + "/" + stamp(at) + ".index"
}

// FullIndexKey is the key of the index of a snapshot that is one object, of that key and checksum: the key of an
// object that was removed may come again.
func FullIndexKey(dataset, key, checksum string) string {
	return IndexesFolder + dataset + "/" + path.Base(key) + "." + checksum + ".index"
}

// Increment returns the record of that id, or nil.
func (o *Own) Increment(id uint64) *Increment {
	i := slices.IndexFunc(o.Increments.List, func(x Increment) bool { return x.ID == id })
	if i < 0 {
		return nil
	}
	return &o.Increments.List[i]
}

// Keys are those of all that an incremental snapshot needs. URI must be in the location.
func (x *Increment) Keys(location string) []string {
	keys := slices.Clone(x.Objects)
	if key, err := KeyOf(location, x.URI); err == nil {
		keys = append(keys, key)
	}
	return keys
}

// reservationProperty is the mark of who reserved an id last.
const reservationProperty = "pitwall-reservation"

// Reserve returns the id of the next snapshot, which no other one gets, and false if it was done under that mark
// before.
func (d *Dataset) Reserve(mark string) (id uint64, fresh bool) {
	if id, ok := strings.CutPrefix(d.Properties[reservationProperty], mark+" "); ok {
		if n, err := strconv.ParseUint(id, 10, 64); err == nil {
			return n, false
		}
	}
	id = d.NextID()
	d.setProperty(nextProperty, id+1)
	d.Properties[reservationProperty] = fmt.Sprint(mark, " ", id)
	return id, true
}
