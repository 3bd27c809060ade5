package runtime_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pitwall/config"
	"pitwall/runtime"
	"pitwall/runtime/api"
	"pitwall/runtime/launch"
	"pitwall/runtime/source"
)

// valve makes every read of a source wait until it is opened: a refresh can be looked at while it runs.
type valve struct {
	mu   sync.Mutex
	open chan struct{}
	// reading gets a value for each read that has begun to wait.
	reading chan string
}

func newValve() *valve { return &valve{open: make(chan struct{}), reading: make(chan string, 100)} }

func (v *valve) options(o *launch.Options) {
	o.Sources = func(d *config.Dataset, dir string) (source.Source, error) {
		s, err := runtime.Connect(d, dir)
		return valved{s, v, d.Name}, err
	}
}

func (v *valve) Open()  { v.mu.Lock(); close(v.open); v.mu.Unlock() }
func (v *valve) Close() { v.mu.Lock(); v.open = make(chan struct{}); v.mu.Unlock() }

// Pass lets reads that begin from now on pass; those that wait go on waiting until free is called.
func (v *valve) Pass() (free func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	waiting := v.open
	v.open = make(chan struct{})
	close(v.open)
	return func() { close(waiting) }
}

type valved struct {
	source.Source
	v    *valve
	name string
}

func (s valved) Read(ctx context.Context, scan source.Scan) (source.Reader, error) {
	r, err := s.Source.Read(ctx, scan)
	if err != nil {
		return nil, err
	}
	s.v.mu.Lock()
	open := s.v.open
	s.v.mu.Unlock()
	return &valvedReader{r, ctx, s, open}, nil
}

type valvedReader struct {
	source.Reader
	ctx  context.Context
	s    valved
	open chan struct{}
}

func (r *valvedReader) Next() bool {
	select {
	case <-r.open:
	default:
		r.s.v.reading <- r.s.name
		select {
		case <-r.open:
		case <-r.ctx.Done():
			return false
		}
	}
	return r.Reader.Next()
}

func (r *valvedReader) Err() error {
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	return r.Reader.Err()
}

const oneOfEach = `
datasets:
  - from: file:a.csv
    name: duck
    acceleration: {engine: duckdb, mode: file}
  - from: file:a.csv
    name: lite
    acceleration: {engine: sqlite, mode: file}
  - from: file:a.csv
    name: mem
    acceleration: {}
`

var oneOfEachNames = []string{"duck", "lite", "mem"}

func TestCancelKeepsTheOldData(t *testing.T) {
	v := newValve()
	v.Open()
	b := newBed(t, map[string]string{"spicepod.yml": oneOfEach, "a.csv": csv(10)}).start(v.options)
	for _, n := range oneOfEachNames {
		b.ready(n, 10)
	}
	v.Close()
	b.write("a.csv", csv(99))
	for _, n := range oneOfEachNames {
		id, err := b.Runtime.Do(t.Context(), api.RefreshNow{Dataset: n})
		if err != nil {
			t.Fatal(err)
		}
		<-v.reading
		d := b.dataset(n, "refreshing", func(d *api.Dataset) bool { return d.Run != nil && d.Run.Phase == api.PhaseReading })
		if d.Status != api.Refreshing || !d.HasData || d.Rows != 10 {
			t.Errorf("%s while refreshing: %s, data %v, %d rows", n, d.Status, d.HasData, d.Rows)
		}
		if task := b.do(api.CancelRefresh{Dataset: n}); task.State != api.TaskDone {
			t.Errorf("%s: cancel: %+v", n, task)
		}
		if task := b.task(id); task.State != api.TaskCancelled {
			t.Errorf("%s: the refresh ended %+v", n, task)
		}
		if d := b.ready(n, 10); d.Refreshes[0].Outcome != api.Cancelled || d.Err != "" {
			t.Errorf("%s: %+v", n, d.Refreshes[0])
		}
	}
	v.Open()
	for _, n := range oneOfEachNames {
		b.do(api.RefreshNow{Dataset: n})
		b.ready(n, 99)
	}
}

func TestOnDemandRefreshSupersedesTheRunningOne(t *testing.T) {
	v := newValve()
	b := newBed(t, map[string]string{"spicepod.yml": oneOfEach, "a.csv": csv(10)}).start(v.options)
	first := map[string]bool{}
	for len(first) < 2 { // two slots are free at least
		first[<-v.reading] = true
	}
	for n := range first {
		b.write("a.csv", csv(20))
		id, err := b.Runtime.Do(t.Context(), api.RefreshNow{Dataset: n})
		if err != nil {
			t.Fatal(err)
		}
		b.dataset(n, "superseded", func(d *api.Dataset) bool {
			return len(d.Refreshes) == 1 && d.Refreshes[0].Outcome == api.Superseded
		})
		defer func() {
			if task := b.task(id); task.State != api.TaskDone {
				t.Errorf("%s: %+v", n, task)
			}
		}()
	}
	v.Open()
	for _, n := range oneOfEachNames {
		b.ready(n, 20)
	}
}

func TestShutdownInTheMiddleOfEverythingIsClean(t *testing.T) {
	v := newValve()
	b := newBed(t, map[string]string{"spicepod.yml": oneOfEach, "a.csv": csv(10)}).start(v.options)
	<-v.reading
	b.stop()
	for _, d := range b.Runtime.State().Datasets {
		if d.Status != api.ShuttingDown || d.Run != nil {
			t.Errorf("%s is %s, run %v", d.Name, d.Status, d.Run)
		}
	}
	b.start()
	for _, n := range oneOfEachNames {
		b.ready(n, 10)
	}
}

func TestAppendAddsOnlyWhatIsNewer(t *testing.T) {
	for _, engine := range []string{"duckdb", "sqlite", "arrow"} {
		for _, tt := range []struct {
			format string
			value  func(int) string
		}{
			{format: "unix_seconds", value: func(i int) string { return fmt.Sprint(1_700_000_000 + i) }},
			{format: "timestamp", value: func(i int) string { return fmt.Sprintf("2026-01-01 00:%02d:%02d", i/60, i%60) }},
			{format: "date", value: func(i int) string { return fmt.Sprintf("2026-%02d-%02d", 1+i/28, 1+i%28) }},
		} {
			t.Run(engine+" "+tt.format, func(t *testing.T) {
				mode := "file"
				if engine == "arrow" {
					mode = "memory"
				}
				rows := func(from, to int) string {
					var s strings.Builder
					for i := from; i < to; i++ {
						fmt.Fprintf(&s, "%s,%d\n", tt.value(i), i)
					}
					return s.String()
				}
				b := newBed(t, map[string]string{"spicepod.yml": fmt.Sprintf(`
datasets:
  - from: file:a.csv
    name: e
    time_column: at
    time_format: %s
    acceleration: {engine: %s, mode: %s, refresh_mode: append}
`, tt.format, engine, mode), "a.csv": "at,v\n" + rows(0, 50)}).start()
				d := b.ready("e", 50)
				if d.Watermark == "" {
					t.Error("no watermark is shown")
				}
				// Ten old rows are gone from the source and twenty are new; a NULL time is not newer.
				b.write("a.csv", "at,v\n"+rows(10, 70)+",99\n")
				b.do(api.RefreshNow{Dataset: "e"})
				d = b.ready("e", 70)
				if r := d.Refreshes[0]; r.RowsRead != 61 || r.RowsWritten != 20 || r.Mode != "append" {
					t.Errorf("read %d, wrote %d, mode %s", r.RowsRead, r.RowsWritten, r.Mode)
				}
				b.do(api.RefreshNow{Dataset: "e"})
				if r := b.ready("e", 70).Refreshes[0]; r.RowsWritten != 0 {
					t.Errorf("an unchanged source gave %d rows", r.RowsWritten)
				}
				b.do(api.RefreshNow{Dataset: "e", Mode: "full"})
				b.ready("e", 61)
			})
		}
	}
}

func TestTimeColumnMustFitItsFormat(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - from: file:a.csv
    name: missing
    time_column: nix
    acceleration: {refresh_mode: append}
  - from: file:a.csv
    name: wrong
    time_column: id
    acceleration: {refresh_mode: append}
`, "a.csv": csv(10)}).start()
	if d := b.failing("missing"); !strings.Contains(d.Err, `"nix"`) || !strings.Contains(d.Hint, "id, name") || d.Retry != nil {
		t.Errorf("%s / %s / %v", d.Err, d.Hint, d.Retry)
	}
	if d := b.failing("wrong"); !strings.Contains(d.Err, "int64") || !strings.Contains(d.Hint, "unix_seconds") {
		t.Errorf("%s / %s", d.Err, d.Hint)
	}
}

func TestSourceThatDisappearsIsRetriedAndRecovers(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": oneOfEach, "a.csv": csv(10)}).start()
	for _, n := range oneOfEachNames {
		b.ready(n, 10)
	}
	if err := os.Remove(filepath.Join(b.dir, "a.csv")); err != nil {
		t.Fatal(err)
	}
	for _, n := range oneOfEachNames {
		if task := b.do(api.RefreshNow{Dataset: n}); task.State != api.TaskFailed || !strings.Contains(task.Detail, n) || !strings.Contains(task.Detail, "a.csv") {
			t.Errorf("%s: %+v", n, task)
		}
		d := b.failing(n)
		if !d.HasData || d.Rows != 10 || d.Retry == nil || d.Failures != 1 || d.FailingSince.IsZero() || d.Hint == "" {
			t.Errorf("%s: data %v, %d rows, retry %+v, failures %d, hint %q", n, d.HasData, d.Rows, d.Retry, d.Failures, d.Hint)
		}
	}
	b.write("a.csv", csv(12))
	for _, n := range oneOfEachNames { // by itself, after the backoff
		if d := b.ready(n, 12); d.Refreshes[0].Trigger != "retry" || d.Err != "" || d.Retry != nil || !d.FailingSince.IsZero() {
			t.Errorf("%s: %+v", n, d.Refreshes[0])
		}
	}
}

func TestRetriesEndAfterTheirNumber(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - from: file:nix.csv
    name: a
    acceleration: {refresh_retry_enabled: false}
  - from: file:nix.csv
    name: b
    acceleration: {refresh_retry_max_attempts: 1}
`}).start()
	a := b.dataset("a", "failed once", func(d *api.Dataset) bool { return d.Failures == 1 })
	if a.Retry != nil || !a.NextRefresh.IsZero() {
		t.Errorf("a: retry %+v", a.Retry)
	}
	c := b.dataset("b", "failed twice", func(d *api.Dataset) bool { return d.Failures == 2 && d.Run == nil })
	if c.Retry != nil || c.Refreshes[0].Attempt != 2 || c.Refreshes[0].Trigger != "retry" {
		t.Errorf("b: retry %+v, last %+v", c.Retry, c.Refreshes[0])
	}
}

func TestSchemaChangeKeepsTheOldDataAndListsWhatChanged(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": oneOfEach, "a.csv": csv(10)}).start()
	for _, n := range oneOfEachNames {
		b.ready(n, 10)
	}
	b.write("a.csv", "id,extra\nx,1\n")
	for _, n := range oneOfEachNames {
		task := b.do(api.RefreshNow{Dataset: n})
		for _, want := range []string{n, "column id was int64, is utf8", "column name is gone", "column extra (int64) is new"} {
			if task.State != api.TaskFailed || !strings.Contains(task.Detail, want) {
				t.Errorf("%s: %+v does not say %q", n, task, want)
			}
		}
		if d := b.failing(n); d.Rows != 10 || !d.HasData || d.Retry != nil || !strings.Contains(d.Hint, "on_schema_change") {
			t.Errorf("%s: %d rows, retry %v, hint %q", n, d.Rows, d.Retry, d.Hint)
		}
	}
}

func TestSchemaChangeOfAnAppendDatasetSaysWhatHelps(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - from: file:a.csv
    name: disk
    time_column: at
    time_format: unix_seconds
    acceleration: {engine: sqlite, mode: file, refresh_mode: append}
  - from: file:a.csv
    name: memory
    time_column: at
    time_format: unix_seconds
    acceleration: {refresh_mode: append}
`, "a.csv": "at,v\n1,1\n"}).start()
	b.ready("disk", 1)
	b.ready("memory", 1)
	b.write("a.csv", "at,v,extra\n1,1,1\n2,2,2\n")
	for _, name := range []string{"disk", "memory"} {
		task := b.do(api.RefreshNow{Dataset: name})
		d := b.failing(name)
		if !strings.Contains(task.Detail, "column extra (int64) is new") || !strings.Contains(d.Hint, "on_schema_change: sync_all_columns") || d.Rows != 1 {
			t.Errorf("%s: %q / %q, %d rows", name, task.Detail, d.Hint, d.Rows)
		}
	}
}

func TestAppendTakesColumnsByName(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:a.csv', name: duck, time_column: at, time_format: unix_seconds, acceleration: {engine: duckdb, mode: file, refresh_mode: append}}
  - {from: 'file:a.csv', name: lite, time_column: at, time_format: unix_seconds, acceleration: {engine: sqlite, mode: file, refresh_mode: append}}
  - {from: 'file:a.csv', name: mem, time_column: at, time_format: unix_seconds, acceleration: {refresh_mode: append}}
`, "a.csv": "at,v\n1,10\n"}).start()
	for _, n := range oneOfEachNames {
		b.ready(n, 1)
	}
	b.write("a.csv", "v,at\n20,2\n")
	for _, n := range oneOfEachNames {
		if task := b.do(api.RefreshNow{Dataset: n}); task.State != api.TaskDone {
			t.Errorf("%s: %+v", n, task)
		}
		if d := b.ready(n, 2); d.Watermark != "2" || d.Schema[0].Name != "at" {
			t.Errorf("%s: watermark %s, columns %+v", n, d.Watermark, d.Schema)
		}
	}
}

// Commands for a dataset that can't be opened end, and say why.
func TestCommandsOfADatasetThatCannotBeOpenedEnd(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: 'file://./snaps'}
datasets:
  - {from: 's3://bucket/x.parquet', name: a, acceleration: {engine: duckdb, mode: file, snapshots: enabled}}
`}).start()
	b.failing("a")
	for _, c := range []api.Command{api.RefreshNow{Dataset: "a"}, api.BootstrapFrom{Dataset: "a"}, api.VerifySnapshot{Dataset: "a"}} {
		if task := b.do(c); task.State != api.TaskFailed || task.Detail == "" {
			t.Errorf("%s: %+v", c.Verb(), task)
		}
	}
}

// The interval goes on after a bootstrap that interrupted a refresh.
func TestScheduleSurvivesABootstrapInTheMiddleOfARefresh(t *testing.T) {
	v := newValve()
	v.Open()
	b := newBed(t, map[string]string{"a.csv": csv(10), "spicepod.yml": `
snapshots: {location: 'file://./snaps'}
datasets:
  - {from: 'file:a.csv', name: a, acceleration: {engine: duckdb, mode: file, snapshots: enabled, refresh_check_interval: 1s}}
`}).start(v.options)
	b.dataset("a", "snapshotted", func(d *api.Dataset) bool { return d.Snapshots.Kept > 0 && d.Snapshots.Run == nil })
	v.Close()
	<-v.reading
	b.do(api.BootstrapFrom{Dataset: "a"})
	v.Open()
	n := len(b.Runtime.State().Dataset("a").Refreshes)
	b.dataset("a", "refreshing by its interval again", func(d *api.Dataset) bool {
		return len(d.Refreshes) > n && d.Refreshes[0].Trigger == "interval" && d.Refreshes[0].Outcome == api.Succeeded
	})
}

// A changed source is loaded in full, also when the reload is superseded or cancelled on the way.
func TestReloadOfANewSourceIsNeverMixedWithTheOldOne(t *testing.T) {
	v := newValve()
	v.Open()
	pod := `
datasets:
  - {from: 'file:%s', name: a, time_column: at, time_format: unix_seconds, acceleration: {engine: duckdb, mode: file, refresh_mode: append}}
`
	b := newBed(t, map[string]string{"a.csv": "at,v\n1,1\n2,1\n3,1\n", "b.csv": "at,v\n3,2\n4,2\n", "spicepod.yml": fmt.Sprintf(pod, "a.csv")}).start(v.options)
	b.ready("a", 3)
	v.Close()
	b.write("spicepod.yml", fmt.Sprintf(pod, "b.csv"))
	<-v.reading
	b.dataset("a", "shows its refresh", func(d *api.Dataset) bool { return d.Run != nil })
	b.do(api.CancelRefresh{Dataset: "a"})
	id, err := b.Runtime.Do(t.Context(), api.RefreshNow{Dataset: "a"})
	if err != nil {
		t.Fatal(err)
	}
	<-v.reading
	v.Open()
	b.task(id)
	b.ready("a", 2)
}

func TestIntervalRefreshesAndHold(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - from: file:a.csv
    name: a
    acceleration: {refresh_check_interval: 200ms}
`, "a.csv": csv(10)}).start()
	b.dataset("a", "refreshed three times", func(d *api.Dataset) bool {
		return len(d.Refreshes) >= 3 && d.Refreshes[0].Trigger == "interval"
	})
	b.do(api.Hold{Dataset: "a", On: true})
	held := b.dataset("a", "on hold", func(d *api.Dataset) bool { return d.Held && d.Run == nil })
	b.write("a.csv", csv(11))
	if task := b.do(api.RefreshNow{Dataset: "a"}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	if d := b.ready("a", 11); len(d.Refreshes) > len(held.Refreshes)+2 || !d.NextRefresh.IsZero() {
		t.Errorf("on hold: %d refreshes, then %d; next %v", len(held.Refreshes), len(d.Refreshes), d.NextRefresh)
	}
	n := len(b.Runtime.State().Dataset("a").Refreshes)
	b.do(api.Hold{Dataset: "a"})
	b.dataset("a", "refreshing again", func(d *api.Dataset) bool { return len(d.Refreshes) > n })
}

// Whatever happens to a dataset, every accepted command comes to an end.
func TestEveryCommandEndsThoughItsDatasetIsRestarted(t *testing.T) {
	pod := "\ndatasets:\n  - {from: 'file:a.csv', name: a, acceleration: {engine: %s}}\n"
	b := newBed(t, map[string]string{"spicepod.yml": fmt.Sprintf(pod, "arrow"), "a.csv": csv(10)}).start()
	b.ready("a", 10)
	var ids []api.CommandID
	for i := range 6 {
		b.write("spicepod.yml", fmt.Sprintf(pod, []string{"duckdb", "arrow"}[i%2]))
		sent := 0 // a State carries the newest api.TaskWindow ended tasks only
		b.until("the next version", func(s *api.State) bool {
			for _, c := range []api.Command{api.RefreshNow{Dataset: "a"}, api.Hold{Dataset: "a", On: true}, api.Hold{Dataset: "a"}} {
				if sent == 15 {
					break
				}
				if id, err := b.Runtime.Do(t.Context(), c); err == nil {
					ids = append(ids, id)
					sent++
				}
			}
			return s.Config.Generation == i+2
		})
	}
	for _, id := range ids {
		b.task(id)
	}
	if len(ids) < 10 {
		t.Errorf("only %d commands were accepted", len(ids))
	}
}
