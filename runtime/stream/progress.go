package stream

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/runtime/source"
)

// Phase is what a Runner does.
type Phase string

// The phases.
const (
	Connecting Phase = "connecting"
	Loading    Phase = "loading"   // what was there when the stream was first followed is not applied yet
	Following  Phase = "following" // changes are applied as they come
	Retrying   Phase = "retrying"  // the source or the engine does not answer
)

// Progress is how far a Runner is.
type Progress struct {
	Phase Phase
	State State
	// Err is why it retries; nil in the other phases. Try is the number of the next try, Next when it comes: zero where
	// the source tries by itself.
	Err  error
	Try  int
	Next time.Time
	// Ops counts rows by operation, Records and Bytes what was read and applied, Commits and Batches how it was: a batch
	// is what the source gave at once. Ignored are records about no row.
	Ops                                       map[source.Op]int64
	Records, Bytes, Commits, Batches, Ignored int64
	// Rows is how many rows the engine has; Size its bytes.
	Rows, Size int64
	// Schema is that of the rows; nil while there are none.
	Schema *arrow.Schema
	// Partitions are in their order.
	Partitions []Partition
	// Behind is how many records are read by nobody or not applied yet.
	Behind int64
	// Changed is when the newest change that is applied was made at the source; Applied when it was committed. Zero before
	// the first.
	Changed, Applied time.Time
	// Took is how long the last commit took.
	Took time.Duration
	// Last is the newest record that was applied; nil before the first.
	Last *source.Record
}

// Partition is how far a partition is applied.
type Partition struct {
	ID int32
	// Next is the offset that is applied next, End the one behind the last record.
	Next, End int64
}

// progress is a Progress that grows.
type progress struct {
	now  func() time.Time
	tell func()

	mu   sync.Mutex
	at   Progress
	feed source.Feed
	next map[int32]int64
}

// Progress returns a copy.
func (r *Runner) Progress() Progress { return r.p.get() }

func (p *progress) change(f func(at *Progress)) {
	p.mu.Lock()
	f(&p.at)
	p.mu.Unlock()
	if p.tell != nil {
		p.tell()
	}
}

func (p *progress) applied() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at.Commits
}

func (p *progress) connects() {
	p.change(func(at *Progress) {
		if at.Phase != Retrying {
			at.Phase = Connecting
		}
	})
}

func (p *progress) opened(f source.Feed) {
	p.change(func(at *Progress) {
		p.feed, p.next = f, f.Standing().Next
		p.goesOn(at)
	})
}

// goesOn is the phase of a stream that is read.
func (p *progress) goesOn(at *Progress) {
	at.Phase, at.Err, at.Try, at.Next = Loading, nil, 0, time.Time{}
	if at.State.Loaded {
		at.Phase = Following
	}
}

func (p *progress) waits(try int, wait time.Duration, cause error) {
	p.change(func(at *Progress) { at.Phase, at.Err, at.Try, at.Next = Retrying, cause, try+1, p.now().Add(wait) })
}

func (p *progress) troubled(cause error) {
	p.change(func(at *Progress) { at.Phase, at.Err, at.Try, at.Next = Retrying, cause, 0, time.Time{} })
}

func (p *progress) committed(group []*source.Changes, stats engines.Stats, s State, schema *arrow.Schema, took time.Duration) {
	p.change(func(at *Progress) {
		at.State = s
		if schema != nil {
			at.Schema, at.Rows, at.Size = schema, stats.Rows, stats.Bytes
		}
		ops := maps.Clone(at.Ops)
		if ops == nil {
			ops = map[source.Op]int64{}
		}
		for _, c := range group {
			for _, op := range c.Ops {
				ops[op]++
			}
			for i, r := range c.Records {
				at.Bytes += int64(len(r.Key) + len(r.Value))
				p.next[r.Partition] = r.Offset + 1
				if r.Rows == 0 {
					at.Ignored++
				}
				if r.At.After(at.Changed) {
					at.Changed = r.At
				}
				if i == len(c.Records)-1 {
					last := r
					at.Last = &last
				}
			}
			if n := len(c.Records); n > 0 {
				at.Records += int64(n)
				at.Batches++
				at.Applied = p.now()
			}
		}
		at.Ops = ops
		at.Commits++
		at.Took = took
		p.goesOn(at)
	})
}

func (p *progress) get() Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.at
	out.Partitions, out.Behind = nil, 0
	if p.feed == nil {
		return out
	}
	standing := p.feed.Standing()
	for id, next := range standing.Next {
		at, ok := p.next[id]
		if !ok {
			at = next
		}
		end := max(standing.Ends[id], at)
		out.Partitions = append(out.Partitions, Partition{ID: id, Next: at, End: end})
		out.Behind += end - at
	}
	slices.SortFunc(out.Partitions, func(a, b Partition) int { return int(a.ID - b.ID) })
	return out
}
