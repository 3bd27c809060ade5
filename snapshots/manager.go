// Package snapshots writes copies of accelerations to an object store and brings them back. It owns
// the commit protocol on metadata.json (spec acceleration-snapshots.md sections 1 to 3), the policy
// of what may be written, and the order in which snapshots are tried on bootstrap.
//
// It knows nothing of engines or sources: whoever calls it hands over a finished copy of a database,
// and takes a verified file. No goroutine outlives the call that started it; the runtime decides when.
package snapshots

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore"
)

// Manager reads and writes the snapshots of one location. It is safe for concurrent use, and several
// processes may use one location.
type Manager struct {
	store *objstore.Store

	mu       sync.Mutex
	watching map[string]watched        // leases of others, by dataset
	leases   map[string]metadata.Lease // that this process wrote last
}

// Open opens a snapshot location with its params (spec acceleration-snapshots 4.1); relative file locations
// are relative to dir. It does not connect to an object store. Kind Invalid: the location or a param can't
// be used, and why.
func Open(ctx context.Context, location, dir string, params map[string]string) (*Manager, error) {
	s, err := objstore.Open(ctx, location, dir, params)
	if err != nil {
		return nil, wrap("open", "", err)
	}
	return &Manager{store: s, watching: map[string]watched{}, leases: map[string]metadata.Lease{}}, nil
}

// Location is the configured location.
func (m *Manager) Location() string { return m.store.Location() }

// Close releases the store.
func (m *Manager) Close() error { return m.store.Close() }

// Snapshot is one stored snapshot.
type Snapshot struct {
	ID uint64
	// Created is when its creation started; URI the full address of the object.
	Created time.Time
	URI     string
	// Checksum is lower-case hex SHA-256 of the object, Bytes its size.
	Checksum string
	// Algorithm is the checksum's, as recorded; only SHA256 can be verified.
	Algorithm string
	Bytes     int64
	// Rows is -1 when unknown.
	Rows int64
	// Engine is empty for snapshots of writers older than the engine field.
	Engine string
	// LastUpdated is the time of the last write into the acceleration; zero when unknown.
	LastUpdated time.Time
	// Incremental tells that the store has it as blocks, some of them in objects of older snapshots: URI is then the
	// address of its index and Checksum that of the blocks, while Bytes is the size of the file.
	Incremental bool
	// Stored is how many bytes were uploaded for it.
	Stored int64
	// Partitions is how many snapshots of partitions it is; 0 when it is one of the whole dataset.
	Partitions int
	// Current tells whether a new replica loads it, Pinned that this stays so when newer ones are written.
	Current, Pinned bool

	objects []string // that an incremental one needs besides its index
	pointed bool     // metadata.json has it for the current one, also when an incremental one is
}

// List returns the snapshots of a dataset, newest first; none when the dataset or the whole location
// has no snapshots yet.
func (m *Manager) List(ctx context.Context, dataset string) ([]Snapshot, error) {
	v, err := m.view(ctx, dataset)
	if err != nil {
		return nil, wrap("list", dataset, err)
	}
	return v.list(), nil
}

// fromRecord knows nothing of the pointer.
func fromRecord(r metadata.Snapshot) Snapshot {
	s := Snapshot{
		ID: r.ID, Created: time.UnixMilli(r.TimestampMs).UTC(), URI: r.URI, Checksum: r.Checksum, Algorithm: r.Algorithm,
		Bytes: int64(r.Size), Stored: int64(r.Size), Rows: -1, Engine: r.Engine,
	}
	if r.RowCount != nil {
		s.Rows = int64(*r.RowCount)
	}
	if r.LastUpdatedMs != nil {
		s.LastUpdated = time.UnixMilli(*r.LastUpdatedMs).UTC()
	}
	return s
}

// load reads metadata.json; a missing one is an empty File with version "".
func (m *Manager) load(ctx context.Context) (*metadata.File, string, error) {
	b, version, err := m.store.Load(ctx, metadata.Name)
	if objstore.KindOf(err) == objstore.KindNotFound {
		return metadata.New(m.Location()), "", nil
	}
	if err != nil {
		return nil, "", err
	}
	f, err := metadata.Decode(b)
	if err != nil {
		return nil, "", &Error{Op: "read metadata of", Kind: BadMetadata, Err: err,
			Hint: fmt.Sprintf("look at %s; pitwall does not overwrite what it can't read. Restore the file, or point snapshots.location at another folder",
				metadata.URI(m.Location(), metadata.Name))}
	}
	return f, version, nil
}

// Kind classifies an error of this package.
type Kind string

// The kinds.
const (
	BadMetadata Kind = "bad metadata"  // metadata.json can't be read; permanent
	Missing     Kind = "missing"       // the object or the record is not there
	Corrupt     Kind = "corrupt"       // size, checksum or content differ from the record
	WrongEngine Kind = "wrong engine"  // written by another engine
	WrongSchema Kind = "wrong schema"  // its schema does not fit the dataset
	Unchanged   Kind = "unchanged"     // nothing to write (policy on_change); not a failure
	Standby     Kind = "standby"       // another replica has the lease; not a failure
	Superseded  Kind = "superseded"    // another replica took the lease over meanwhile; nothing was published
	Conflict    Kind = "conflict"      // other writers won too often
	Denied      Kind = "denied"        // permissions, credentials, read-only
	DiskFull    Kind = "disk full"     // here or in the store
	Unavailable Kind = "unavailable"   // worth another try
	Invalid     Kind = "invalid"       // the request or the location makes no sense
	Canceled    Kind = "canceled"      // the context ended
	LocalFailed Kind = "local failure" // the local engine refused, for a reason no other snapshot cures
)

// Error is what this package returns.
type Error struct {
	Op, Dataset string
	// Snapshot is the id concerned, nil when none is.
	Snapshot *uint64
	Kind     Kind
	// Hint says what the operator can do; may be empty.
	Hint string
	Err  error
}

// Error returns "op dataset snapshot N: cause".
func (e *Error) Error() string {
	s := e.Op
	if e.Dataset != "" {
		s += " " + e.Dataset
	}
	if e.Snapshot != nil {
		s += fmt.Sprintf(" snapshot %d", *e.Snapshot)
	}
	if e.Err == nil {
		return s + ": " + string(e.Kind)
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the Kind of the first *Error in the chain, or "" when there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// HintOf returns the hint of the first *Error in the chain that has one.
func HintOf(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}

// wrap turns an error of the store or the context into an *Error; one of this package is kept, with
// the dataset filled in.
func wrap(op, dataset string, err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		if own.Dataset == "" {
			own.Dataset = dataset
		}
		return err
	}
	kind := Unavailable
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		kind = Canceled
	default:
		switch objstore.KindOf(err) {
		case objstore.KindNotFound:
			kind = Missing
		case objstore.KindDenied:
			kind = Denied
		case objstore.KindFull:
			kind = DiskFull
		case objstore.KindInvalid:
			kind = Invalid
		case objstore.KindConflict, objstore.KindExists:
			kind = Conflict
		}
	}
	return &Error{Op: op, Dataset: dataset, Kind: kind, Err: err, Hint: kind.hint()}
}

// hint is the general advice for a kind, used when the place of the error knows nothing better.
func (k Kind) hint() string {
	switch k {
	case Denied:
		return "check the credentials and permissions of the snapshot location"
	case DiskFull:
		return "free space where the snapshots and the data directory are"
	default:
		return ""
	}
}
