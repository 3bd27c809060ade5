package snapshots

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"pitwall/snapshots/blocks"
	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore"
)

// errFull is returned by increment when a full snapshot has to be written, for a reason that is no fault.
var errFull = errors.New("a full snapshot is due")

// increment writes the copy as an incremental snapshot: one object with the blocks that no earlier one has, the
// index, and last the record. A process that dies on the way leaves objects that no record names.
func (m *Manager) increment(ctx context.Context, r CreateRequest, c Copy, started time.Time, schema json.RawMessage, record metadata.Snapshot, held *Held) (Snapshot, error) {
	if !r.Incremental {
		return Snapshot{}, errFull
	}
	base, removals, err := m.base(ctx, r)
	if err != nil {
		return Snapshot{}, err
	}
	in, err := os.Open(c.Path)
	if err != nil {
		return Snapshot{}, &Error{Op: "open copy of", Kind: LocalFailed, Err: err}
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return Snapshot{}, &Error{Op: "open copy of", Kind: LocalFailed, Err: err}
	}
	sums, err := blocks.Sums(ctx, in, st.Size())
	if err != nil {
		return Snapshot{}, &Error{Op: "read copy of", Kind: LocalFailed, Err: err}
	}
	x := metadata.Increment{Snapshot: record}
	if err := m.uploadBlocks(ctx, r, in, st.Size(), base, sums, started, &x); err != nil {
		return Snapshot{}, err
	}
	r.progress("commit", int64(x.Stored), int64(x.Stored))
	return m.commitIncrement(ctx, r, schema, x, removals, held)
}

// base is the index of the newest snapshot, and how many removals were decided before. errFull: there is none to build
// on, or enough was built on it.
func (m *Manager) base(ctx context.Context, r CreateRequest) (*blocks.Index, uint64, error) {
	v, err := m.view(ctx, r.Dataset)
	if err != nil {
		return nil, 0, err
	}
	all := v.list()
	since := 0
	for since < len(all) && all[since].Incremental {
		since++
	}
	if since == len(all) || since+1 >= r.FullEvery || !strings.EqualFold(all[0].Engine, r.Engine) {
		return nil, 0, errFull
	}
	key, err := metadata.KeyOf(m.Location(), all[0].URI)
	if err != nil {
		return nil, 0, errFull
	}
	if !all[0].Incremental {
		key = metadata.FullIndexKey(r.Dataset, key, all[0].Checksum)
	}
	x, err := m.index(ctx, key)
	if k := KindOf(err); k == Missing || k == Corrupt {
		return nil, 0, errFull
	}
	if err != nil {
		return nil, 0, err
	}
	// What is gone, or about to go, must not be built on.
	if slices.ContainsFunc(v.own.Removing, func(g metadata.Removing) bool { return slices.Contains(x.Objects, g.Key) }) {
		return nil, 0, errFull
	}
	for _, o := range x.Objects {
		if _, err := m.store.Stat(ctx, o); objstore.KindOf(err) == objstore.KindNotFound {
			return nil, 0, errFull
		} else if err != nil {
			return nil, 0, err
		}
	}
	return x, v.own.Removals, nil
}

// uploadBlocks stores what is new, and the index. errFull: most of it is new.
func (m *Manager) uploadBlocks(ctx context.Context, r CreateRequest, in io.ReaderAt, size int64, base *blocks.Index, sums []blocks.Sum, started time.Time, x *metadata.Increment) error {
	at, err := m.fresh(ctx, r.Dataset, started)
	if err != nil {
		return err
	}
	began := at
	for ; at.Sub(began) < maxKeyAhead; at = at.Add(time.Second) {
		pack := metadata.PackKey(r.Dataset, at)
		next, fresh, n := blocks.Next(base, size, sums, pack)
		if n > size/2 {
			return errFull
		}
		r.progress("upload", 0, n)
		if n > 0 {
			// Asked first, as for full ones.
			if _, err := m.store.Stat(ctx, pack); err == nil {
				continue
			}
			err := m.store.Create(ctx, pack, reading(in, next, fresh, func(done int64) { r.progress("upload", done, n) }), n)
			if objstore.KindOf(err) == objstore.KindExists {
				continue
			}
			if err != nil {
				return err
			}
		}
		key, body := metadata.IndexKey(r.Dataset, at), next.Encode()
		err := m.store.Create(ctx, key, bytes.NewReader(body), int64(len(body)))
		if objstore.KindOf(err) == objstore.KindExists {
			continue
		}
		if err != nil {
			return err
		}
		if next, err := m.fresh(ctx, r.Dataset, at); err != nil {
			return err
		} else if next.After(at) {
			at = next.Add(-time.Second)
			continue
		}
		x.URI, x.Checksum, x.Algorithm, x.Size = metadata.URI(m.Location(), key), next.Root(), metadata.IncrementAlgorithm, uint64(size)
		x.Objects, x.Stored = next.Objects, uint64(n)+uint64(len(body))
		return nil
	}
	return noKey(began)
}

// reading reads blocks of a file one after the other.
func reading(in io.ReaderAt, x *blocks.Index, fresh []int, report func(int64)) io.Reader {
	parts := make([]io.Reader, len(fresh))
	for i, n := range fresh {
		parts[i] = io.NewSectionReader(in, int64(n)*blocks.Bytes, int64(x.Len(n)))
	}
	return &reporting{r: io.MultiReader(parts...), report: report}
}

type reporting struct {
	r      io.Reader
	n      int64
	report func(int64)
}

func (r *reporting) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.n += int64(n)
	r.report(r.n)
	return n, err
}

// commitIncrement reserves an id in metadata.json, under the same rules as a full snapshot, and then records the
// snapshot in the own state. errFull: somebody decided meanwhile to remove snapshots, maybe one that it is built on.
func (m *Manager) commitIncrement(ctx context.Context, r CreateRequest, schema json.RawMessage, x metadata.Increment, removals uint64, held *Held) (Snapshot, error) {
	mark := rand.Text()
	var over *uint64
	err := m.change(ctx, func(f *metadata.File) error {
		d := f.Datasets[r.Dataset]
		if d == nil { // somebody removed all that there was
			return &Error{Op: "commit snapshot of", Kind: Conflict, Err: errors.New("the record of the dataset is gone"), Hint: "the next snapshot is a full one"}
		}
		if err := fence(d, held); err != nil {
			return err
		}
		over = d.CurrentID
		var fresh bool
		if x.ID, fresh = d.Reserve(mark); !fresh {
			return errSame
		}
		d.Name, d.Engine = r.Dataset, r.Engine
		return evolve(d, schema)
	})
	if err != nil {
		return Snapshot{}, err
	}
	var out Snapshot
	err = m.changeOwn(ctx, r.Dataset, func(o *metadata.Own) error {
		defer func() {
			out, _ = view{d: &metadata.Dataset{CurrentID: over}, own: o}.find(x.ID)
		}()
		if o.Increment(x.ID) != nil {
			return errSame
		}
		if o.Removals != removals {
			return errFull
		}
		i := &o.Increments
		i.List = append(i.List, x)
		if i.CurrentID == nil || x.ID > *i.CurrentID { // otherwise somebody took over meanwhile
			i.CurrentID, i.OverID = &x.ID, over
		}
		return nil
	})
	return out, err
}

// fence refuses a writer that another one took over from, and records who writes.
func fence(d *metadata.Dataset, held *Held) error {
	if held == nil {
		return nil
	}
	if g := d.Generation(); g > held.Generation {
		return superseded(g, held)
	}
	d.SetGeneration(held.Generation)
	return nil
}

func superseded(generation uint64, held *Held) error {
	return &Error{Op: "commit snapshot of", Kind: Superseded,
		Err:  fmt.Errorf("another replica took over (lease generation %d, this one has %d)", generation, held.Generation),
		Hint: "nothing was published; the newer writer's snapshots are current"}
}

// dropIncrements takes the records of incremental snapshots away, but not of those that became current or pinned
// since own was read.
func (m *Manager) dropIncrements(ctx context.Context, own *metadata.Own, remove []Snapshot) error {
	ids := map[uint64]bool{}
	for _, s := range remove {
		ids[s.ID] = s.Incremental
	}
	if !slices.ContainsFunc(remove, func(s Snapshot) bool { return s.Incremental }) {
		return nil
	}
	return m.changeOwn(ctx, own.Dataset, func(o *metadata.Own) error {
		x := &o.Increments
		n := len(x.List)
		x.List = slices.DeleteFunc(x.List, func(i metadata.Increment) bool {
			return ids[i.ID] && !same(x.PinnedID, &i.ID) && (!same(x.CurrentID, &i.ID) || same(own.Increments.CurrentID, x.CurrentID))
		})
		if len(x.List) == n {
			return errSame
		}
		if x.CurrentID != nil && o.Increment(*x.CurrentID) == nil {
			x.CurrentID, x.OverID = nil, nil
		}
		return nil
	})
}
