package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/runtime/source"
)

// counted is the source's reader as the engine sees it: it counts rows, and ends with the run.
type counted struct {
	src source.Reader
	ctx context.Context // of the run; a RecordReader's Next has none
	job *refreshJob
}

func (c *counted) Retain()                        { c.src.Retain() }
func (c *counted) Release()                       { c.src.Release() }
func (c *counted) Schema() *arrow.Schema          { return c.src.Schema() }
func (c *counted) RecordBatch() arrow.RecordBatch { return c.src.RecordBatch() }
func (c *counted) Record() arrow.RecordBatch      { return c.src.RecordBatch() }

func (c *counted) Next() bool {
	if c.ctx.Err() != nil || !c.src.Next() {
		c.job.commit.Store(true)
		return false
	}
	c.job.rows.Add(c.src.RecordBatch().NumRows())
	return true
}

func (c *counted) Err() error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return c.src.Err()
}

// markText shows a watermark.
func markText(m engines.Mark) string {
	if !m.Valid {
		return ""
	}
	if t, ok := m.Value.(time.Time); ok {
		return t.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(m.Value)
}
