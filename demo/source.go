package demo

import (
	"context"

	"pitwall/config"
	"pitwall/runtime/source"
)

// Sources wraps the connectors so that the trips are read only when they are all there: on the first
// run the console is open long before.
func (w *Workspace) Sources(open func(*config.Dataset, string) (source.Source, error)) func(*config.Dataset, string) (source.Source, error) {
	return func(d *config.Dataset, dir string) (source.Source, error) {
		s, err := open(d, dir)
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
