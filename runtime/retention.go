package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/config"
	"pitwall/config/refreshsql"
	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/runtime/shape"
)

// evictions returns the condition of the rows that retention removes: those whose time is more than
// retention_period ago, and those that retention_sql deletes (spec data-refresh 6). Rows for which it is
// NULL stay. It is nil when retention is off. spare leaves out retention_period, see resetExpiry.
func evictions(cfg *config.Dataset, schema *arrow.Schema, now time.Time, spare bool) (engines.Predicate, error) {
	a := cfg.Acceleration
	if !a.RetentionCheckEnabled {
		return nil, nil
	}
	var rows engines.Or
	if a.RetentionPeriod > 0 && cfg.TimeColumn != "" && !spare {
		x := timeAxis{cfg.TimeColumn, cfg.TimeFormat}
		if err := x.check(schema, "time_column"); err != nil {
			return nil, err
		}
		rows = append(rows, x.compare(engines.Lt, now.Add(-a.RetentionPeriod)))
	}
	if a.RetentionSQL != "" {
		del, err := refreshsql.ParseRetention(a.RetentionSQL, cfg.Name)
		if err != nil {
			return nil, sqlError("retention_sql", err)
		}
		known, rest, err := shape.Translate(del.Where, schema, now)
		if err != nil {
			return nil, sqlError("retention_sql", err)
		}
		var all engines.And
		if known != nil {
			all = append(all, known)
		}
		if rest != "" {
			if err := shape.Check(context.Background(), schema, rest, now); err != nil {
				return nil, sqlError("retention_sql", err)
			}
			all = append(all, engines.SQL{Text: rest, Columns: del.Where.Columns()})
		}
		rows = append(rows, all)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return rows, nil
}

// swept is the message of a finished retention check.
type swept struct {
	at      time.Time
	evicted int64
	info    engines.Info
	err     error
}

// armRetention plans the next retention check; 0 has it run at once.
func (a *actor) armRetention(wait time.Duration) {
	a.sweepTimer.Stop()
	a.retention(func(r *api.Retention) { r.Next = time.Time{} })
	if c := a.cfg().Acceleration; !c.RetentionCheckEnabled || c.RetentionCheckInterval <= 0 {
		return
	}
	a.sweepTimer.Reset(wait)
	a.retention(func(r *api.Retention) { r.Next = time.Now().Add(wait) })
}

// retention changes what the state says about it, if there is any.
func (a *actor) retention(change func(*api.Retention)) {
	if a.st.Retention == nil {
		return
	}
	r := *a.st.Retention // the published one is not ours any more
	change(&r)
	a.st.Retention = &r
}

// sweepDue begins a retention check. One that finds no data, or a bootstrap, waits for the next time:
// what loads data evicts, too.
func (a *actor) sweepDue() {
	a.armRetention(a.cfg().Acceleration.RetentionCheckInterval)
	if a.eng == nil || a.sweeping || a.replacing() {
		return
	}
	a.sweeping = true
	cfg, eng := a.cfg(), a.eng
	a.job(func() any {
		m := swept{at: time.Now()}
		m.evicted, m.info, m.err = sweep(a.ctx, cfg, eng, m.at.UTC(), a.spares(m.at))
		return m
	})
}

// sweep deletes what retention does not keep.
func sweep(ctx context.Context, cfg *config.Dataset, eng engines.Engine, now time.Time, spare bool) (int64, engines.Info, error) {
	info, err := eng.Info(ctx)
	if err != nil || info.Schema == nil {
		return 0, info, err
	}
	rows, err := evictions(cfg, info.Schema, now, spare)
	if err != nil || rows == nil {
		return 0, info, err
	}
	n, err := eng.Delete(ctx, rows)
	if err != nil {
		return 0, info, err
	}
	if n > 0 {
		if after, err := eng.Info(context.WithoutCancel(ctx)); err == nil {
			info = after
		}
	}
	return n, info, nil
}

// swept records a retention check.
func (a *actor) swept(m swept) {
	a.sweeping = false
	if m.err != nil {
		f := a.explain(m.err)
		if f.Canceled {
			return
		}
		a.retention(func(r *api.Retention) { r.Last, r.Err, r.Hint = m.at, f.Message, f.Hint })
		a.emit(api.ErrorLevel, "retention", "retention failed: "+f.Message, hintField(f.Hint)...)
		return
	}
	a.retention(func(r *api.Retention) { r.Last, r.LastEvicted, r.Err, r.Hint = m.at, m.evicted, "", "" })
	if m.evicted == 0 {
		return
	}
	a.evicted(m.evicted)
	a.took(m.info)
	a.changedAt = m.at
	a.emit(api.Info, "retention", fmt.Sprintf("evicted %d rows", m.evicted), api.Field{Key: "rows", Value: fmt.Sprint(m.info.Rows)})
}

// evicted counts rows that retention removed.
func (a *actor) evicted(n int64) {
	a.retention(func(r *api.Retention) { r.Evicted += n })
}
