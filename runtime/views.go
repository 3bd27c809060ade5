package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/runtime/shape"
	"pitwall/runtime/source"
)

// connect makes the source of the dataset: that of its connector or, for a view, its query.
func (a *actor) connect(cfg *config.Dataset) (source.Source, error) {
	if cfg.Connector == config.ConnectorView {
		return view{a.rt, cfg}, nil
	}
	return a.rt.o.Sources(cfg, a.rt.o.Config.Dir)
}

// view is the source of a view: the rows of its query over other datasets.
type view struct {
	r   *Runtime
	cfg *config.Dataset
}

// Read implements source.Source. Nothing is left unread: the query decides what it needs.
func (v view) Read(ctx context.Context, s source.Scan) (source.Reader, error) {
	rows, err := v.r.queries.Read(ctx, v.cfg.Source)
	if err != nil {
		return nil, v.explain(err)
	}
	out, err := shape.Columns(ctx, rows, s.Columns)
	if err != nil {
		rows.Release()
		return nil, v.explain(err)
	}
	return viewReader{out, v}, nil
}

// explain words an error of the query. One that more data cures is worth another try.
func (v view) explain(err error) error {
	var q *api.QueryError
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	e := &source.Error{Kind: source.Unavailable, Place: v.cfg.Name, Err: err}
	if errors.As(err, &q) {
		e.Hint = q.Hint
		if q.Reason == api.BadQuery || q.Reason == api.Forbidden {
			e.Kind = source.Unsupported
		}
	}
	return e
}

// wait returns when all datasets that the view reads from have data. One that fails to load is an error.
func (v view) wait(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, next := v.r.Watch(ctx)
	for {
		missing, failed := v.missing(s)
		switch {
		case failed != nil:
			return &source.Error{Kind: source.Unavailable, Place: v.cfg.Name, Hint: failed.Hint,
				Err: fmt.Errorf("it reads from %s, which has no data: %s", failed.Name, failed.Err)}
		case !missing:
			return nil
		}
		var open bool
		if s, open = <-next; !open {
			return context.Cause(ctx)
		}
	}
}

// missing tells whether a dataset the view reads from has no data yet, and which one fails.
func (v view) missing(s *api.State) (missing bool, failed *api.Dataset) {
	for _, name := range v.cfg.DependsOn {
		d := s.Dataset(name)
		if d == nil || d.Engine == "" || d.HasData || d.ReadyOnRegistration {
			continue
		}
		missing = true
		if d.Status == api.Error {
			failed = d
		}
	}
	return missing, failed
}

// viewReader words errors of the rows.
type viewReader struct {
	array.RecordReader
	v view
}

func (r viewReader) Err() error { return r.v.explain(r.RecordReader.Err()) }

// Progress implements source.Reader: nobody knows how many bytes a query reads.
func (r viewReader) Progress() (done, total int64) { return 0, 0 }
