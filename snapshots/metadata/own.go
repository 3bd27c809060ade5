package metadata

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// OwnVersion is the only version of the own state of a dataset that there is.
const OwnVersion = 1

// Own is what pitwall knows of the snapshots of a dataset beyond what metadata.json has a place for. It lives
// beside it, in pitwall/<dataset>.json, and may be lost: nothing in it is needed to load a snapshot that
// metadata.json names, unless it is one of a partition.
type Own struct {
	Version int    `json:"format-version"`
	Dataset string `json:"dataset"`
	// Checks are the results of the last verification, by snapshot id.
	Checks map[uint64]Check `json:"checks,omitempty"`
	// Contents are the fingerprints of what snapshots hold, by snapshot id.
	Contents map[uint64]string `json:"contents,omitempty"`
	// Removing are the objects of records that were taken out of metadata.json, or are about to be.
	Removing []Removing `json:"removing,omitempty"`
	// RetiredMs is the time of the latest key whose object was, or is about to be, deleted. Keys up to it are not used
	// again: somebody may still be about to delete that object. Zero when none was.
	RetiredMs int64 `json:"retired-ms,omitempty"`
	// Removals counts how often something was added to Removing.
	Removals uint64 `json:"removals,omitempty"`
	// Increments are the incremental snapshots. They are lost with this file, which then costs what they hold since
	// the last full one.
	Increments Increments `json:"increments,omitzero"`
	// Sets are the snapshots of partitions that belong together, oldest first. They are lost with this file: then a
	// new replica has to load the source.
	Sets []Set `json:"sets,omitempty"`
	// LeftPartitions are the paths that sets named and none does any more.
	LeftPartitions []string `json:"left-partitions,omitempty"`
	// LastSet is the id of the newest set that there ever was.
	LastSet uint64 `json:"last-set,omitempty"`
	// SetGeneration is the generation of the lease under which the newest set was written.
	SetGeneration uint64 `json:"set-generation,omitempty"`

	other map[string]json.RawMessage // members of later versions, kept
}

// Check is the result of a verification.
type Check struct {
	// AtMs is when it was, in milliseconds since the epoch.
	AtMs int64 `json:"at-ms"`
	// Result is "verified", "mismatch" or "missing"; Detail says what is wrong.
	Result string `json:"result"`
	Detail string `json:"detail,omitempty"`
}

// Removing is an object that goes when nobody can be reading it any more.
type Removing struct {
	ID    uint64 `json:"snapshot-id"`
	Key   string `json:"key"`
	Bytes uint64 `json:"bytes"`
	// SinceMs is when its removal was decided, in milliseconds since the epoch.
	SinceMs int64 `json:"since-ms"`
}

// Retire notes that the object of a key is to be deleted. What a clock dated after latest is not noted: names of
// the wrong day for as long as that clock is wrong would be worse.
func (o *Own) Retire(key string, latest time.Time) {
	if at, ok := keyTime(key); ok && !at.After(latest) {
		o.RetiredMs = max(o.RetiredMs, at.UnixMilli())
	}
}

// Fresh is the first whole second not before at whose keys were never those of an object that was deleted.
func (o *Own) Fresh(at time.Time) time.Time {
	if at = at.Truncate(time.Second); at.UnixMilli() <= o.RetiredMs {
		at = time.UnixMilli(o.RetiredMs).UTC().Add(time.Second)
	}
	return at
}

// OwnKey is the key of the own state of a dataset, relative to the location.
func OwnKey(dataset string) string { return "pitwall/" + dataset + ".json" }

// DecodeOwn parses an own state.
func DecodeOwn(b []byte) (*Own, error) {
	o := &Own{}
	if err := json.Unmarshal(b, o); err != nil {
		return nil, fmt.Errorf("the own state is not valid: %w", err)
	}
	if o.Version != OwnVersion {
		return nil, fmt.Errorf("the own state has format-version %d; only %d is known", o.Version, OwnVersion)
	}
	var all, known map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	// Every member of this version, whether it is empty or not.
	mine, err := json.Marshal(&Own{Checks: map[uint64]Check{0: {}}, Contents: map[uint64]string{0: ""}, Removing: []Removing{{}}, RetiredMs: 1, Removals: 1,
		Increments: Increments{List: []Increment{{}}}, Sets: []Set{{}}, LeftPartitions: []string{""}, LastSet: 1, SetGeneration: 1})
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(mine, &known); err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, func(k string, _ json.RawMessage) bool { _, ok := known[k]; return ok })
	o.other = all
	return o, nil
}

// Encode writes the own state, with what a later version put there.
func (o *Own) Encode() ([]byte, error) {
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	members := maps.Clone(o.other)
	if members == nil {
		members = map[string]json.RawMessage{}
	}
	if err := json.Unmarshal(b, &members); err != nil {
		return nil, err
	}
	return json.MarshalIndent(members, "", "  ")
}

// Forget drops what is known of snapshots that are no more.
func (o *Own) Forget(there func(id uint64) bool) {
	maps.DeleteFunc(o.Checks, func(id uint64, _ Check) bool { return !there(id) })
	maps.DeleteFunc(o.Contents, func(id uint64, _ string) bool { return !there(id) })
}
