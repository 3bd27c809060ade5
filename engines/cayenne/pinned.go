package cayenne

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

var _ engines.PartitionedEngine = (*Engine)(nil)

// pinned is a state that is held, to be copied by partition.
type pinned struct {
	e     *Engine
	l     *dbfile.Lease[*version]
	parts []*pinnedPart
	by    map[string]*pinnedPart // by path, which dividedBy says is of one table
}

// pinnedPart is one table and its files.
type pinnedPart struct {
	in    *table
	files []*dataFile
}

// Pin holds the state of now; see engines.PartitionedEngine.
func (e *Engine) Pin(ctx context.Context) (engines.Pinned, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return nil, e.wrap("pin", err)
	}
	switch {
	case len(e.o.Partitions) == 0:
		err = errors.New("it has no partition_by")
	case !l.Store.dividedBy(e.o.Partitions):
		err = errors.New("its rows do not lie as partition_by says; the next refresh lays them out")
	}
	if err != nil {
		l.Release()
		return nil, e.wrap("pin", dbfile.Fail(engines.Invalid, err))
	}
	p := &pinned{e: e, l: l, by: map[string]*pinnedPart{}}
	for _, t := range l.Store.children() {
		x := &pinnedPart{in: t}
		p.parts, p.by[t.part.path] = append(p.parts, x), x
	}
	for _, f := range l.Store.files {
		x := p.by[f.in.part.path]
		x.files = append(x.files, f)
	}
	return p, nil
}

// Release lets go of the state.
func (p *pinned) Release() { p.l.Release() }

// Checkpoint is that of the state.
func (p *pinned) Checkpoint() engines.Checkpoint { return p.l.Store.cp }

// Partitions are those that have rows.
func (p *pinned) Partitions() []engines.PinnedPartition {
	var all []engines.PinnedPartition
	for _, x := range p.parts {
		out := engines.PinnedPartition{Path: x.in.part.path}
		h := sha256.New()
		for _, f := range x.files {
			fmt.Fprintf(h, "%s %s %s\n", x.in.dir(), f.name, f.file.digest)
			if f.gone != nil {
				fmt.Fprintf(h, "without %s %s\n", f.gone.id, f.gone.file.digest)
			}
			out.Rows += f.live()
			out.Bytes += f.file.size
		}
		out.Version = hex.EncodeToString(h.Sum(nil)[:16])
		all = append(all, out)
	}
	return all
}

// Export writes an archive of one partition.
func (p *pinned) Export(ctx context.Context, path, dst string) (engines.Export, error) {
	x, err := p.export(ctx, path, dst)
	return x, p.e.wrap("export "+path+" of", err)
}

func (p *pinned) export(ctx context.Context, path, dst string) (engines.Export, error) {
	if err := dbfile.CheckExport(p.e.o.Path, dst); err != nil {
		return engines.Export{}, err
	}
	x := p.by[path]
	if x == nil {
		return engines.Export{}, dbfile.Fail(engines.NotFound, fmt.Errorf("no partition %q", path))
	}
	one := *p.l.Store
	one.files = x.files
	return p.e.exportVersion(ctx, &one, dst)
}

// AdoptPartitions makes archives of all partitions the content; see engines.PartitionedEngine.
func (e *Engine) AdoptPartitions(ctx context.Context, files []string, cp engines.Checkpoint) (engines.Info, error) {
	info, err := e.adoptPartitions(ctx, files, cp)
	return info, e.wrap("adopt", err)
}

func (e *Engine) adoptPartitions(ctx context.Context, files []string, cp engines.Checkpoint) (engines.Info, error) {
	if len(files) == 0 {
		return engines.Info{}, dbfile.Fail(engines.Invalid, errors.New("no partition"))
	}
	return e.replaceBy(ctx, func() (d *draft, err error) {
		defer func() {
			if err != nil && d != nil {
				d.abort()
			}
		}()
		for _, name := range files {
			c, in, err := e.openedArchive(ctx, name)
			if err != nil {
				return d, err
			}
			if d == nil {
				d = e.received(c)
			} else if err = d.belongs(c.v); err == nil {
				d.next.sequence = max(d.next.sequence, c.v.sequence)
			}
			if err == nil {
				err = d.extract(ctx, c, in)
			}
			if err = errors.Join(err, in.Close()); err != nil {
				return d, err
			}
		}
		slices.SortStableFunc(d.next.files, func(a, b *dataFile) int {
			return cmp.Compare(a.sequence, b.sequence) // of a partition they are in their order
		})
		d.next.cp = cp
		return d, nil
	}, files...)
}

// belongs refuses a partition that is there already, or of a dataset with other columns or another partition_by.
func (d *draft) belongs(v *version) error {
	bad := func(format string, args ...any) error {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("the partitions do not belong together: "+format, args...))
	}
	if !v.schema.Equal(d.next.schema) {
		return bad("their columns differ")
	}
	here := d.known()
	for _, t := range v.children() {
		for _, h := range here {
			if h.part.scheme != t.part.scheme {
				return bad("partition_by %q and %q", h.part.scheme, t.part.scheme)
			}
			break // they all have one
		}
		if here[t.part.identity()] != nil {
			return bad("%s is there twice", t.part.path)
		}
		here[t.part.identity()] = t
	}
	return nil
}

// openedArchive reads what an archive says of itself. The caller closes the file.
func (e *Engine) openedArchive(ctx context.Context, name string) (contents, *os.File, error) {
	in, err := os.Open(name)
	if err != nil {
		return contents{}, nil, err
	}
	c, err := readArchive(ctx, in, e.o.Dataset, e.folder.data())
	if err != nil {
		return c, nil, errors.Join(err, in.Close())
	}
	return c, in, nil
}
