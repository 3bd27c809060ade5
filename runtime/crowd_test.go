package runtime_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/runtime/launch"
	"pitwall/runtime/source"
)

// crowded counts the reads that are open at the same time.
type crowded struct {
	source.Source
	open, most *atomic.Int64
}

type crowdedReader struct {
	source.Reader
	close func()
}

func (r crowdedReader) Release() { r.Reader.Release(); r.close() }

func (s crowded) Read(ctx context.Context, scan source.Scan) (source.Reader, error) {
	r, err := empty{}.Read(ctx, scan)
	if err != nil {
		return nil, err
	}
	n := s.open.Add(1)
	for m := s.most.Load(); n > m && !s.most.CompareAndSwap(m, n); m = s.most.Load() {
	}
	return crowdedReader{r, sync.OnceFunc(func() { s.open.Add(-1) })}, nil
}

// A thousand datasets are due in the same second, every second: each is refreshed again and again, no more
// of them at a time than allowed, and whoever asks is answered meanwhile.
func TestAThousandDatasetsWithTheSameCron(t *testing.T) {
	const n, limit = 1000, 3
	var pod strings.Builder
	fmt.Fprintf(&pod, "\nruntime: {dataset_load_parallelism: %d}\ndatasets:\n", limit)
	for i := range n {
		fmt.Fprintf(&pod, "  - {from: 'file:x.csv', name: d%d, acceleration: {refresh_cron: '* * * * * *'}}\n", i)
	}
	var open, most atomic.Int64
	b := newBed(t, map[string]string{"spicepod.yml": pod.String()}).start(func(o *launch.Options) {
		o.Sources = func(*config.Dataset, string) (source.Source, error) { return crowded{open: &open, most: &most}, nil }
	})
	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	var slowest time.Duration
	asking.Go(func() { // as a console or a probe does
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			begin := time.Now()
			s := b.Runtime.State()
			rows, err := b.Runtime.Query(ctx, "SELECT 1 AS one", api.QueryOptions{})
			if err == nil {
				err = rows.Close()
			}
			if err != nil && ctx.Err() == nil || len(s.Datasets) != n {
				t.Errorf("%d datasets, %v", len(s.Datasets), err)
			}
			slowest = max(slowest, time.Since(begin))
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	const ticks = 3
	b.until("every dataset refreshed by its cron", func(s *api.State) bool {
		for _, d := range s.Datasets {
			byCron := 0
			for _, r := range d.Refreshes {
				if r.Trigger == "cron" && r.Outcome == api.Succeeded {
					byCron++
				}
			}
			if byCron < ticks {
				return false
			}
		}
		return true
	})
	stop()
	asking.Wait()
	for _, d := range b.Runtime.State().Datasets {
		if d.Failures > 0 || d.Err != "" {
			t.Errorf("%s: %s", d.Name, d.Err)
		}
	}
	if m := most.Load(); m > limit || m < 1 {
		t.Errorf("%d refreshes at the same time, the limit is %d", m, limit)
	}
	if slowest > patience {
		t.Errorf("an answer took %s", slowest)
	}
	t.Logf("at most %d at a time, the slowest answer took %s", most.Load(), slowest)
}
