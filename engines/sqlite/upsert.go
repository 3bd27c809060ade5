package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/keys"
)

// changeCache is the page cache of a connection that applies changes, in KiB: they touch pages all over the file.
const changeCache = 64 << 10

// inPlace says whether the changes of a write can update rows where they lie: Remove names rows by the primary key, and
// nothing else of the table is unique. Another unique key may pass from one row to another within a write, which only
// works when all rows that go have gone before others come.
func (e *Engine) inPlace(ctx context.Context, c *conn, schema *arrow.Schema, w engines.Write) (among engines.Among, ok bool, err error) {
	primary := e.o.Keys.Primary
	if !w.Keyed || len(primary) == 0 || len(primary) == schema.NumFields() || e.merges(w) {
		return among, false, nil
	}
	if among, ok = keys.Joinable(schema, w.Remove); !ok {
		return among, false, nil
	}
	var columns []string
	for i, f := range among.Rows.Schema().Fields() {
		if columns = append(columns, f.Name); among.Rows.Column(i).NullN() > 0 {
			return among, false, nil
		}
	}
	if !keys.Same(columns, primary) {
		return among, false, nil
	}
	ok, err = c.onlyUnique(ctx, e.o.Dataset, primary)
	return among, ok, err
}

// onlyUnique says whether no index of a table is unique but those over the columns of a key.
func (c *conn) onlyUnique(ctx context.Context, table string, key []string) (bool, error) {
	all, err := c.indexes(ctx, table)
	if err != nil || slices.ContainsFunc(all, func(x tableIndex) bool { return x.unique && !keys.Same(x.columns, key) }) {
		return false, err
	}
	_, partial, err := c.row(ctx, `SELECT 1 FROM pragma_index_list(?1) WHERE "unique" AND partial LIMIT 1`, table)
	return !partial, err
}

// upsert applies changes in place, inside of a transaction: rows whose key is there are updated, others are inserted, and
// the rows of keys that have no incoming row are deleted.
func (e *Engine) upsert(ctx context.Context, c *conn, schema *arrow.Schema, among engines.Among, rows array.RecordReader) (stats engines.Stats, err error) {
	if err := c.exec(ctx, fmt.Sprintf("PRAGMA cache_size = -%d", changeCache)); err != nil {
		return stats, err
	}
	places, err := e.places(ctx, c, schema, among)
	if err != nil {
		return stats, err
	}
	in := convert.NewIngest(ctx, rows, schema, 0)
	defer in.Release()
	in.Primary(e.o.Keys.Primary)
	split := newSplitRows(in, e.o.Keys.Primary, places)
	defer split.release()
	table := dbfile.Ident(e.o.Dataset)
	updated, err := insertAll(ctx, newUpdater(c, table, split.Schema()), split.Schema(), split, nil)
	if err != nil {
		return stats, err
	}
	added, err := array.NewRecordReader(in.Schema(), split.fresh)
	if err != nil {
		return stats, err
	}
	defer added.Release()
	if stats.Written, err = insertAll(ctx, newInserter(c, table, schema), schema, added, nil); err != nil {
		return stats, err
	}
	stats.Written += updated
	var gone []int64
	for _, p := range places {
		if p.there {
			if stats.Removed++; !p.taken {
				gone = append(gone, p.row)
			}
		}
	}
	slices.Sort(gone)
	return stats, c.deleteRows(ctx, table, rowID(schema), gone)
}

// place is where the row of a key lies.
type place struct {
	there bool
	row   int64 // SQLite's number of the row that is there
	taken bool  // by an incoming row
}

// places looks for the rows of keys and returns one place for each key, by the key as keys.Encoder writes it.
func (e *Engine) places(ctx context.Context, c *conn, schema *arrow.Schema, among engines.Among) (map[string]*place, error) {
	numbered, err := e.located(ctx, c, schema, among)
	if err != nil {
		return nil, err
	}
	all := make([]place, among.Rows.NumRows())
	out := make(map[string]*place, len(all))
	encoder := keys.NewEncoder(among.Rows, e.o.Keys.Primary)
	for i := range all {
		key, _ := encoder.Key(i) // no key has a NULL: see inPlace
		if _, twice := out[string(key)]; !twice {
			out[string(key)] = &all[i]
		}
		all[i].row, all[i].there = numbered[int64(i)]
	}
	return out, nil
}

// located returns SQLite's number of the row of each key that is there, by the place of the key in among.
func (e *Engine) located(ctx context.Context, c *conn, schema *arrow.Schema, among engines.Among) (map[int64]int64, error) {
	there := map[int64]int64{}
	err := e.joined(ctx, c, among, func() error {
		both := make([]string, among.Rows.NumCols())
		for i, f := range among.Rows.Schema().Fields() {
			both[i] = "t." + dbfile.Ident(f.Name) + " = s." + dbfile.Ident(f.Name)
		}
		rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, "SELECT s."+rowID(among.Rows.Schema())+", t."+rowID(schema)+
			" FROM "+removed+" s CROSS JOIN "+dbfile.Ident(e.o.Dataset)+" t WHERE "+strings.Join(both, " AND "), nil)
		if err != nil {
			return cause(ctx, err)
		}
		defer rows.Close()
		for pair := make([]driver.Value, 2); ; {
			if err := rows.Next(pair); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return cause(ctx, err)
			}
			there[pair[0].(int64)-1] = pair[1].(int64)
		}
	})
	return there, err
}

// splitRows gives, of the rows of each batch, those whose key is there, in the order in which they lie in the file: what may
// have changed of each, and then its number. It keeps the others, which are to be inserted when it has ended.
type splitRows struct {
	*convert.Ingest
	primary []string
	places  map[string]*place
	columns []int // that are not of the key
	schema  *arrow.Schema
	current arrow.RecordBatch
	fresh   []arrow.RecordBatch
	err     error
}

func newSplitRows(in *convert.Ingest, primary []string, places map[string]*place) *splitRows {
	s := &splitRows{Ingest: in, primary: primary, places: places}
	var fields []arrow.Field
	for i, f := range in.Schema().Fields() {
		if !slices.Contains(primary, f.Name) {
			s.columns, fields = append(s.columns, i), append(fields, f)
		}
	}
	s.schema = arrow.NewSchema(append(fields, arrow.Field{Name: rowID(in.Schema()), Type: arrow.PrimitiveTypes.Int64}), nil)
	return s
}

func (s *splitRows) Schema() *arrow.Schema          { return s.schema }
func (s *splitRows) RecordBatch() arrow.RecordBatch { return s.current }
func (s *splitRows) Record() arrow.RecordBatch      { return s.current }
func (s *splitRows) Err() error                     { return errors.Join(s.err, s.Ingest.Err()) }

func (s *splitRows) drop() {
	if s.current != nil {
		s.current.Release()
		s.current = nil
	}
}

func (s *splitRows) release() {
	s.drop()
	for _, b := range s.fresh {
		b.Release()
	}
}

func (s *splitRows) Next() bool {
	s.drop()
	if s.err != nil || !s.Ingest.Next() {
		return false
	}
	s.err = s.split(s.Ingest.RecordBatch())
	return s.err == nil
}

func (s *splitRows) split(b arrow.RecordBatch) (err error) {
	encoder := keys.NewEncoder(b, s.primary)
	var there, fresh []int
	rows := make([]int64, b.NumRows())
	for i := range rows {
		key, _ := encoder.Key(i) // Ingest refuses NULL
		p := s.places[string(key)]
		switch {
		case p == nil || !p.there:
			fresh = append(fresh, i)
			continue
		case p.taken:
			return keys.Twice(keys.Uniques(engines.Keys{Primary: s.primary})[0], encoder.Texts(i))
		}
		there, rows[i], p.taken = append(there, i), p.row, true
	}
	slices.SortFunc(there, func(i, j int) int { return cmp.Compare(rows[i], rows[j]) })
	if s.current, err = s.updates(b, there, rows); err != nil || len(fresh) == 0 {
		return err
	}
	kept, err := convert.Take(b, fresh)
	if err == nil {
		s.fresh = append(s.fresh, kept)
	}
	return err
}

// updates are some rows of a batch in an order; rows are the numbers of all of the batch.
func (s *splitRows) updates(b arrow.RecordBatch, order []int, rows []int64) (arrow.RecordBatch, error) {
	var columns []arrow.Array
	for _, i := range s.columns {
		columns = append(columns, b.Column(i))
	}
	numbers := array.NewInt64Builder(memory.DefaultAllocator)
	defer numbers.Release()
	numbers.AppendValues(rows, nil)
	all := numbers.NewArray()
	defer all.Release()
	whole := array.NewRecordBatch(s.schema, append(columns, all), b.NumRows())
	defer whole.Release()
	return convert.Take(whole, order)
}
