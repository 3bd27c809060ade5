package sqlite

import (
	"context"

	"pitwall/engines"
)

// tally is the number of rows of a database as its writing connection knows it: counting reads a whole index. The zero
// value knows nothing.
type tally struct {
	known   bool
	rows    int64
	version int64 // PRAGMA data_version of the connection, which changes with each commit of another
}

// after returns the tally after a write, within its transaction, whose stats tell what it did. Of rows that a merge
// replaced they do not tell how many there were.
func (t tally) after(ctx context.Context, c *conn, dataset string, stats engines.Stats, merged bool) (tally, error) {
	row, err := values(c.row(ctx, "PRAGMA data_version"))
	if err != nil {
		return tally{}, err
	}
	next := tally{known: true, version: row[0].(int64)}
	if t.known && t.version == next.version && !merged {
		next.rows = t.rows + stats.Written - stats.Removed - stats.Evicted
		return next, nil
	}
	next.rows, err = c.count(ctx, dataset)
	return next, err
}
