package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/runtime/source"
)

// load is what a run takes from its dataset when it begins.
type load struct {
	cfg *config.Dataset
	eng engines.Engine
	src source.Source
	// sql is the effective refresh_sql, fingerprint that of all settings with it.
	sql, fingerprint string
	// known is the state of the last write.
	known ownState
	// learned belongs to the run while it runs.
	learned *learned
	// accept lets the refresh change the columns.
	accept bool
	// loaded is the snapshot that the data came from, for refresh_mode snapshot; nil when unknown.
	loaded *uint64
	// skip lets the refresh end without reading when the source did not change.
	skip bool
}

// refresh does one run.
func (a *actor) refresh(ctx context.Context, m *refreshed, l load) error {
	j := m.job
	if v, ok := l.src.(view); ok { // before it takes a slot that the others need
		if err := v.wait(ctx); err != nil {
			return err
		}
	}
	if err := a.rt.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	defer a.rt.slots.Release(1)
	now := time.Now().UTC()
	j.reading.Store(now.UnixNano())
	p, r, err := l.open(ctx, config.RefreshMode(j.mode), now)
	if errors.Is(err, source.ErrUnchanged) {
		m.skipped, m.at = true, now.Truncate(time.Millisecond)
		return nil
	}
	if err != nil {
		return err
	}
	if planner, ok := r.(source.Planner); ok {
		text := planner.Plan()
		j.plan.Store(&text)
	}
	c := &counted{src: r, ctx: ctx, job: j}
	j.reader.Store(c)
	if len(l.cfg.Acceleration.Metrics) > 0 {
		m.times = &api.Times{Mode: j.mode, Before: newest(ctx, l)}
	}
	rows, err := a.supported(ctx, c, l)
	if err != nil {
		return err
	}
	if rows, err = p.shape(ctx, rows, r); err != nil {
		return err
	}
	defer func() { rows.Release() }()
	if err := checkKeys(keysOf(l.cfg.Acceleration), rows.Schema()); err != nil {
		return err
	}
	m.at = now.Truncate(time.Millisecond)
	m.known = ownState{Fingerprint: l.fingerprint}
	if lister, ok := r.(source.Lister); ok {
		m.known.Objects = lister.Objects()
	}
	w := engines.Write{Mode: engines.Replace, At: m.at, RefreshSQL: l.sql}
	if w.State, err = m.known.encode(); err != nil {
		return err
	}
	recorded, err := a.checkSchema(ctx, l, config.RefreshMode(j.mode), rows.Schema())
	if err != nil {
		return err
	}
	spare := a.spares(now) && j.mode == string(config.RefreshAppend)
	if w.Evict, err = evictions(l.cfg, rows.Schema(), now, spare); err != nil {
		return err
	}
	if j.mode == string(config.RefreshAppend) {
		w.Mode = engines.Append
		if rows, err = a.appended(ctx, &w, rows, recorded, p, l); err != nil {
			return err
		}
	}
	w.Rows = rows
	if m.stats, err = l.eng.Write(ctx, w); err != nil {
		return err
	}
	a.describeWrite(ctx, m, l, rows.Schema())
	return nil
}

// open plans the run and opens the source. A source whose columns changed meanwhile is planned anew.
func (l load) open(ctx context.Context, mode config.RefreshMode, now time.Time) (*plan, source.Reader, error) {
	for first := true; ; first = false {
		p, err := newPlan(l, mode, now)
		if err != nil {
			return nil, nil, err
		}
		fresh := l.learned.schema == nil
		if err := p.prepare(ctx, l.src, l.eng, l.learned); err != nil {
			if first && !fresh { // perhaps it is what was learned that is wrong
				*l.learned = learned{}
				continue
			}
			return nil, nil, err
		}
		p.scan.Seen = p.known.Objects
		p.scan.IfChanged = p.scan.Since || l.skip && mode != config.RefreshAppend && p.skippable()
		r, err := l.src.Read(ctx, p.scan)
		if err == nil && p.schema == nil {
			if err = p.checkSource(r.Schema()); err != nil {
				r.Release()
			}
		}
		if err == nil && p.agrees(r.Schema()) {
			if p.scan.Columns == nil {
				l.learned.schema = r.Schema()
			}
			return p, r, nil
		}
		if err == nil {
			r.Release()
			err = fmt.Errorf("the columns of the source change while it is opened")
		}
		if !first || fresh || errors.Is(err, source.ErrUnchanged) || ctx.Err() != nil {
			return nil, nil, err
		}
		*l.learned = learned{}
	}
}

// supported deals with columns that the engine can't keep, as unsupported_type_action says.
func (a *actor) supported(ctx context.Context, rows array.RecordReader, l load) (array.RecordReader, error) {
	err := l.eng.Supports(rows.Schema())
	if err == nil {
		return rows, nil
	}
	action := l.cfg.UnsupportedTypeAction
	if action == config.UnsupportedError {
		rows.Release()
		return nil, err
	}
	kept, names := adapt(ctx, rows, l.eng, action)
	if kept == nil {
		rows.Release()
		return nil, err
	}
	if action != config.UnsupportedIgnore {
		a.emit(api.Warn, "refresh", fmt.Sprintf("%s can't keep the types of %s; unsupported_type_action: %s", l.cfg.Acceleration.Engine,
			strings.Join(names, ", "), action))
	}
	return kept, nil
}

// appended makes a write of rows that are added to those with the recorded schema. It takes rows over,
// also when it fails.
func (a *actor) appended(ctx context.Context, w *engines.Write, rows array.RecordReader, recorded *arrow.Schema, p *plan, l load) (array.RecordReader, error) {
	if recorded == nil {
		return rows, nil
	}
	target, changed := merged(recorded, engines.Recorded(rows.Schema()), l.cfg.OnSchemaChange)
	if changed {
		w.Schema = target
		return rows, nil // rows that are there have no value in a new column: none of them is known
	}
	rows = inOrder(rows, recorded)
	if p.overlap == nil {
		return rows, nil
	}
	return withoutKnown(ctx, rows, l.eng, p.overlap)
}

// describeWrite learns what a durable write left behind. That must not turn it into a failure.
func (a *actor) describeWrite(ctx context.Context, m *refreshed, l load, schema *arrow.Schema) {
	ctx = context.WithoutCancel(ctx)
	m.rowsRead = m.job.rows.Load()
	if r := m.job.reader.Load(); r != nil {
		m.bytesRead, _ = r.src.Progress()
	}
	var err error
	if m.info, err = l.eng.Info(ctx); err != nil {
		m.info = engines.Info{Rows: m.stats.Rows, Bytes: m.stats.Bytes, Schema: engines.Recorded(schema)}
	}
	m.watermark = watermarkOf(ctx, l, m.info.Schema)
	if m.times != nil {
		m.times.After, m.times.At = newest(ctx, l), time.Now()
	}
}

// newest is the newest value of the time_column; zero when there is none, or none can be told.
func newest(ctx context.Context, l load) time.Time {
	axis := timeAxis{l.cfg.TimeColumn, l.cfg.TimeFormat}
	mark, err := axis.watermark(ctx, l.eng)
	if err != nil || !mark.Valid {
		return time.Time{}
	}
	at, err := axis.instant(mark)
	if err != nil {
		return time.Time{}
	}
	return at
}

// watermarkOf is the text of the newest time; empty when there is none.
func watermarkOf(ctx context.Context, l load, s *arrow.Schema) string {
	if l.cfg.TimeColumn == "" || s == nil || !s.HasField(l.cfg.TimeColumn) {
		return ""
	}
	mark, err := l.eng.Watermark(ctx, l.cfg.TimeColumn)
	if err != nil {
		return ""
	}
	return markText(mark)
}
