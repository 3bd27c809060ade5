package runtime

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/config"
	"pitwall/config/refreshsql"
	"pitwall/engines"
	"pitwall/runtime/shape"
	"pitwall/runtime/source"
)

// plan is which part of its source one refresh loads: refresh_sql, the window and, for append, what is
// newer than the watermark (spec data-refresh 2 and 3.1).
type plan struct {
	cfg  *config.Dataset
	mode config.RefreshMode
	now  time.Time
	// accept lets the columns change.
	accept bool
	// fingerprint is that of the settings of this run.
	fingerprint string
	// sel is what the effective refresh_sql says; nil without one.
	sel *refreshsql.Select
	// window is refresh_data_window, or retention_period in its place; 0 when there is none.
	window time.Duration
	// known is what the last write remembered; empty when its settings were others.
	known ownState

	// mark is the watermark an append goes on from, overlapping its rows within overlap.
	mark    engines.Mark
	overlap engines.Predicate

	scan source.Scan
	// rest is the part of the condition that engines.Predicate can't say.
	rest string
	// schema is that of the source when scan was made; nil when nobody asked.
	schema *arrow.Schema
}

// newPlan reads the settings of a run; mode is the effective one.
func newPlan(l load, mode config.RefreshMode, now time.Time) (*plan, error) {
	cfg, sql := l.cfg, l.sql
	p := &plan{cfg: cfg, mode: mode, fingerprint: l.fingerprint, now: now, known: l.known,
		accept: l.accept || cfg.OnSchemaChange == config.SchemaSyncAll}
	a := cfg.Acceleration
	if p.window = a.RefreshDataWindow; p.window == 0 && cfg.TimeColumn != "" {
		p.window = a.RetentionPeriod
	}
	if sql != "" {
		var err error
		if p.sel, err = refreshsql.ParseRefresh(sql, cfg.Name); err != nil {
			return nil, sqlError("refresh_sql", err)
		}
		if err := p.sel.CheckKey(config.ColumnsOf(a.PrimaryKey)); err != nil {
			return nil, sqlError("refresh_sql", err)
		}
		if p.known.Fingerprint != p.fingerprint {
			p.known = ownState{}
		}
	}
	return p, nil
}

// sqlError names the setting that an error of package refreshsql or shape is about.
func sqlError(setting string, err error) error {
	var e *refreshsql.Error
	var s *shape.Error
	switch {
	case errors.As(err, &e):
		return &settingError{setting + ": " + e.Error(), e.Hint}
	case errors.As(err, &s) && !s.Row:
		return &settingError{setting + ": " + s.Error(), s.Hint}
	default:
		return err
	}
}

func (p *plan) axis() timeAxis { return timeAxis{p.cfg.TimeColumn, p.cfg.TimeFormat} }

func (p *plan) partition() timeAxis {
	f := p.cfg.TimePartitionFormat
	if f == "" {
		f = config.TimeTimestamp
	}
	return timeAxis{p.cfg.TimePartitionColumn, f}
}

// metaColumns are the names under which a file's modification time is a column (spec data-refresh 2.2).
func metaColumns() []string { return []string{"last_modified", "_last_modified"} }

// learned is what earlier reads of a source told about it; the zero value is nothing.
type learned struct {
	// schema is that of the source without a narrowed scan; nil when unknown.
	schema *arrow.Schema
	// own is true when the source has a column of its own with the name of metaColumns.
	own bool
}

// prepare makes the scan. What it needs to know of the source and is not in l it reads there.
func (p *plan) prepare(ctx context.Context, src source.Source, eng engines.Engine, l *learned) error {
	p.scan.LastModified = metaColumn(p.cfg)
	if p.mode == config.RefreshAppend && p.cfg.TimeColumn != "" {
		var err error
		if p.mark, err = p.axis().watermark(ctx, eng); err != nil {
			return err
		}
	}
	if err := p.types(ctx, eng); err != nil {
		return err
	}
	needed := p.sel != nil || p.scan.LastModified != "" || p.cfg.TimeColumn != "" && (p.mark.Valid || p.window > 0)
	if needed && l.schema == nil {
		if err := p.learn(ctx, src, l); err != nil {
			return err
		}
	}
	if p.schema = l.schema; l.own {
		p.scan.LastModified = ""
	}
	if p.schema != nil {
		if err := p.columns(); err != nil {
			return err
		}
	}
	return p.conditions(ctx, eng)
}

// types has an append read its columns as they were recorded: it looks at a few new files only, whose
// values may tell less than those of all files did. So may those of a full refresh, such as none; where
// columns may change it goes by them all the same.
func (p *plan) types(ctx context.Context, eng engines.Engine) error {
	if p.scan.Widen = p.mode != config.RefreshAppend; p.scan.Widen && p.accept {
		return nil
	}
	info, err := eng.Info(ctx)
	p.scan.Types = info.Schema
	return err
}

// learn reads the schema of the source.
func (p *plan) learn(ctx context.Context, src source.Source, l *learned) error {
	if p.scan.LastModified != "" {
		s, err := source.Schema(ctx, src, source.Scan{Types: p.scan.Types, Widen: p.scan.Widen})
		if err != nil {
			return err
		}
		if l.own = s.HasField(p.scan.LastModified); l.own {
			l.schema = s
			return nil
		}
	}
	s, err := source.Schema(ctx, src, source.Scan{LastModified: p.scan.LastModified, Types: p.scan.Types, Widen: p.scan.Widen})
	l.schema = s
	return err
}

// agrees tells whether the columns that were read have the types the plan was made for.
func (p *plan) agrees(s *arrow.Schema) bool {
	if p.schema == nil {
		return true
	}
	have, want := engines.Recorded(s), engines.Recorded(p.schema)
	for _, f := range have.Fields() {
		if g, ok := want.FieldsByName(f.Name); ok && !arrow.TypeEqual(f.Type, g[0].Type) {
			return false
		}
	}
	return true
}

// columns narrows the scan to what refresh_sql selects, and what is needed to decide about a row.
func (p *plan) columns() error {
	if err := p.checkSource(p.schema); err != nil || p.sel == nil {
		return err
	}
	if err := p.sel.CheckColumns(columnNames(p.schema)); err != nil {
		return sqlError("refresh_sql", err)
	}
	if p.sel.Columns == nil {
		return nil
	}
	a := p.cfg.Acceleration
	if c := p.cfg.TimeColumn; c != "" && !slices.Contains(p.sel.Columns, c) {
		switch {
		case p.mode == config.RefreshAppend:
			return &settingError{"refresh_sql leaves out the time_column " + c + ", which append needs", "select it too"}
		case a.RetentionCheckEnabled && a.RetentionPeriod > 0:
			return &settingError{"refresh_sql leaves out the time_column " + c + ", which retention_period needs", "select it too"}
		}
	}
	for _, c := range config.ColumnsOf(a.PrimaryKey) {
		if !slices.Contains(p.sel.Columns, c) {
			return &settingError{"refresh_sql leaves out " + c + " of the primary_key", "select it too"}
		}
	}
	need := slices.Clone(p.sel.Columns)
	add := func(names ...string) {
		for _, n := range names {
			if n != "" && !slices.Contains(need, n) {
				need = append(need, n)
			}
		}
	}
	if p.sel.Where != nil {
		add(p.sel.Where.Columns()...)
	}
	for _, o := range p.sel.OrderBy {
		add(o.Column)
	}
	add(p.sel.DistinctOn...)
	add(p.cfg.TimeColumn, p.cfg.TimePartitionColumn)
	p.scan.Columns = need
	return nil
}

// checkSource checks that there are columns, and the time columns among them.
func (p *plan) checkSource(s *arrow.Schema) error {
	if s.NumFields() == 0 {
		return &settingError{"the source has no columns", "correct from: " + p.cfg.From}
	}
	if p.cfg.TimeColumn != "" {
		if err := p.axis().check(s, "time_column"); err != nil {
			return err
		}
	}
	if p.cfg.TimePartitionColumn != "" {
		return p.partition().check(s, "time_partition_column")
	}
	return nil
}

// conditions makes the condition of the scan.
func (p *plan) conditions(ctx context.Context, eng engines.Engine) error {
	var where engines.And
	if p.sel != nil && p.sel.Where != nil {
		known, rest, err := shape.Translate(p.sel.Where, p.schema, p.now)
		if err != nil {
			return sqlError("refresh_sql", err)
		}
		p.rest, p.scan.WhereSQL = rest, rest
		if known != nil {
			where = append(where, known)
		}
	}
	times, err := p.times(ctx, eng)
	if err != nil {
		return err
	}
	if where = append(where, times...); len(where) > 0 {
		p.scan.Where = where
	}
	return nil
}

// times makes the conditions on the time column and its partition column.
func (p *plan) times(ctx context.Context, eng engines.Engine) (engines.And, error) {
	byObject := p.scan.LastModified != "" && p.cfg.TimeColumn == p.scan.LastModified
	if p.mark.Valid && len(p.known.Objects) > 0 && p.repeatable() {
		// What an object of the last write holds was loaded, or left out for a reason that still holds.
		p.scan.Since, p.scan.Seen = true, p.known.Objects
		if byObject {
			return nil, nil
		}
	}
	if !p.mark.Valid {
		if p.window == 0 || p.cfg.TimeColumn == "" {
			return nil, nil
		}
		oldest := p.now.Add(-p.window)
		where := engines.And{p.axis().compare(engines.Gt, oldest)}
		if x := p.partition(); x.column != "" && x.format == config.TimeDate {
			where = append(where, x.compare(engines.Ge, midnight(oldest)))
		}
		return where, nil
	}
	overlap := p.cfg.Acceleration.RefreshAppendOverlap
	newer, err := p.axis().newer(p.mark, overlap)
	if err != nil {
		return nil, &settingError{"the watermark: " + err.Error(), "correct time_format, or load anew with a full refresh"}
	}
	where := engines.And{newer}
	if overlap > 0 || p.cfg.TimeFormat == config.TimeDate {
		p.overlap = newer
	}
	bound, err := p.partitionBound(ctx, eng, overlap)
	if bound != nil {
		where = append(where, bound)
	}
	return where, err
}

// partitionBound is the condition on the partition column that follows from the watermark. Partitions
// grow with the time, so that no newer row is in an older partition than the newest row that is there.
// Only the day of a date is known without asking; with an overlap, other forms have no bound.
func (p *plan) partitionBound(ctx context.Context, eng engines.Engine, overlap time.Duration) (engines.Predicate, error) {
	x := p.partition()
	switch {
	case x.column == "" || x.column == p.cfg.TimeColumn || slices.Contains(metaColumns(), x.column):
		return nil, nil
	case x.format == config.TimeDate:
		at, err := p.axis().instant(p.mark)
		if err != nil {
			return nil, err
		}
		return x.compare(engines.Ge, midnight(at.Add(-overlap))), nil
	case overlap == 0:
		mark, err := x.watermark(ctx, eng)
		if err != nil || !mark.Valid || x.format == config.TimeISO8601 {
			return nil, err
		}
		return engines.Compare{Column: x.column, Op: engines.Ge, Value: mark.Value}, nil
	default:
		return nil, nil
	}
}

func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// repeatable tells whether refresh_sql decides about a row always in the same way: it calls no function,
// such as now().
func (p *plan) repeatable() bool {
	return p.sel == nil || p.sel.Limit == nil && (p.sel.Where == nil || !p.sel.Where.Calls())
}

// skippable tells whether an unchanged source makes this refresh needless.
func (p *plan) skippable() bool {
	return p.known.Fingerprint == p.fingerprint && len(p.known.Objects) > 0 && p.window == 0 && p.repeatable()
}

// shape gives the rows that r delivers the form in which they are written. It takes rows over, also when
// it fails.
func (p *plan) shape(ctx context.Context, rows array.RecordReader, r source.Reader) (_ array.RecordReader, err error) {
	defer func() {
		if err != nil {
			rows.Release()
		}
	}()
	step := func(next array.RecordReader, err error) error {
		if err != nil {
			return sqlError("refresh_sql", err)
		}
		rows = next
		return nil
	}
	if p.scan.Where != nil {
		if err := step(shape.Keep(ctx, rows, p.scan.Where)); err != nil {
			return nil, err
		}
	}
	if f, ok := r.(source.SQLFiltered); p.rest != "" && (!ok || !f.FilteredSQL()) {
		if err := step(shape.Mask(ctx, rows, p.rest, p.now)); err != nil {
			return nil, err
		}
	}
	if p.sel == nil {
		return rows, nil
	}
	if p.sel.DistinctOn != nil {
		if err := step(shape.DistinctOn(ctx, rows, p.sel.DistinctOn, p.sel.OrderBy)); err != nil {
			return nil, err
		}
	}
	if p.sel.Limit != nil {
		rows = shape.Limit(ctx, rows, *p.sel.Limit)
	}
	if p.sel.Columns != nil {
		if err := step(shape.Columns(ctx, rows, p.sel.Columns)); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
