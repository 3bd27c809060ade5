package snapshots

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines/schemajson"
	"pitwall/snapshots/blocks"
	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore"
	"pitwall/snapshots/stream"
)

// Copy is a finished, self-contained copy of a database on the local disk.
type Copy struct {
	// Path is the file; the caller removes it.
	Path string
	// Rows is the row count of the dataset inside it.
	Rows   int64
	Schema *arrow.Schema
	// Content is what Content returned, if the copy surely holds that; else empty.
	Content string
}

// CreateRequest asks for one snapshot.
type CreateRequest struct {
	Dataset, Engine string
	// Extension of the object's name, with its dot.
	Extension string
	// LastUpdated is the time of the last write that changed the acceleration.
	LastUpdated time.Time
	// Force writes a snapshot also when nothing changed since the last one. The first snapshot of a
	// dataset, and one whose current object is gone, is always forced (spec 2.1 step 5).
	Force bool
	// Content returns a fingerprint of what the acceleration holds, for the policy: a write that left the same
	// rows there is no change. It is asked when Rows are as many as the last snapshot holds; nil or "" is unknown.
	Content func(ctx context.Context) (string, error)
	Rows    int64
	// Lease has one replica write at a time; nil has everybody write.
	Lease *LeaseTerms
	// Leased is told of the lease that was taken or renewed; may be nil.
	Leased func(Held)
	// Incremental stores only the blocks that changed, unless FullEvery snapshots were written since the last full
	// one, or most of it changed. A full one is stored as one object that Spice can read.
	Incremental bool
	FullEvery   int
	// Schema of the acceleration, to check against the recorded one before anything is copied.
	Schema *arrow.Schema
	// Export makes the copy. It is called after policy and schema were checked.
	Export func(ctx context.Context) (Copy, error)
	// Progress is told the phase ("check", "export", "upload", "commit") and the bytes done of total;
	// may be nil.
	Progress func(phase string, done, total int64)
}

// Create writes one snapshot: checks, copy, data object, and last the record in metadata.json by
// compare-and-swap. When it returns a Snapshot, that is durable and current. Kind Unchanged: the
// policy skipped it; Standby: another replica writes; Superseded: another one took over meanwhile. Any other error means that no record was added; at worst an object that no
// record names is left behind.
func (m *Manager) Create(ctx context.Context, r CreateRequest) (Snapshot, error) {
	s, err := m.create(ctx, r)
	return s, wrap("create snapshot of", r.Dataset, err)
}

func (m *Manager) create(ctx context.Context, r CreateRequest) (Snapshot, error) {
	if err := metadata.CheckKey(r.Dataset); err != nil {
		return Snapshot{}, &Error{Op: "create snapshot of", Kind: Invalid, Err: err, Hint: "rename the dataset"}
	}
	started := time.Now().UTC()
	r.progress("check", 0, 0)
	f, _, err := m.load(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	var held *Held
	if r.Lease != nil {
		var published uint64
		if d := f.Datasets[r.Dataset]; d != nil {
			published = d.Generation()
		}
		h, err := m.acquire(ctx, r.Dataset, *r.Lease, published)
		if err != nil {
			return Snapshot{}, err
		}
		held = &h
		if r.Leased != nil {
			r.Leased(h)
		}
	}
	if err := m.check(ctx, f, r); err != nil {
		return Snapshot{}, err
	}
	s, err := m.write(ctx, r, started, held)
	if err != nil && held != nil {
		// Somebody else may have more luck.
		ctx, cancel := objstore.Settling(ctx, settleTimeout)
		defer cancel()
		if rerr := m.Release(ctx, r.Dataset); rerr != nil {
			err = fmt.Errorf("%w; and %w", err, rerr)
		}
	}
	return s, err
}

// write makes the copy, uploads it and commits it.
func (m *Manager) write(ctx context.Context, r CreateRequest, started time.Time, held *Held) (Snapshot, error) {
	r.progress("export", 0, 0)
	c, err := r.Export(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	schema, err := schemajson.Marshal(c.Schema)
	if err != nil {
		return Snapshot{}, &Error{Op: "create snapshot of", Kind: Invalid, Err: err}
	}
	record := metadata.Snapshot{TimestampMs: started.UnixMilli(), Algorithm: metadata.Algorithm, Engine: r.Engine}
	if c.Rows >= 0 {
		rows := uint64(c.Rows)
		record.RowCount = &rows
	}
	if !r.LastUpdated.IsZero() {
		ms := r.LastUpdated.UnixMilli()
		record.LastUpdatedMs = &ms
	}
	s, err := m.increment(ctx, r, c, started, schema, record, held)
	if errors.Is(err, errFull) {
		s, err = m.full(ctx, r, c, started, schema, record, held)
	}
	if err == nil && c.Content != "" {
		// Without it the next snapshot is written although nothing changed, no more.
		_ = m.changeOwn(ctx, r.Dataset, func(o *metadata.Own) error {
			if o.Contents == nil {
				o.Contents = map[uint64]string{}
			}
			o.Contents[s.ID] = c.Content
			return nil
		})
	}
	return s, err
}

// full writes the copy as one object.
func (m *Manager) full(ctx context.Context, r CreateRequest, c Copy, started time.Time, schema json.RawMessage, record metadata.Snapshot, held *Held) (Snapshot, error) {
	if err := m.upload(ctx, r, c.Path, started, &record); err != nil {
		return Snapshot{}, err
	}
	r.progress("commit", int64(record.Size), int64(record.Size))
	return m.commit(ctx, r, schema, record, held)
}

func (r *CreateRequest) progress(phase string, done, total int64) {
	if r.Progress != nil {
		r.Progress(phase, done, total)
	}
}

// check applies the policy before anything is copied.
func (m *Manager) check(ctx context.Context, f *metadata.File, r CreateRequest) error {
	if r.Force || f.Datasets[r.Dataset] == nil {
		return nil
	}
	v, err := m.viewOf(ctx, f, r.Dataset)
	if err != nil {
		return err
	}
	all := v.list()
	if len(all) == 0 {
		return nil
	}
	last := all[0]
	if last.Engine != "" && !strings.EqualFold(last.Engine, r.Engine) {
		return nil // the engine of now could not load it
	}
	if r.LastUpdated.IsZero() || last.LastUpdated.UnixMilli() != r.LastUpdated.UnixMilli() {
		if same, err := m.sameContent(ctx, r, last); err != nil || !same {
			return err
		}
	}
	if c, ok := v.own.Checks[last.ID]; ok && c.Result != Sound {
		return nil // found damaged: what did not change still needs a copy that can be loaded
	}
	// Unchanged, so skipping is right only while the copy is really there.
	if size, err := m.Size(ctx, last); err == nil && size == last.Bytes {
		return &Error{Op: "create snapshot of", Kind: Unchanged, Err: fmt.Errorf("nothing changed since snapshot %d", last.ID)}
	}
	return nil
}

// sameContent tells whether the acceleration holds what the last snapshot does.
func (m *Manager) sameContent(ctx context.Context, r CreateRequest, last Snapshot) (bool, error) {
	if r.Content == nil || last.Rows < 0 || last.Rows != r.Rows {
		return false, nil
	}
	o, _, err := m.loadOwn(ctx, r.Dataset)
	if err != nil || o.Contents[last.ID] == "" {
		return false, nil //nolint:nilerr // then it is written, which is never wrong
	}
	now, err := r.Content(ctx)
	return now != "" && now == o.Contents[last.ID], err
}

// maxKeyAhead bounds how far ahead a free key is looked for: a dataset that is snapshotted more often than once a
// second uses up the seconds to come.
const maxKeyAhead = 10 * time.Minute

// upload stores the copy under a key that nobody else holds, hashing while it reads.
func (m *Manager) upload(ctx context.Context, r CreateRequest, path string, at time.Time, record *metadata.Snapshot) error {
	in, err := os.Open(path)
	if err != nil {
		return &Error{Op: "open copy of", Kind: LocalFailed, Err: err}
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return &Error{Op: "open copy of", Kind: LocalFailed, Err: err}
	}
	if at, err = m.fresh(ctx, r.Dataset, at); err != nil {
		return err
	}
	began := at
	for ; at.Sub(began) < maxKeyAhead; at = at.Add(time.Second) {
		key := metadata.Key(r.Dataset, at, r.Extension)
		// Asked first, because to be refused after the upload is dear; Create still decides.
		if _, err := m.store.Stat(ctx, key); err == nil {
			continue
		}
		if _, err := in.Seek(0, io.SeekStart); err != nil {
			return &Error{Op: "read copy of", Kind: LocalFailed, Err: err}
		}
		var source io.Reader = in
		split := blocks.NewSplitter()
		if r.Incremental {
			source = io.TeeReader(in, split)
		}
		h := stream.NewReader(ctx, source, func(n int64) { r.progress("upload", n, st.Size()) })
		err := m.store.Create(ctx, key, h, st.Size())
		if objstore.KindOf(err) == objstore.KindExists {
			continue
		}
		if err != nil {
			return err
		}
		if h.Bytes() != st.Size() {
			return &Error{Op: "read copy of", Kind: LocalFailed, Err: fmt.Errorf("%d of %d bytes were read", h.Bytes(), st.Size())}
		}
		if next, err := m.fresh(ctx, r.Dataset, at); err != nil {
			return err
		} else if next.After(at) {
			at = next.Add(-time.Second)
			continue
		}
		record.URI = metadata.URI(m.Location(), key)
		record.Checksum = fmt.Sprintf("%x", h.Sum())
		record.Size = uint64(h.Bytes())
		if !r.Incremental {
			return nil
		}
		// What the next snapshot builds on. Without it, that is a full one, too.
		body := blocks.Whole(key, h.Bytes(), split.Sums()).Encode()
		_ = m.store.Create(ctx, metadata.FullIndexKey(r.Dataset, key, record.Checksum), bytes.NewReader(body), int64(len(body)))
		return nil
	}
	return noKey(began)
}

func noKey(began time.Time) error {
	return &Error{Op: "create snapshot of", Kind: Conflict, Err: fmt.Errorf("no free key in the %s from %s", maxKeyAhead, began.Format(time.RFC3339))}
}

// fresh is the first second not before at whose keys are those of no object that was deleted, or is about to be: a
// collection that is late would delete the new object under the same key. Asked again once the object is there, it
// tells whether that key may be recorded: a key comes free only after it was noted.
func (m *Manager) fresh(ctx context.Context, dataset string, at time.Time) (time.Time, error) {
	o, _, err := m.loadOwn(ctx, dataset)
	if KindOf(err) == BadMetadata {
		o, err = &metadata.Own{}, nil
	}
	if err != nil {
		return at, err
	}
	return o.Fresh(at), nil
}

// commit appends the record and moves the pointer. A lost answer looks like a lost race: our own record, known
// by address and checksum, means that an earlier try did commit.
func (m *Manager) commit(ctx context.Context, r CreateRequest, schema json.RawMessage, record metadata.Snapshot, held *Held) (Snapshot, error) {
	dataset := r.Dataset
	var out Snapshot
	err := m.change(ctx, func(f *metadata.File) error {
		d := f.Datasets[dataset]
		if d == nil {
			d = &metadata.Dataset{}
			f.Datasets[dataset] = d
		}
		for _, s := range d.Snapshots {
			if s.URI == record.URI && s.Checksum == record.Checksum {
				out = recorded(s, d)
				return errSame
			}
		}
		if err := fence(d, held); err != nil {
			return err
		}
		d.Name, d.Engine = dataset, r.Engine
		if err := evolve(d, schema); err != nil {
			return err
		}
		d.Publish(&record)
		out = recorded(record, d)
		return nil
	})
	if err != nil {
		return Snapshot{}, err
	}
	return out, nil
}

// recorded is a snapshot of metadata.json, with what that knows of the pointer.
func recorded(r metadata.Snapshot, d *metadata.Dataset) Snapshot {
	s, _ := view{d: d, own: &metadata.Own{}}.find(r.ID)
	return s
}

// evolve records the schema when it is new. A snapshot record has no schema id in this format, so an
// older snapshot is judged by the schema inside its own file, not by the current one.
func evolve(d *metadata.Dataset, schema json.RawMessage) error {
	next, err := schemajson.Unmarshal(schema)
	if err != nil {
		return &Error{Op: "record schema of", Kind: Invalid, Err: err}
	}
	if cur := d.CurrentSchema(); cur != nil {
		recorded, err := schemajson.Unmarshal(cur.JSON)
		if err != nil {
			return &Error{Op: "read recorded schema of", Kind: BadMetadata, Err: err}
		}
		if change, _ := schemajson.Compare(recorded, next); change == schemajson.Identical {
			return nil
		}
	}
	d.AddSchema(schema)
	return nil
}
