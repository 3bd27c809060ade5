package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/zeebo/xxh3"

	"pitwall/engines"
	"pitwall/engines/schemajson"
)

// contentOf finds out what an engine holds, for snapshots_creation_policy: on_change: a refresh that wrote the
// rows that were there already is no change. A nil one knows nothing.
type contentOf struct {
	eng     engines.Engine
	seen    *contentSeen
	changed time.Time // the last write
}

// contentSeen is the newest fingerprint, and the write that it was taken after.
type contentSeen struct {
	print   string
	rows    int64
	changed time.Time
}

// now returns the fingerprint of what the engine holds.
func (c *contentOf) now(ctx context.Context) (string, error) {
	if c == nil {
		return "", nil
	}
	if c.seen.print != "" && !c.changed.IsZero() && c.seen.changed.Equal(c.changed) {
		return c.seen.print, nil
	}
	print, rows, err := fingerprintOf(ctx, c.eng)
	if err == nil {
		*c.seen = contentSeen{print, rows, c.changed}
	}
	return print, err
}

// before is called before a copy is made: it returns the time of the checkpoint, and with compute has the
// fingerprint taken.
func (c *contentOf) before(ctx context.Context, compute bool) (*engines.Checkpoint, error) {
	if c == nil {
		return nil, nil
	}
	cp, err := c.eng.Checkpoint(ctx)
	if err == nil && compute {
		_, err = c.now(ctx)
	}
	return cp, err
}

// after returns the fingerprint of a copy that was made after before: empty when it was not taken, or somebody
// wrote meanwhile. A refresh leaves another checkpoint, a retention check fewer rows.
func (c *contentOf) after(ctx context.Context, before *engines.Checkpoint, rows int64) string {
	if c == nil || before == nil || !c.seen.changed.Equal(c.changed) || c.seen.rows != rows {
		return ""
	}
	cp, err := c.eng.Checkpoint(ctx)
	if err != nil || cp == nil || !cp.UpdatedAt.Equal(before.UpdatedAt) {
		return ""
	}
	return c.seen.print
}

// fingerprintOf is equal for engines that hold the same schema and the same rows, in whatever order and of whatever
// engine: the sum of 128-bit hashes of the rows.
func fingerprintOf(ctx context.Context, eng engines.Engine) (print string, rows int64, err error) {
	r, err := eng.Query(ctx, engines.Scan{})
	if err != nil {
		return "", 0, err
	}
	defer r.Release()
	schema, err := schemajson.Marshal(r.Schema())
	if err != nil {
		return "", 0, err
	}
	var hi, lo uint64
	for r.Next() {
		b := r.RecordBatch()
		keys := newRowKeys(b)
		for i := range int(b.NumRows()) {
			h := xxh3.Hash128(keys.of(i))
			rows, hi, lo = rows+1, hi+h.Hi, lo+h.Lo
		}
	}
	return fmt.Sprintf("rows-xxh3-1:%016x:%d:%016x%016x", xxh3.Hash(schema), rows, hi, lo), rows, r.Err()
}
