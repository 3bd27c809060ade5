// Package replay records what a console sees of a runtime, and plays it: for post-mortems, bug reports, demos and
// tests. A recording is a file of JSON lines; the first says what it is, each other one has a time and what
// happened then (package wire). Recorder.Run and Player.Run do the work of the time and end with their context.
package replay

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/wire"
)

// recordEvery is the shortest time between two States of a recording; flushEvery is how much of its end a process
// that is killed may lose.
const (
	recordEvery = 200 * time.Millisecond
	flushEvery  = time.Second
)

// storePatience is how long the store may take to list snapshots.
const storePatience = 5 * time.Second

// version is that of the format.
const version = 1

// line is one line of a recording.
type line struct {
	// Recording is set in the first line only: the version of the format. Pitwall is the build that wrote it.
	Recording int    `json:"pitwall_recording,omitempty"`
	Pitwall   string `json:"pitwall,omitempty"`

	At    time.Time   `json:"at"`
	Delta *wire.Delta `json:"delta,omitempty"`
	// Snapshots are the stored snapshots of a dataset, as they were listed then.
	Snapshots *listing `json:"snapshots,omitempty"`
	// Doctor is what the checklist found then.
	Doctor []api.Finding `json:"doctor,omitzero"`
	// Answer is what a statement returned.
	Answer *answer `json:"answer,omitempty"`
}

// listing is the stored snapshots of a dataset.
type listing struct {
	Dataset string                     `json:"dataset"`
	List    []api.Snapshot             `json:"list"`
	Objects map[uint64]api.ObjectState `json:"objects,omitempty"`
}

// Recorder is a Console that writes down what is seen of the one in it. It is safe for concurrent use.
type Recorder struct {
	api.Console
	clock func() time.Time
	rows  bool

	mu   sync.Mutex
	file *os.File
	out  *bufio.Writer
	err  error // the first one of writing; nothing is written after it
	last map[string][]api.Snapshot
}

// Options say what to record.
type Options struct {
	// Path is the new file; empty records nothing.
	Path string
	// Rows also keeps the statements that are run in SQL meanwhile, with the first rows of their results.
	Rows bool
}

// Record begins a recording in a new file, and returns the console to use in place of c and what writes the file
// until its context ends. Without a file it returns c, and nothing to run. The error says that the file is there
// already, or can't be written.
func Record(c api.Console, o Options) (recorded api.Console, run func(context.Context) error, err error) {
	path := o.Path
	if path == "" {
		return c, func(context.Context) error { return nil }, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, nil, fmt.Errorf("%s is there already: give another name for the recording, or move it away", path)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the recording can't be written: %w", err)
	}
	r := &Recorder{Console: c, clock: time.Now, rows: o.Rows, file: f, out: bufio.NewWriterSize(f, 1<<16), last: map[string][]api.Snapshot{}}
	if clock, ok := c.(api.Clock); ok {
		r.clock = clock.Now
	}
	ctx, cancel := context.WithCancel(context.Background())
	first, _ := c.Watch(ctx)
	cancel() // it is for the first line only, which what is asked before Run begins must not precede
	r.write(line{Recording: version, Pitwall: first.Version})
	return r, r.Run, nil
}

// Now implements api.Clock: the clock of the runtime that is recorded.
func (r *Recorder) Now() time.Time { return r.clock() }

// write adds a line.
func (r *Recorder) write(l line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	if l.At.IsZero() {
		l.At = r.clock()
	}
	text, err := json.Marshal(l)
	if err == nil {
		_, err = r.out.Write(append(text, '\n'))
	}
	r.err = err
}

// flush hands what was written to the system.
func (r *Recorder) flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = r.out.Flush()
	}
	return r.err
}

// Run records until the runtime ends, and returns when ctx does: a file that can't be written any more ends the
// recording and nothing else. The error says why; the file holds what was seen until then.
func (r *Recorder) Run(ctx context.Context) error {
	err := r.record(ctx)
	<-ctx.Done()
	return err
}

func (r *Recorder) record(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, r.flush(), r.file.Close()) }()
	cur, next := r.Watch(ctx)
	flush := time.NewTicker(flushEvery)
	defer flush.Stop()
	var told *api.State
	for open := true; open; {
		d, err := wire.Diff(told, cur)
		if err != nil {
			return err
		}
		if told == nil || !d.Empty() {
			r.write(line{At: cur.At, Delta: d})
			r.lists(ctx, told, cur)
		}
		told = cur
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(recordEvery):
		}
		for waiting := true; waiting && open; {
			var newer *api.State
			select {
			case newer, open = <-next:
				if open {
					cur = newer
				}
				waiting = false
			case <-flush.C:
				if err := r.flush(); err != nil {
					return fmt.Errorf("the recording ends here: %w", err)
				}
			}
		}
	}
	return nil
}

// lists notes the stored snapshots of the datasets whose newest one is another, so that a replay has them too.
func (r *Recorder) lists(ctx context.Context, told, cur *api.State) {
	for _, d := range cur.Datasets {
		if d.Snapshots.Newest == nil {
			continue
		}
		if told != nil {
			if was := told.Dataset(d.Name); was != nil && was.Snapshots.Newest != nil && *was.Snapshots.Newest == *d.Snapshots.Newest && was.Snapshots.Kept == d.Snapshots.Kept {
				continue
			}
		}
		ctx, cancel := context.WithTimeout(ctx, storePatience)
		_, _ = r.list(ctx, d.Name, cur.At) // a store that does not answer is in the events
		cancel()
	}
}

// Snapshots implements api.Console.
func (r *Recorder) Snapshots(ctx context.Context, dataset string) ([]api.Snapshot, error) {
	return r.list(ctx, dataset, time.Time{})
}

// list notes the stored snapshots as those of a time, which is that of their arrival when it is zero: those that
// belong to a State must be there from its time on.
func (r *Recorder) list(ctx context.Context, dataset string, at time.Time) ([]api.Snapshot, error) {
	list, err := r.Console.Snapshots(ctx, dataset)
	if err == nil {
		r.mu.Lock()
		r.last[dataset] = list
		r.mu.Unlock()
		r.write(line{At: at, Snapshots: &listing{Dataset: dataset, List: list}})
	}
	return list, err
}

// Objects implements api.Console.
func (r *Recorder) Objects(ctx context.Context, dataset string, ids []uint64) (map[uint64]api.ObjectState, error) {
	states, err := r.Console.Objects(ctx, dataset, ids)
	if err == nil {
		r.mu.Lock()
		list := r.last[dataset]
		r.mu.Unlock()
		r.write(line{Snapshots: &listing{Dataset: dataset, List: list, Objects: states}})
	}
	return states, err
}

// Doctor implements api.Console.
func (r *Recorder) Doctor(ctx context.Context) ([]api.Finding, error) {
	list, err := r.Console.Doctor(ctx)
	if err == nil {
		r.write(line{Doctor: append([]api.Finding{}, list...)})
	}
	return list, err
}
