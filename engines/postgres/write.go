package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5/pgconn"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/keys"
	"pitwall/engines/postgres/pgvalue"
)

// Write applies one refresh; see engines.Engine.
func (e *Engine) Write(ctx context.Context, w engines.Write) (engines.Stats, error) {
	stats, err := e.write(ctx, w)
	if err != nil {
		return engines.Stats{}, e.wrap(w.Mode.String(), err)
	}
	return stats, nil
}

func (e *Engine) write(ctx context.Context, w engines.Write) (stats engines.Stats, err error) {
	if err := e.writer.Lock(ctx); err != nil {
		return stats, err
	}
	defer e.writer.Unlock()
	if w, err = dbfile.CheckWrite(e, w); err != nil {
		return stats, err
	}
	err = e.transaction(ctx, func(t *tx) (err error) {
		stats, err = e.apply(ctx, t, w)
		return err
	})
	return stats, err
}

// apply does a write inside of a transaction.
func (e *Engine) apply(ctx context.Context, t *tx, w engines.Write) (stats engines.Stats, err error) {
	// other processes with the same dataset wait here, also while there is no table to lock
	if err := t.exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended("+pgvalue.Text("pitwall "+t.name(e.o.Dataset))+", 0))"); err != nil {
		return stats, err
	}
	there, _, err := e.current(ctx, t, writing)
	if err != nil {
		return stats, err
	}
	recorded := there
	if w.Mode == engines.Replace {
		recorded = nil
	}
	schema, rows, changed, err := convert.Appending(recorded, w)
	if err != nil {
		return stats, err
	}
	defer rows.Release()
	if err := keys.Check(e.o.Keys, schema); err != nil {
		return stats, err
	}
	b := &builder{e: e, t: t, schema: schema, table: t.name(e.o.Dataset)}
	if recorded == nil || changed {
		b.table = t.name(e.nextName())
		var old *arrow.Schema
		if changed {
			old = recorded
		}
		if stats, err = b.renew(ctx, rows, old, w); err == nil {
			stats.Evicted, err = b.evict(ctx, w)
		}
		if err == nil {
			err = b.swap(ctx, there != nil)
		}
	} else {
		if stats, err = b.add(ctx, rows, w); err == nil {
			stats.Evicted, err = b.evict(ctx, w)
		}
	}
	if err == nil {
		err = e.putCheckpoint(ctx, t, schema, w)
	}
	if err == nil {
		stats.Rows, stats.Bytes, err = e.size(ctx, t)
	}
	return stats, err
}

// nextName is the name of the table that takes the place of the dataset's.
func (e *Engine) nextName() string {
	sum := sha256.Sum256([]byte(e.o.Dataset))
	return "pitwall_next_" + hex.EncodeToString(sum[:8])
}

// builder fills a table inside of a transaction.
type builder struct {
	e      *Engine
	t      *tx
	schema *arrow.Schema
	table  string // its full name
}

// renew makes a table, with its keys, of the rows of the dataset in the columns of old, if it is not nil,
// and of others.
func (b *builder) renew(ctx context.Context, rows array.RecordReader, old *arrow.Schema, w engines.Write) (stats engines.Stats, err error) {
	if err := b.t.exec(ctx, "CREATE TABLE "+b.table+" "+b.definition("")); err != nil {
		return stats, err
	}
	if old == nil {
		if stats, err = b.fill(ctx, rows); err != nil {
			return stats, err
		}
		return stats, b.constrain(ctx)
	}
	var both []string
	for _, f := range b.schema.Fields() {
		if old.HasField(f.Name) {
			both = append(both, f.Name)
		}
	}
	if len(both) > 0 {
		if err := b.t.exec(ctx, "INSERT INTO "+b.table+" ("+dbfile.Idents(both)+") SELECT "+dbfile.Idents(both)+" FROM "+b.t.name(b.e.o.Dataset)); err != nil {
			return stats, err
		}
	}
	if err := b.constrain(ctx); err != nil {
		return stats, err
	}
	return b.add(ctx, rows, w)
}

// definition is what stands behind CREATE TABLE and the name; more is added to the columns.
func (b *builder) definition(more string) string {
	columns := make([]string, b.schema.NumFields())
	for i, f := range b.schema.Fields() {
		columns[i] = dbfile.Ident(f.Name) + " " + formOf(f.Type).name
		if !f.Nullable || slices.Contains(b.e.o.Keys.Primary, f.Name) {
			columns[i] += " NOT NULL"
		}
	}
	return "(" + strings.Join(columns, ", ") + more + ")"
}

// fill copies rows into an empty table; those that on_conflict leaves out because of others are not.
func (b *builder) fill(ctx context.Context, rows array.RecordReader) (stats engines.Stats, err error) {
	k := b.e.o.Keys
	if k.Conflict != engines.ConflictUpsertDedup && k.Conflict != engines.ConflictUpsertLast {
		stats.Written, err = copyRows(ctx, b.t, b.table, b.schema, rows, k.Primary)
		return stats, err
	}
	return b.add(ctx, rows, engines.Write{})
}

// incoming is the temporary table of rows on their way to a table with keys; position numbers them.
const (
	incoming = "pg_temp.pitwall_incoming"
	position = `"pitwall's position"`
)

// add removes what a write takes away and appends rows as on_conflict says.
func (b *builder) add(ctx context.Context, rows array.RecordReader, w engines.Write) (stats engines.Stats, err error) {
	if stats.Removed, err = b.remove(ctx, w.Remove); err != nil {
		return stats, err
	}
	k := w.Conflicts(b.e.o.Keys)
	if len(keys.Uniques(k)) == 0 {
		stats.Written, err = copyRows(ctx, b.t, b.table, b.schema, rows, b.e.o.Keys.Primary)
		return stats, err
	}
	if err := b.t.exec(ctx, "CREATE TEMP TABLE pitwall_incoming "+b.definition(", "+position+" bigint GENERATED ALWAYS AS IDENTITY")+" ON COMMIT DROP"); err != nil {
		return stats, err
	}
	if _, err := copyRows(ctx, b.t, incoming, b.schema, rows, b.e.o.Keys.Primary); err != nil {
		return stats, err
	}
	if err := b.t.exec(ctx, "ANALYZE "+incoming); err != nil { // nobody else does for a temporary table
		return stats, err
	}
	m := b.merger()
	m.Keys = k
	in := keys.Table{Name: incoming, RowID: position}
	thinned, err := m.Distinct(ctx, in)
	if err != nil {
		return stats, err
	}
	if stats.Written, stats.Dropped, err = m.Into(ctx, in, keys.Table{Name: b.table, RowID: "ctid"}); err != nil {
		return stats, err
	}
	stats.Dropped += thinned
	return stats, b.t.exec(ctx, "DROP TABLE "+incoming)
}

func (b *builder) merger() keys.Merge {
	return keys.Merge{DB: b.t, Keys: b.e.o.Keys, Schema: b.schema, Text: func(column string) string { return column + "::text" }}
}

// evict deletes what retention does not keep.
func (b *builder) evict(ctx context.Context, w engines.Write) (int64, error) {
	if w.Evict == nil {
		return 0, nil
	}
	return b.e.deleteOn(ctx, b.t, b.table, b.schema, w.Evict)
}

// constrain gives the table its keys. A key that rows violate is told with its value.
func (b *builder) constrain(ctx context.Context) error {
	k := b.e.o.Keys
	for i, u := range keys.Uniques(k) {
		ddl := "CREATE UNIQUE INDEX ON " + b.table + " (" + dbfile.Idents(u.Columns) + ")"
		if len(k.Primary) > 0 && i == 0 {
			ddl = "ALTER TABLE " + b.table + " ADD PRIMARY KEY (" + dbfile.Idents(u.Columns) + ")"
		}
		err := b.t.exec(ctx, "SAVEPOINT key; "+ddl)
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "23505" {
			if back := b.t.exec(ctx, "ROLLBACK TO SAVEPOINT key"); back != nil {
				return back
			}
			err = errors.Join(b.merger().Twice(ctx, keys.Table{Name: b.table}, u), err)
		}
		if err != nil {
			return err
		}
	}
	for _, columns := range k.Plain {
		if err := b.t.exec(ctx, "CREATE INDEX ON "+b.table+" ("+dbfile.Idents(columns)+")"); err != nil {
			return err
		}
	}
	return nil
}

// swap puts the table in the place of the dataset's.
func (b *builder) swap(ctx context.Context, replaces bool) error {
	name := b.t.name(b.e.o.Dataset)
	if err := b.t.exec(ctx, "ANALYZE "+b.table); err != nil {
		return err
	}
	if replaces {
		if err := b.t.exec(ctx, "DROP TABLE "+name); err != nil {
			return fmt.Errorf("replace the table: %w", err)
		}
	}
	return b.t.exec(ctx, "ALTER TABLE "+b.table+" RENAME TO "+dbfile.Ident(b.e.o.Dataset))
}
