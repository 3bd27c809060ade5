package objects

import (
	"cmp"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/metadata"

	"pitwall/engines"
)

// rowRange is a part of the rows of the open row groups.
type rowRange struct{ from, to int64 }

// pages uses the page index of a row group: it returns the rows that may fulfil the condition and the
// bytes of the pages that have them. Both are nil when all must be read, because there is no page index
// or it excludes nothing.
func (p *parquetRows) pages(group int) ([]rowRange, []byteRange, error) {
	if !p.flat || p.view.where == nil || len(p.leaves) == 0 || !p.indexed(group) {
		return nil, nil, nil
	}
	if err := p.keepIndex(group); err != nil {
		return nil, nil, err
	}
	index, err := p.fr.ParquetReader().GetPageIndexReader().RowGroup(group)
	if err != nil || index == nil {
		return nil, nil, err
	}
	total := p.meta().RowGroup(group).NumRows()
	conditions, err := p.conditions(group, index, total)
	if err != nil || len(conditions) == 0 {
		return nil, nil, err
	}
	rows := p.possibleRows(conditions, total)
	if len(rows) == 1 && rows[0] == (rowRange{0, total}) {
		return nil, nil, nil
	}
	ranges := []byteRange{}
	for _, leaf := range p.leaves {
		offsets, err := index.GetOffsetIndex(leaf)
		if err != nil {
			return nil, nil, err
		}
		chunk, err := chunkRange(p.meta(), group, leaf)
		if err != nil {
			return nil, nil, err
		}
		ranges = append(ranges, pageRanges(offsets.GetPageLocations(), chunk, rows, total)...)
	}
	return rows, ranges, nil
}

// indexed tells whether all wanted columns say where their pages are.
func (p *parquetRows) indexed(group int) bool {
	rg := p.meta().RowGroup(group)
	for _, leaf := range p.leaves {
		if _, ok := rg.OffsetIndexLocation(leaf); !ok {
			return false
		}
	}
	return true
}

// keepIndex reads the page index of the row group into memory: arrow-go asks for it once per column.
func (p *parquetRows) keepIndex(group int) error {
	rg := p.meta().RowGroup(group)
	var ranges []byteRange
	for i := range rg.NumColumns() {
		for _, at := range []func(int) (metadata.IndexLocation, bool){rg.ColumnIndexLocation, rg.OffsetIndexLocation} {
			if loc, ok := at(i); ok {
				ranges = append(ranges, byteRange{loc.Offset, loc.Offset + int64(loc.Length)})
			}
		}
	}
	for _, r := range coalesce(ranges, remoteGap, remoteSmall, remoteStep) {
		if err := p.in.keep(r.off, r.end-r.off); err != nil {
			return err
		}
	}
	return nil
}

// condition is what the page index says of one column.
type condition struct {
	field  arrow.Field
	starts []int64 // first row of each page
	bounds []bounds
}

// conditions are the columns of the condition that have a page index.
func (p *parquetRows) conditions(group int, index *metadata.RowGroupPageIndexReader, total int64) (map[string]condition, error) {
	out := map[string]condition{}
	for name := range columnsOf(p.view.where) {
		leaf, f, ok := flatColumn(p.fr, p.file, name)
		if !ok {
			continue
		}
		rg := p.meta().RowGroup(group)
		_, hasStats := rg.ColumnIndexLocation(leaf)
		_, hasPages := rg.OffsetIndexLocation(leaf)
		if !hasStats || !hasPages {
			continue
		}
		stats, err := index.GetColumnIndex(leaf)
		if err != nil {
			return nil, err
		}
		offsets, err := index.GetOffsetIndex(leaf)
		if err != nil {
			return nil, err
		}
		locations := offsets.GetPageLocations()
		if len(locations) != len(stats.GetNullPages()) || len(locations) == 0 {
			continue
		}
		c := condition{field: f}
		for i, l := range locations {
			if i > 0 && l.FirstRowIndex <= c.starts[i-1] || l.FirstRowIndex >= total {
				c.starts = nil
				break
			}
			c.starts = append(c.starts, l.FirstRowIndex)
			c.bounds = append(c.bounds, p.pageBounds(leaf, f, stats, i))
		}
		if len(c.starts) > 0 && c.starts[0] == 0 {
			out[name] = c
		}
	}
	return out, nil
}

func (p *parquetRows) pageBounds(leaf int, f arrow.Field, stats metadata.ColumnIndex, page int) bounds {
	if stats.GetNullPages()[page] {
		return bounds{allNulls: true}
	}
	b := bounds{noNulls: stats.IsSetNullCounts() && stats.GetNullCounts()[page] == 0}
	return b.within(p.meta().Schema.Column(leaf), f, stats.GetMinValues()[page], stats.GetMaxValues()[page], nil)
}

// possibleRows evaluates the condition between all page boundaries of its columns.
func (p *parquetRows) possibleRows(conditions map[string]condition, total int64) []rowRange {
	var cuts []int64
	for _, c := range conditions {
		cuts = append(cuts, c.starts...)
	}
	slices.Sort(cuts)
	cuts = append(slices.Compact(cuts), total)
	rows := []rowRange{}
	for i, from := range cuts[:len(cuts)-1] {
		t := possible(p.view.where, func(column string, pred engines.Predicate) truths {
			if t, ok := p.in.pathTruths(p.file, column, pred); ok {
				return t
			}
			c, ok := conditions[column]
			if !ok {
				return anything
			}
			page, found := slices.BinarySearch(c.starts, from)
			if !found {
				page--
			}
			return c.bounds[page].truths(c.field, pred)
		})
		if t&mayTrue == 0 {
			continue
		}
		if n := len(rows); n > 0 && rows[n-1].to == from {
			rows[n-1].to = cuts[i+1]
		} else {
			rows = append(rows, rowRange{from, cuts[i+1]})
		}
	}
	return rows
}

// pageRanges are the bytes of a column chunk that have the rows: its dictionary and its pages.
func pageRanges(pages []*metadata.PageLocation, chunk byteRange, rows []rowRange, total int64) []byteRange {
	var out []byteRange
	if len(pages) == 0 || len(rows) == 0 {
		return out
	}
	if pages[0].Offset > chunk.off {
		out = append(out, byteRange{chunk.off, pages[0].Offset})
	}
	for i, l := range pages {
		last := total
		if i+1 < len(pages) {
			last = pages[i+1].FirstRowIndex
		}
		at, _ := slices.BinarySearchFunc(rows, l.FirstRowIndex, func(r rowRange, first int64) int { return cmp.Compare(r.to, first+1) })
		if at < len(rows) && rows[at].from < last {
			out = append(out, byteRange{l.Offset, l.Offset + int64(l.CompressedPageSize)})
		}
	}
	return out
}
