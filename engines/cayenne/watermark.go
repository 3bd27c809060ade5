package cayenne

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
)

// Watermark returns the greatest value of a column; see engines.Engine.
func (e *Engine) Watermark(ctx context.Context, column string) (engines.Mark, error) {
	m, err := e.watermark(ctx, column)
	return m, e.wrap("watermark", err)
}

func (e *Engine) watermark(ctx context.Context, column string) (engines.Mark, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return engines.Mark{}, err
	}
	defer l.Release()
	schema, at, err := engines.Project(l.Store.schema, []string{column})
	if err != nil {
		return engines.Mark{}, dbfile.Fail(engines.NotFound, err)
	}
	t := schema.Field(0).Type
	if !convert.Ordered(t) {
		return engines.Mark{}, dbfile.Fail(engines.Invalid, fmt.Errorf("column %q: no watermark over %s", column, t))
	}
	r, err := l.Store.scan(ctx, scanOf{columns: at, workers: e.set.workers})
	if err != nil {
		return engines.Mark{}, err
	}
	defer r.Release()
	best := engines.Mark{Type: t}
	var in arrow.Array
	var row int
	for r.Next() {
		c := r.RecordBatch().Column(0)
		if i := filter.Greatest(c); i >= 0 && (in == nil || filter.Less(in, row, c, i)) {
			c.Retain()
			in, row = c, i
		}
	}
	if err := r.Err(); err != nil || in == nil {
		return best, err
	}
	return convert.Mark(in, row, t)
}
