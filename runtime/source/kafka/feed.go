package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"pitwall/runtime/source"
)

// feed implements source.Feed.
type feed struct {
	s      *Source
	client *kgo.Client
	admin  *kadm.Client
	id     kadm.TopicID
	decode decoder

	// Of whoever calls Next.
	pending []*kgo.Record // read, and not delivered
	size    int           // of pending, in bytes
	since   time.Time     // when the first of pending came
	failed  error         // what a fetch said; told when pending is delivered
	end     error         // what Next returns from now on
	state   position      // without its offsets, as of what is delivered
	told    bool          // that everything was delivered

	stop func()
	wg   sync.WaitGroup

	mu      sync.Mutex
	goal    map[int32]int64 // what ends were at Follow
	ends    map[int32]int64
	next    map[int32]int64
	trouble error  // what the watch found
	wake    func() // ends the wait for messages
	applied source.Position
	waits   int           // how often Next began to wait for the first message of a batch
	waiting bool          // that it does
	seen    int           // waits, as of the last look at the topic
	still   map[int32]int // how many looks found a partition where it was, short of its end, and Next waiting
}

// open makes a feed that does not follow yet.
func (s *Source) open(at *position) (*feed, error) {
	f := &feed{s: s, stop: func() {}, wake: func() {}, still: map[int32]int{}}
	var err error
	if f.client, err = s.client(); err != nil {
		return nil, err
	}
	if err := f.decode.open(s, at); err != nil {
		f.client.Close()
		return nil, &source.Error{Kind: source.Damaged, Place: s.place(), Err: err, Hint: "load the dataset anew"}
	}
	f.admin = kadm.NewClient(f.client)
	return f, nil
}

// Next implements source.Feed.
func (f *feed) Next(ctx context.Context) (*source.Changes, error) {
	if f.end != nil {
		return nil, f.end
	}
	c, err := f.await(ctx)
	if err != nil && source.KindOf(err) != source.Unavailable {
		f.end = err
	}
	return c, err
}

// await waits for a batch.
func (f *feed) await(ctx context.Context) (*source.Changes, error) {
	for {
		if len(f.pending) == 0 {
			if !f.told && f.caughtUp() {
				f.told = true
				return f.changes(nil, &batch{state: f.state}), nil
			}
			if err := f.failed; err != nil {
				f.failed = nil
				return nil, err
			}
		}
		if err := f.gather(ctx); err != nil {
			return nil, err
		}
		if len(f.pending) == 0 {
			continue
		}
		n := min(len(f.pending), f.s.settings.maxSize)
		b, n, err := f.decode.batch(ctx, f.state, f.pending[:n])
		if err != nil {
			return nil, f.refused(ctx, err)
		}
		c := f.changes(f.pending[:n], b)
		for _, r := range f.pending[:n] {
			f.size -= len(r.Key) + len(r.Value)
		}
		if f.pending = f.pending[n:]; len(f.pending) == 0 {
			f.pending = nil // what was delivered goes with its batch
		}
		if len(c.Records) > 0 || c.CaughtUp && !f.told {
			f.told = f.told || c.CaughtUp
			return c, nil
		}
		c.Release()
	}
}

// gather reads until there is a batch, or one that waited long enough, or something is wrong.
func (f *feed) gather(ctx context.Context) error {
	for len(f.pending) < f.s.settings.maxSize && f.size < f.s.settings.maxBytes && f.failed == nil {
		poll, cancel := context.WithCancel(ctx)
		if len(f.pending) > 0 {
			cancel()
			poll, cancel = context.WithDeadline(ctx, f.since.Add(f.s.settings.maxWait))
		} else if err := f.listen(cancel); err != nil {
			cancel()
			return err
		}
		got := f.client.PollRecords(poll, f.s.settings.maxSize-len(f.pending))
		over := poll.Err() != nil
		cancel()
		f.mu.Lock()
		f.waiting = false
		f.mu.Unlock()
		f.take(ctx, got)
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", f.s.place(), ctx.Err())
		}
		if over && (len(f.pending) > 0 || f.reached()) {
			return nil
		}
	}
	return nil
}

// listen has the watch end a wait. What it has found already is returned instead.
func (f *feed) listen(wake func()) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.trouble
	f.trouble, f.wake = nil, wake
	f.waits, f.waiting = f.waits+1, true
	return err
}

// take keeps what was fetched.
func (f *feed) take(ctx context.Context, got kgo.Fetches) {
	if len(f.pending) == 0 {
		f.since = time.Now()
	}
	for _, e := range got.Errors() {
		if errors.Is(e.Err, context.Canceled) || errors.Is(e.Err, context.DeadlineExceeded) {
			continue // of the wait
		}
		var lost *kgo.ErrDataLoss
		switch {
		case errors.Is(e.Err, kgo.ErrClientClosed):
			f.failed = errClosed
		case errors.Is(e.Err, kerr.OffsetOutOfRange), errors.As(e.Err, &lost):
			f.failed = &source.GapError{Place: f.s.partition(e.Partition), Err: fmt.Errorf("messages that were never read are gone: %w", e.Err)}
		case f.failed == nil:
			f.failed = f.s.explain(ctx, e.Err)
		}
	}
	got.EachPartition(func(p kgo.FetchTopicPartition) {
		if p.Partition < 0 { // of an error that is about none
			return
		}
		f.mu.Lock()
		f.ends[p.Partition] = max(f.ends[p.Partition], p.LastStableOffset)
		f.mu.Unlock()
		f.pending = append(f.pending, p.Records...)
		for _, r := range p.Records {
			f.size += len(r.Key) + len(r.Value)
		}
	})
}

// refused is about the first of pending.
func (f *feed) refused(ctx context.Context, err error) error {
	if source.KindOf(err) != "" {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", f.s.place(), ctx.Err())
	}
	r := f.pending[0]
	offsets := f.Standing().Next
	offsets[r.Partition] = r.Offset + 1
	e := &source.RecordError{Record: record(r), Place: fmt.Sprintf("%s, offset %d", f.s.partition(r.Partition), r.Offset),
		After: f.state.with(offsets, f.decode.schema()).marshal(), Err: err, Hint: "correct it at its source, pass over it, or load the dataset anew"}
	return e
}

// record is a message as the stream tells it.
func record(r *kgo.Record) source.Record {
	return source.Record{Partition: r.Partition, Offset: r.Offset, At: r.Timestamp.UTC(), Key: r.Key, Value: r.Value}
}

// changes are those of messages, which count as delivered from now on.
func (f *feed) changes(raw []*kgo.Record, b *batch) *source.Changes {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, ended := maps.Clone(f.next), f.state.SnapshotEnded
	for _, r := range raw {
		f.next[r.Partition] = r.Offset + 1
	}
	f.state = b.state
	c := &source.Changes{Ops: b.ops, Rows: b.rows, Keys: b.state.Keys, Records: b.records}
	schema := f.decode.schema()
	c.After = func(n int) source.Position {
		upto, state := len(raw), b.state
		if n < len(b.records) {
			upto = b.at[n]
			state.SnapshotEnded = ended || b.ended >= 0 && b.ended < n
		}
		offsets := maps.Clone(before)
		for _, r := range raw[:upto] {
			offsets[r.Partition] = r.Offset + 1
		}
		return state.with(offsets, schema).marshal()
	}
	c.CaughtUp = f.reachedLocked() && f.snapshotEnded()
	return c
}

// snapshotEnded tells whether the connector's own snapshot is over; objects come without one.
func (f *feed) snapshotEnded() bool { return f.s.format == JSON || f.state.SnapshotEnded }

func (f *feed) caughtUp() bool { return f.snapshotEnded() && f.reached() }

func (f *feed) reached() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reachedLocked()
}

// reachedLocked tells whether everything is delivered that was there at Follow.
func (f *feed) reachedLocked() bool {
	for p, end := range f.goal {
		if f.next[p] < end {
			return false
		}
	}
	return true
}

// Standing implements source.Feed.
func (f *feed) Standing() source.Standing {
	f.mu.Lock()
	defer f.mu.Unlock()
	return source.Standing{Ends: maps.Clone(f.ends), Next: maps.Clone(f.next)}
}

// Applied implements source.Feed.
func (f *feed) Applied(p source.Position) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.applied = p
}

// Close implements source.Feed.
func (f *feed) Close() error {
	f.stop()
	f.wg.Wait()
	f.client.Close()
	f.decode.close()
	if f.end == nil {
		f.end = errClosed
	}
	return nil
}
