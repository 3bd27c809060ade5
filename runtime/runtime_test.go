package runtime_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/runtime/launch"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("PITWALL_TEST_CHILD"); dir != "" {
		os.Exit(child(dir))
	}
	goleak.VerifyTestMain(suite{m},
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"), // of versitygw, ends at its next tick
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),    // of versitygw, never ends
	)
}

// suite ends the S3 server with the tests.
type suite struct{ *testing.M }

func (s suite) Run() int {
	code := s.M.Run()
	if stopS3 != nil {
		if err := stopS3(); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	return code
}

func optionsFor(dataset, file string) engines.Options {
	return engines.Options{Dataset: dataset, Path: file}
}

// bed is a folder with a spicepod and the session that runs it.
type bed struct {
	t   *testing.T
	dir string
	*launch.Session
	stop func()
}

// newBed makes a folder with files; spicepod.yml gets its head by itself.
func newBed(t *testing.T, files map[string]string) *bed {
	t.Helper()
	b := &bed{t: t, dir: t.TempDir()}
	for name, content := range files {
		b.write(name, content)
	}
	return b
}

// write replaces a file by rename, as an editor does.
func (b *bed) write(name, content string) {
	b.t.Helper()
	if name == "spicepod.yml" {
		content = "version: v1\nkind: Spicepod\nname: test\n" + content
	}
	p := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(p+".new", []byte(content), 0o644); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Rename(p+".new", p); err != nil {
		b.t.Fatal(err)
	}
}

// start opens and runs the session until the test ends or stop is called.
func (b *bed) start(edit ...func(*launch.Options)) *bed {
	b.t.Helper()
	o := launch.Options{Pod: b.dir, Version: "test"}
	for _, e := range edit {
		e(&o)
	}
	s, err := launch.Open(b.t.Context(), o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Session = s
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("Run: %v", err)
		}
	})
	b.t.Cleanup(b.stop)
	return b
}

// patience is how long a test waits for something that is bound to happen.
const patience = 20 * time.Second

// until waits for a State that ok accepts.
func (b *bed) until(what string, ok func(*api.State) bool) *api.State {
	b.t.Helper()
	return b.within(patience, what, ok)
}

// within is until with another patience.
func (b *bed) within(d time.Duration, what string, ok func(*api.State) bool) *api.State {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	s, next := b.Runtime.Watch(ctx)
	for !ok(s) {
		n, open := <-next
		if !open {
			b.t.Fatalf("never saw %s\n%s", what, dump(s))
		}
		s = n
	}
	return s
}

// dataset waits for a state of one dataset.
func (b *bed) dataset(name, what string, ok func(*api.Dataset) bool) *api.Dataset {
	b.t.Helper()
	return b.until(name+" "+what, func(s *api.State) bool { d := s.Dataset(name); return d != nil && ok(d) }).Dataset(name)
}

func (b *bed) ready(name string, rows int64) *api.Dataset {
	b.t.Helper()
	return b.dataset(name, fmt.Sprintf("ready with %d rows", rows), func(d *api.Dataset) bool {
		return d.Status == api.Ready && d.HasData && d.Rows == rows
	})
}

func (b *bed) failing(name string) *api.Dataset {
	b.t.Helper()
	return b.dataset(name, "failing", func(d *api.Dataset) bool { return d.Status == api.Error && d.Err != "" })
}

// do runs a command and waits for its end.
func (b *bed) do(c api.Command) api.Task {
	b.t.Helper()
	id, err := b.Runtime.Do(b.t.Context(), c)
	if err != nil {
		b.t.Fatalf("%s %s: %v", c.Verb(), c.Target(), err)
	}
	return b.task(id)
}

func (b *bed) task(id api.CommandID) (task api.Task) {
	b.t.Helper()
	b.until(fmt.Sprint("the end of command ", id), func(s *api.State) bool {
		for _, t := range s.Tasks {
			if t.ID == id && t.State != api.TaskRunning {
				task = t
				return true
			}
		}
		return false
	})
	return task
}

func dump(s *api.State) string {
	var b strings.Builder
	for _, d := range s.Datasets {
		fmt.Fprintf(&b, "%s %s data=%v rows=%d err=%q hint=%q run=%+v transfer=%+v\n", d.Name, d.Status, d.HasData, d.Rows, d.Err, d.Hint, d.Run, d.Snapshots.Run)
	}
	for _, e := range s.Events {
		fmt.Fprintf(&b, "%s %s %s %s %v\n", e.At.Format(time.TimeOnly), e.Level, e.Dataset, e.Message, e.Fields)
	}
	return b.String()
}

// csv makes a file of n rows.
func csv(n int) string {
	var b strings.Builder
	b.WriteString("id,name\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,name %d\n", i, i)
	}
	return b.String()
}
