package cayenne

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"pitwall/engines"
)

var _ engines.LayoutEngine = (*Engine)(nil)

// Layout tells which files hold the rows; see engines.LayoutEngine. Zones are counted of scans with a condition.
func (e *Engine) Layout(ctx context.Context) (engines.Layout, error) {
	out := engines.Layout{Reads: e.reads.total(), Compaction: e.compactions()}
	l, err := e.slot.Acquire(ctx, nil)
	switch {
	case engines.KindOf(err) == engines.NotFound:
		return out, nil
	case err != nil:
		return engines.Layout{}, e.wrap("layout", err)
	}
	defer l.Release()
	out.Partitions = l.Store.partitions(e.set.target)
	return out, nil
}

// partitions sums up the files by partition.
func (v *version) partitions(target int64) []engines.Partition {
	var all []engines.Partition
	at := map[string]int{}
	for _, f := range v.files {
		path := ""
		if f.in.part != nil {
			path = f.in.part.path
		}
		i, known := at[path]
		if !known {
			i, at[path] = len(all), len(all)
			all = append(all, engines.Partition{Path: path})
		}
		p := &all[i]
		p.Files++
		p.Rows += f.live()
		p.Deleted += f.rows - f.live()
		p.Bytes += f.file.size
		if f.small(target) {
			p.Small++
		}
	}
	for i := range all {
		if all[i].Small == 1 { // there is nothing to put it together with
			all[i].Small = 0
		}
	}
	slices.SortFunc(all, func(a, b engines.Partition) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// weight is about how many bytes of the file hold rows that count.
func (f *dataFile) weight() int64 {
	if f.rows == 0 {
		return 0
	}
	return int64(float64(f.file.size) * float64(f.live()) / float64(f.rows))
}

// small tells whether the rows of the file would take up less than half of one of the target size.
func (f *dataFile) small(target int64) bool { return f.weight() < target/2 }

// reads counts what scans read and left out.
type reads struct {
	scans, files, zones, partitionsLeft, filesLeft, zonesLeft atomic.Int64
}

func (r *reads) total() engines.Reads {
	return engines.Reads{Scans: r.scans.Load(), Files: r.files.Load(), Zones: r.zones.Load(),
		PartitionsLeft: r.partitionsLeft.Load(), FilesLeft: r.filesLeft.Load(), ZonesLeft: r.zonesLeft.Load()}
}

// zone counts a zone, which is read or not.
func (r *reads) zone(read bool) bool {
	switch {
	case r == nil:
	case read:
		r.zones.Add(1)
	default:
		r.zonesLeft.Add(1)
	}
	return read
}

// count counts a file, which is read or not.
func (r *rows) count(f *dataFile, read bool) {
	n := r.of.reads
	switch {
	case n == nil:
		return
	case read:
		n.files.Add(1)
		return
	}
	n.filesLeft.Add(1)
	if f.in.part == nil {
		return
	}
	if r.passed == nil {
		r.passed = map[*table]int{}
		for _, f := range r.v.files {
			r.passed[f.in]++
		}
	}
	if r.passed[f.in]--; r.passed[f.in] == 0 {
		n.partitionsLeft.Add(1)
	}
}
