package runtime

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/runtime/query"
	"pitwall/runtime/shape"
	"pitwall/runtime/source"
)

// Query implements api.Console.
func (r *Runtime) Query(ctx context.Context, sql string, o api.QueryOptions) (api.Rows, error) {
	rows, err := r.queries.Query(ctx, sql, o)
	if err != nil {
		return nil, r.redactQuery(err)
	}
	return rows, nil
}

func (r *Runtime) redactQuery(err error) error {
	if e, ok := err.(*api.QueryError); ok { //nolint:errorlint // package query returns them bare
		return &api.QueryError{Reason: e.Reason, Message: r.redact(e.Message), Hint: r.redact(e.Hint), Params: e.Params}
	}
	return err
}

// catalog is the datasets of a runtime as queries see them.
type catalog struct{ r *Runtime }

// Table implements query.Catalog.
func (c catalog) Table(name string) query.Table {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	if a := c.r.actors[name]; a != nil {
		return table{a, &origin{}}
	}
	if dataset, id, ok := atSnapshot(name); ok && c.r.actors[dataset] != nil {
		return snapshotTable{table{c.r.actors[dataset], &origin{}}, id}
	}
	return nil
}

// Names implements query.Catalog.
func (c catalog) Names() []string {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	var out []string
	for _, d := range c.r.cfg.Datasets {
		out = append(out, d.Name)
	}
	return out
}

// serving is what queries may use of an actor. The actor replaces it, queries read it.
type serving struct {
	eng engines.Engine // nil when the dataset is not accelerated, or not open yet
	src source.Source
	// ready is true when the acceleration answers.
	ready bool
}

// table is one dataset.
type table struct {
	a    *actor
	from *origin
}

// origin remembers what answered a query.
type origin struct{ source atomic.Bool }

// Served implements query.Server.
func (t table) Served() api.Served {
	s := api.Served{Dataset: t.a.cfg().Name, From: api.FromAcceleration}
	if t.from.source.Load() {
		s.From = api.FromSource
	}
	return s
}

// now returns what can be asked, which is an error while a dataset with ready_state: on_load has no data
// (spec data-refresh 4.2).
func (t table) now() (s serving, fromSource bool, err error) {
	defer func() { t.from.source.Store(fromSource) }()
	if p := t.a.serving.Load(); p != nil {
		s = *p
	}
	cfg := t.a.cfg()
	switch {
	case !cfg.Acceleration.Enabled:
		if s.src, err = t.a.connect(cfg); err != nil {
			return s, true, t.failed(err)
		}
		return s, true, nil
	case s.ready:
		return s, false, nil
	case cfg.ReadyState == config.ReadyOnRegistration && s.src != nil:
		return s, true, nil
	default:
		return s, false, t.notReady()
	}
}

// notReady words the error of a dataset that is loading, with how far it is.
func (t table) notReady() error {
	name := t.a.cfg().Name
	e := &api.QueryError{Reason: api.NotReady}
	text := ""
	if d := t.a.rt.State().Dataset(name); d != nil {
		switch {
		case d.Run != nil && d.Run.Fraction >= 0:
			text = fmt.Sprintf("%d rows are read, %.0f %% of the source. ", d.Run.Rows, 100*d.Run.Fraction)
		case d.Run != nil:
			text = fmt.Sprintf("%d rows are read. ", d.Run.Rows)
		case d.Err != "":
			text = "The load fails: " + d.Err + ". "
			e.Hint = d.Hint
		}
	}
	e.Message = text + "Acceleration not ready; loading initial data for " + name
	return e
}

func (t table) failed(err error) error {
	f := t.a.explain(err)
	if f.Canceled {
		return err
	}
	return &api.QueryError{Reason: api.QueryFailed, Message: f.Message, Hint: f.Hint}
}

// Schema implements query.Table.
func (t table) Schema(ctx context.Context) (*arrow.Schema, error) {
	s, fromSource, err := t.now()
	if err != nil {
		return nil, err
	}
	if !fromSource {
		info, err := s.eng.Info(ctx)
		if err != nil {
			return nil, t.failed(err)
		}
		return info.Schema, nil
	}
	schema, err := source.Schema(ctx, s.src, source.Scan{LastModified: metaColumn(t.a.cfg())})
	if err != nil {
		return nil, t.failed(err)
	}
	return schema, nil
}

// Native implements query.Table.
func (t table) Native() engines.Selector {
	s, fromSource, err := t.now()
	if err != nil || fromSource || t.a.cfg().Acceleration.OnZeroResults == config.ZeroUseSource {
		return nil
	}
	n, _ := s.eng.(engines.Selector)
	return n
}

// Scan implements query.Table.
func (t table) Scan(ctx context.Context, q query.Scan) (array.RecordReader, error) {
	s, fromSource, err := t.now()
	if err != nil {
		return nil, err
	}
	if fromSource {
		if t.a.cfg().Acceleration.Enabled {
			t.a.readyFallbacks.Add(1)
		}
		return t.fromSource(ctx, s.src, q)
	}
	rows, err := t.fromEngine(ctx, s.eng, q)
	if err != nil || t.a.cfg().Acceleration.OnZeroResults != config.ZeroUseSource || s.src == nil {
		return rows, err
	}
	found, err := begun(rows)
	if err != nil || found != nil {
		return found, err
	}
	// No row of the acceleration fulfils the conditions of this scan: the source is asked the same, without
	// refresh_sql (spec data-refresh 4.1).
	t.a.zeroFallbacks.Add(1)
	t.from.source.Store(true)
	t.a.emit(api.Debug, "query", "the acceleration has no rows for a query; the source is asked")
	return t.fromSource(ctx, s.src, q)
}

func (t table) fromEngine(ctx context.Context, eng engines.Engine, q query.Scan) (array.RecordReader, error) {
	scan := engines.Scan{Columns: q.Columns, Where: q.Where}
	if q.Rest == "" {
		scan.Limit = q.Limit
	} else {
		scan.Columns = nil // its columns are needed, too
	}
	rows, err := eng.Query(ctx, scan)
	if err != nil {
		return nil, t.failed(err)
	}
	return t.narrowed(ctx, rows, q, q.Rest != "")
}

func (t table) fromSource(ctx context.Context, src source.Source, q query.Scan) (array.RecordReader, error) {
	r, err := src.Read(ctx, source.Scan{Where: q.Where, WhereSQL: q.Rest, LastModified: metaColumn(t.a.cfg())})
	if err != nil {
		return nil, t.failed(err)
	}
	var rows array.RecordReader = r
	if q.Where != nil {
		kept, err := shape.Keep(ctx, rows, q.Where)
		if err != nil {
			rows.Release()
			return nil, t.failed(err)
		}
		rows = kept
	}
	f, ok := r.(source.SQLFiltered)
	return t.narrowed(ctx, rows, q, q.Rest != "" && (!ok || !f.FilteredSQL()))
}

// narrowed applies what is left of a scan. It takes rows over, also when it fails.
func (t table) narrowed(ctx context.Context, rows array.RecordReader, q query.Scan, rest bool) (array.RecordReader, error) {
	if rest {
		masked, err := shape.Mask(ctx, rows, q.Rest, q.Now)
		if err != nil {
			rows.Release()
			return nil, t.failed(err)
		}
		rows = masked
	}
	if q.Limit > 0 {
		rows = shape.Limit(ctx, rows, q.Limit)
	}
	out, err := shape.Columns(ctx, rows, q.Columns)
	if err != nil {
		rows.Release()
		return nil, t.failed(err)
	}
	return out, nil
}

// metaColumn is the column of modification times that the dataset asks of its source; empty for none.
func metaColumn(cfg *config.Dataset) string {
	for _, c := range []string{cfg.TimeColumn, cfg.TimePartitionColumn} {
		if slices.Contains(metaColumns(), c) {
			return c
		}
	}
	return ""
}

// begun reads up to the first row: nil, with the reader released, when there is none.
func begun(rows array.RecordReader) (array.RecordReader, error) {
	for rows.Next() {
		if b := rows.RecordBatch(); b.NumRows() > 0 {
			return &rewound{RecordReader: rows, again: true}, nil
		}
	}
	err := rows.Err()
	rows.Release()
	return nil, err
}

// rewound hands out the current batch of a reader once more.
type rewound struct {
	array.RecordReader
	again bool
}

func (r *rewound) Next() bool {
	if r.again {
		r.again = false
		return true
	}
	return r.RecordReader.Next()
}

// serve tells queries what they may use now.
func (a *actor) serve() {
	a.serving.Store(&serving{eng: a.eng, src: a.src, ready: a.ready && a.eng != nil})
}
