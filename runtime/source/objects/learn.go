package objects

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/sync/errgroup"

	"pitwall/engines"
	"pitwall/runtime/source"
)

// learned is what the files of a dataset have in common.
type learned struct {
	name   string
	format format
	schema *arrow.Schema
}

func (l *learned) has(column string) bool {
	return column != "" && len(l.schema.FieldIndices(column)) > 0
}

// atOnce is how many objects of a store are looked at at the same time.
const atOnce = 8

// learn merges the schemas of the objects to read. When there are none, the newest object tells the
// columns.
func (r *run) learn(ctx context.Context, l *lister, entries []*entry) (*learned, error) {
	if len(entries) == 0 {
		var err error
		if entries, err = r.sample(ctx, l); err != nil {
			return nil, err
		}
	}
	out := &learned{name: r.o.Format}
	for _, e := range entries {
		if err := r.formatOf(e, &out.name); err != nil {
			return nil, err
		}
	}
	out.format = formats[out.name]
	schemas := make([]*arrow.Schema, len(entries))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(1)
	if r.store.Remote() {
		g.SetLimit(atOnce)
	}
	for i, e := range entries {
		g.Go(func() (err error) {
			schemas[i], err = r.look(gctx, e, out.format)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, e := range entries {
		var err error
		if out.schema, err = merge(out.schema, schemas[i], r.store.Place(e.Path), out.format.exact); err != nil {
			return nil, err
		}
	}
	if !out.format.exact {
		out.schema = typed(out.schema, r.scan.Types, r.scan.Widen)
	}
	return out, nil
}

// sample returns one object to learn the columns from, when none is to be read.
func (r *run) sample(ctx context.Context, l *lister) ([]*entry, error) {
	found := l.found
	if len(found) == 0 {
		one, err := r.list(ctx, nil, true)
		if err != nil {
			return nil, err
		}
		found = one.found
		l.note(found[0].partitions)
		l.settle()
	}
	newest := found[0]
	for _, e := range found {
		if e.Modified.After(newest.Modified) {
			newest = e
		}
	}
	return []*entry{newest}, nil
}

// formatOf takes the format from the name of a file; all must have the same.
func (r *run) formatOf(e *entry, format *string) error {
	if r.o.Format != "" {
		return nil
	}
	f := extensions[extension(e.Path)]
	switch {
	case f == "":
		return &source.Error{Kind: source.Unsupported, Place: r.store.Place(e.Path), Err: errors.New("its name does not tell its format"),
			Hint: "set params.file_format to parquet, csv, json or arrow"}
	case *format == "":
		*format = f
	case *format != f:
		return &source.Error{Kind: source.Unsupported, Place: r.s.location.Name, Err: fmt.Errorf("it has both %s and %s files", *format, f),
			Hint: "set params.file_format, or narrow the path with a glob such as *.parquet"}
	}
	return nil
}

// look learns the schema of one object, and of Parquet what must be read of it.
func (r *run) look(ctx context.Context, e *entry, f format) (s *arrow.Schema, err error) {
	defer recovered(r.store.Place(e.Path), &err)
	in, err := r.openInput(ctx, e)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	e.cost = in.size
	if in.codec != "" && !f.compressible {
		return nil, &source.Error{Kind: source.Unsupported, Place: in.place, Err: errors.New("Parquet inside " + in.codec + " can't be read"), Hint: "decompress it; Parquet compresses its columns itself"}
	}
	if s, err = f.schema(in, r.o); err != nil {
		return nil, in.fault(err)
	}
	r.retain(e, in)
	return s, nil
}

// retain keeps what was read of a small object of a store, within the bounds of memory.
func (r *run) retain(e *entry, in *input) {
	if !in.remote {
		return
	}
	kept := in.kept
	if in.size <= localStep {
		kept = append(kept, in.plans.loaded()...)
	}
	for _, s := range kept[len(e.kept):] {
		if r.keep.Add(-int64(len(s.buf))) < 0 {
			return
		}
	}
	e.kept = kept
}

// recent leaves out objects that are too old to have a row that fulfils the condition on the time of
// their last change, if the scan asks for that column.
func (r *run) recent(entries []*entry) []*entry {
	name := r.scan.LastModified
	if name == "" || r.scan.Where == nil {
		return entries
	}
	f := lastModifiedField(name)
	var out []*entry
	for _, e := range entries {
		b := exactly(e.Modified.UnixMicro())
		t := possible(r.scan.Where, func(column string, p engines.Predicate) truths {
			if column == name {
				return b.truths(f, p)
			}
			t, _ := partitionTruths(e.partitions, column, p)
			return t
		})
		if t&mayTrue != 0 {
			out = append(out, e)
		}
	}
	return out
}

func lastModifiedField(name string) arrow.Field {
	return arrow.Field{Name: name, Type: arrow.FixedWidthTypes.Timestamp_us}
}
