package demo

import (
	"context"
	"sync/atomic"

	"pitwall/config"
	"pitwall/runtime/source"
)

// Sources wraps the connectors: an incident may have a hand in the reads, and in the tour the trips are read only
// when they are all there, because on the first run the console is open long before.
func (w *Workspace) Sources(open func(*config.Dataset, string) (source.Source, error)) func(*config.Dataset, string) (source.Source, error) {
	return func(d *config.Dataset, dir string) (source.Source, error) {
		s, err := open(d, dir)
		if err == nil && w.onRead != nil {
			return meddled{s, &atomic.Int64{}, w.onRead}, nil
		}
		if err != nil || d.Name != "trips" {
			return s, err
		}
		return waiting{s, w.generated}, nil
	}
}

type waiting struct {
	source.Source
	generated <-chan struct{}
}

func (s waiting) Read(ctx context.Context, scan source.Scan) (source.Reader, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.generated:
		return s.Source.Read(ctx, scan)
	}
}

// meddled is a source that an incident counts the reads of.
type meddled struct {
	source.Source
	reads *atomic.Int64
	on    func(n int64) error
}

func (s meddled) Read(ctx context.Context, scan source.Scan) (source.Reader, error) {
	if err := s.on(s.reads.Add(1)); err != nil {
		return nil, err
	}
	return s.Source.Read(ctx, scan)
}
