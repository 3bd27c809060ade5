package push

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines/schemajson"
	"pitwall/runtime/source"
	"pitwall/runtime/source/kafka"
)

// event is one change event.
type event = kafka.Event

func newReader(b []byte) io.Reader { return bytes.NewReader(b) }

func isEnd(err error) bool { return errors.Is(err, io.EOF) }

// eventOf reads an event that may have its key beside it.
func eventOf(raw json.RawMessage) event {
	var pair struct {
		Key, Value json.RawMessage
		Op         *string
		Payload    json.RawMessage
	}
	if json.Unmarshal(raw, &pair) == nil && pair.Value != nil && pair.Op == nil && pair.Payload == nil {
		return event{Key: pair.Key, Value: pair.Value}
	}
	return event{Value: raw}
}

// flying is a request that was handed out.
type flying struct {
	*request
	seq      int64
	rejected bool
	alone    bool // it brings a schema or keys of its own
	schema   *arrow.Schema
	keys     []string
}

// feed implements source.Feed. Its fields are under the lock of its source.
type feed struct {
	s      *Source
	news   chan struct{}
	at     position // what is applied
	schema *arrow.Schema
	seq    int64 // of the last request that was handed out
	flight []*flying
	told   bool
	closed bool
}

var (
	_ source.Feed     = (*feed)(nil)
	_ source.Rejecter = (*feed)(nil)
)

// open takes over a position; nil is the beginning.
func (f *feed) open(from source.Position) (err error) {
	if len(from) == 0 {
		return nil
	}
	if err := json.Unmarshal(from, &f.at); err != nil {
		return err
	}
	f.seq = f.at.Seq
	if len(f.at.Schema) > 0 {
		f.schema, err = schemajson.Unmarshal(f.at.Schema)
	}
	return err
}

// Next implements source.Feed: it hands out one request at a time.
func (f *feed) Next(ctx context.Context) (*source.Changes, error) {
	for {
		if !f.told {
			f.told = true
			return &source.Changes{CaughtUp: true, After: func(int) source.Position { return f.position(0) }}, nil
		}
		if c, ok := f.take(ctx); ok {
			return c, nil
		}
		select {
		case <-f.news:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take hands out the next request, if there is one that may be applied beside those under way.
func (f *feed) take(ctx context.Context) (*source.Changes, bool) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	for len(f.s.waiting) > 0 {
		if slices.ContainsFunc(f.flight, func(x *flying) bool { return x.alone }) {
			return nil, false
		}
		r := f.s.waiting[0]
		rows, err := kafka.ReadEvents(ctx, f.schema, f.at.Primary, r.events)
		if err != nil {
			f.s.drop(0)
			decide(r, &BadError{err})
			continue
		}
		x := &flying{request: r, schema: rows.Schema, keys: rows.Keys}
		x.alone = f.schema == nil || rows.Schema == nil || !rows.Schema.Equal(f.schema) || !slices.Equal(rows.Keys, f.at.Primary)
		if x.alone && len(f.flight) > 0 { // whether those will be there is not known
			if rows.Rows != nil {
				rows.Rows.Release()
			}
			return nil, false
		}
		f.s.drop(0)
		f.seq++
		x.seq = f.seq
		f.flight = append(f.flight, x)
		at := rows.At
		if at.IsZero() {
			at = r.at
		}
		return &source.Changes{Ops: rows.Ops, Rows: rows.Rows, Keys: rows.Keys,
			Records: []source.Record{{Offset: x.seq, Rows: len(rows.Ops), At: at, Value: r.body}},
			After: func(n int) source.Position {
				if n == 0 {
					return f.position(x.seq - 1)
				}
				return f.position(x.seq)
			}}, true
	}
	return nil, false
}

// drop takes a request from those that wait.
func (s *Source) drop(i int) {
	s.bytes -= s.waiting[i].bytes
	s.waiting = slices.Delete(s.waiting, i, i+1)
}

// decide answers a request.
func decide(r *request, err error) {
	r.err = err
	close(r.done)
}

// position is the one after a request; those that were rejected are not in it.
func (f *feed) position(seq int64) source.Position {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	p := f.at
	p.Keys = slices.Clone(p.Keys)
	for _, x := range f.flight {
		if x.seq > seq || x.rejected {
			continue
		}
		p.Seq = x.seq
		p = p.after(x)
	}
	return p.marshal()
}

// after is a position with a request more.
func (p position) after(x *flying) position {
	if x.key != "" {
		p.Keys = append(p.Keys, x.key)
		if n := len(p.Keys) - keep; n > 0 {
			p.Keys = p.Keys[n:]
		}
	}
	p.Primary = x.keys
	if x.schema != nil {
		if text, err := schemajson.Marshal(x.schema); err == nil {
			p.Schema = text
		}
	}
	return p
}

// Applied implements source.Feed: the senders are told.
func (f *feed) Applied(p source.Position) {
	var at position
	if json.Unmarshal(p, &at) != nil {
		return
	}
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.at = at
	f.flight = slices.DeleteFunc(f.flight, func(x *flying) bool {
		if x.seq > at.Seq {
			return false
		}
		if !x.rejected {
			f.schema = x.schema
			decide(x.request, nil)
		}
		return true
	})
	f.wake()
}

// Reject implements source.Rejecter: the sender is told, and keeps the events.
func (f *feed) Reject(r source.Record, err error) bool {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	for i, x := range f.flight {
		if x.seq == r.Offset {
			f.flight = slices.Delete(f.flight, i, i+1)
			decide(x.request, &BadError{err})
			f.wake()
			return true
		}
	}
	return false
}

// wake has Next look again.
func (f *feed) wake() {
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// Standing implements source.Feed: what waits is behind.
func (f *feed) Standing() source.Standing {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	return source.Standing{Next: map[int32]int64{0: f.seq + 1}, Ends: map[int32]int64{0: f.seq + 1 + int64(len(f.s.waiting))}}
}

// Close implements source.Feed. What was not applied is given back to its senders.
func (f *feed) Close() error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	for _, x := range f.flight {
		decide(x.request, ErrStopped)
	}
	for _, r := range f.s.waiting {
		decide(r, ErrStopped)
	}
	f.flight, f.s.waiting, f.s.bytes, f.s.feed = nil, nil, 0, nil
	return nil
}
