package runtime_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/runtime/launch"
	"pitwall/runtime/source"
)

// empty is a source without rows.
type empty struct{ source.Source }

var emptySchema = arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)

func (empty) Read(context.Context, source.Scan) (source.Reader, error) {
	r, err := array.NewRecordReader(emptySchema, nil)
	return emptyReader{r}, err
}

type emptyReader struct{ array.RecordReader }

func (emptyReader) Progress() (done, total int64) { return 0, 0 }

// cpu is the processor time of this process.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkScheduler runs 10,000 datasets on 10 s intervals with empty sources for 30 s each round and
// reports the share of one core (cores; the aim is 0.1) and how much later than due the latest refresh of
// any dataset began, beyond its own duration (late-ms). PITWALL_BENCH_DATASETS changes the number.
func BenchmarkScheduler(b *testing.B) {
	n := 10_000
	if s := os.Getenv("PITWALL_BENCH_DATASETS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	const interval, round = 10 * time.Second, 30 * time.Second
	var pod strings.Builder
	pod.WriteString("version: v1\nkind: Spicepod\nname: bench\ndatasets:\n")
	for i := range n {
		fmt.Fprintf(&pod, "  - {from: 'file:x', name: d%d, acceleration: {refresh_check_interval: 10s, refresh_jitter_enabled: true, refresh_jitter_max: 5s}}\n", i)
	}
	dir := b.TempDir()
	writeFile(b, filepath.Join(dir, "spicepod.yml"), pod.String())
	s, err := launch.Open(b.Context(), launch.Options{Pod: dir, Sources: func(*config.Dataset, string) (source.Source, error) { return empty{}, nil }})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var session sync.WaitGroup
	session.Go(func() { _ = s.Run(ctx) })
	defer func() { cancel(); session.Wait() }()
	refreshes := func() (sum int64, all bool) {
		all = true
		for _, d := range s.Runtime.State().Datasets {
			if len(d.Refreshes) == 0 {
				all = false
				continue
			}
			sum += int64(len(d.Refreshes))
		}
		return sum, all
	}
	for _, all := refreshes(); !all || len(s.Runtime.State().Datasets) < n; _, all = refreshes() {
		time.Sleep(100 * time.Millisecond) // a benchmark has no other clock
	}
	var used, wall time.Duration
	var late time.Duration
	for b.Loop() {
		start, before := time.Now(), cpu(b)
		time.Sleep(round)
		used, wall = used+cpu(b)-before, wall+time.Since(start)
		for _, d := range s.Runtime.State().Datasets {
			late = max(late, lateness(d, interval+5*time.Second))
		}
	}
	b.ReportMetric(float64(used)/float64(wall), "cores")
	b.ReportMetric(float64(late)/float64(time.Millisecond), "late-ms")
	sum, _ := refreshes()
	b.ReportMetric(float64(sum), "refreshes-seen")
}

// lateness is how much longer than the longest interval two refreshes of a dataset were apart.
func lateness(d *api.Dataset, longest time.Duration) time.Duration {
	var most time.Duration
	for i := 1; i < len(d.Refreshes); i++ {
		end := d.Refreshes[i].StartedAt.Add(d.Refreshes[i].Duration)
		most = max(most, d.Refreshes[i-1].StartedAt.Sub(end)-longest)
	}
	return most
}
