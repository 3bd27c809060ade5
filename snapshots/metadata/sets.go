package metadata

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Set is snapshots of the partitions of a dataset that belong together: those of one state of it.
type Set struct {
	ID uint64 `json:"set-id"`
	// Engine is that of the writer.
	Engine string `json:"engine"`
	// AtMs is when its creation started, LastUpdatedMs the time of the last write into the acceleration, in
	// milliseconds since the epoch.
	AtMs          int64 `json:"timestamp-ms"`
	LastUpdatedMs int64 `json:"last-updated-ms,omitempty"`
	// Checkpoint is what the engine recorded with the state, as the runtime wrote it.
	Checkpoint []byte    `json:"checkpoint,omitempty"`
	Partitions []SetPart `json:"partitions"`
}

// SetPart is the snapshot of one partition.
type SetPart struct {
	Path     string `json:"path"`
	Snapshot uint64 `json:"snapshot-id"`
	// Checksum is that of the snapshot: ids come again when metadata.json was lost.
	Checksum string `json:"checksum"`
	// Version tells what the partition held: the same version is the same content.
	Version string `json:"version"`
	Rows    int64  `json:"rows"`
	Bytes   int64  `json:"bytes"`
}

// maxPartitionKey bounds what a partition adds to the name of its dataset: names of objects have that twice.
const maxPartitionKey = 120

// setsKept is how many sets are remembered.
const setsKept = 10

// AddSet appends a set, under the next id, and forgets the oldest ones. Partitions that none names any more are noted.
func (o *Own) AddSet(s Set) Set {
	o.LastSet++
	s.ID = o.LastSet
	all := append(o.Sets, s)
	o.Sets = slices.Clone(all[max(0, len(all)-setsKept):])
	named := paths(o.Sets)
	left := paths(all[:len(all)-len(o.Sets)])
	for _, p := range o.LeftPartitions {
		left[p] = true
	}
	maps.DeleteFunc(left, func(p string, _ bool) bool { return named[p] })
	o.LeftPartitions = slices.Sorted(maps.Keys(left))
	return s
}

// paths are the partitions that sets name.
func paths(sets []Set) map[string]bool {
	all := map[string]bool{}
	for _, s := range sets {
		for _, p := range s.Partitions {
			all[p.Path] = true
		}
	}
	return all
}

// PartitionKey is the dataset under which the snapshots of a partition are stored (spec acceleration-snapshots
// section 7): the name, "@" and the path of the partition in Hive form, where "," stands for "/" and "!" with two hex
// digits for what keys can't carry.
func PartitionKey(dataset, path string) string {
	var b strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case c == '/':
			b.WriteByte(',')
		case c == '%': // an escape of the path
			b.WriteByte('!')
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '_', c == '-', c == '=',
			c == '.' && (i == 0 || path[i-1] != '.'):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "!%02X", c)
		}
	}
	key := b.String()
	if len(key) > maxPartitionKey {
		sum := sha256.Sum256([]byte(key))
		key = strings.TrimRight(key[:maxPartitionKey-33], ".!") + "-" + hex.EncodeToString(sum[:16])
	}
	return dataset + "@" + key
}
