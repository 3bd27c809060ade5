// Package stream applies the changes of a stream to an engine: it reads them, works out what they come to, and commits
// them together with the place in the stream that they lead to (spec data-refresh 7.4). Changes that can't be applied stop
// it; none is ever left out by itself.
//
// Runner.Run has one goroutine besides its own, which reads; it waits for it.
package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"pitwall/engines"
	"pitwall/runtime/source"
)

// Options of New.
type Options struct {
	Source source.Streamer
	Target Target
	// From is what was kept with the rows that are there.
	From State
	// Backoff is how long to wait before try n, from 1, after a fault that time may cure.
	Backoff func(n int) time.Duration
	// Tell is called whenever Progress has something new; it must not block.
	Tell func()
	// Now is the time; nil is time.Now.
	Now func() time.Time
}

// Runner follows one stream.
type Runner struct {
	o Options
	a applier
	p progress
}

// New returns a Runner.
func New(o Options) *Runner {
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Runner{o: o, a: applier{to: o.Target, state: o.From}}
	r.p.now, r.p.tell = o.Now, o.Tell
	r.p.at.State = o.From
	return r
}

// Limits of what is applied in one commit, when more waits than one batch of the source.
const (
	mostRows  = 50_000
	mostBytes = 64 << 20
)

// ahead is how many batches are read while one is applied (spec 7.4 has four).
const ahead = 4

// Run follows the stream until the context ends or something has to be decided: a *source.RecordError, after which
// everything before that record is applied; a *source.GapError; another error that trying again does not cure, of the
// source or the engine.
func (r *Runner) Run(ctx context.Context) error {
	for tries := 0; ; {
		before := r.p.applied()
		err := r.follow(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if source.KindOf(err) != source.Unavailable && source.KindOf(err) != source.Missing {
			return err
		}
		if r.p.applied() > before {
			tries = 0
		}
		tries++
		if err := r.pause(ctx, tries, err); err != nil {
			return err
		}
	}
}

// pause waits before another try.
func (r *Runner) pause(ctx context.Context, tries int, cause error) error {
	wait := r.o.Backoff(tries)
	r.p.waits(tries, wait, cause)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// read is what the reading goroutine hands over: changes, or the error after them.
type read struct {
	changes *source.Changes
	err     error
}

// follow opens the stream once.
func (r *Runner) follow(ctx context.Context) (err error) {
	r.p.connects()
	feed, err := r.o.Source.Follow(ctx, r.a.state.Position)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, feed.Close()) }()
	r.p.opened(feed)
	g, ctx := errgroup.WithContext(ctx)
	queue := make(chan read, ahead)
	g.Go(func() error {
		defer close(queue)
		for {
			c, err := feed.Next(ctx)
			select {
			case queue <- read{c, err}:
			case <-ctx.Done():
				if c != nil {
					c.Release()
				}
				return ctx.Err()
			}
			if err != nil && source.KindOf(err) != source.Unavailable {
				return nil // the other goroutine has it
			}
		}
	})
	g.Go(func() error { return r.consume(ctx, feed, queue) })
	err = g.Wait()
	for x := range queue {
		if x.changes != nil {
			x.changes.Release()
		}
	}
	return err
}

// consume applies what is read.
func (r *Runner) consume(ctx context.Context, feed source.Feed, queue <-chan read) error {
	var held *read // taken from the queue, and not applied with those before
	for {
		var x read
		if held != nil {
			x, held = *held, nil
		} else {
			var ok bool
			select {
			case x, ok = <-queue:
				if !ok {
					return errors.New("the source ended the stream without a reason")
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if x.err != nil {
			if source.KindOf(x.err) == source.Unavailable { // the feed goes on by itself
				r.p.troubled(x.err)
				continue
			}
			return x.err
		}
		group := []*source.Changes{x.changes}
		group, held = r.more(group, queue)
		err := r.commit(ctx, feed, group)
		for _, c := range group {
			c.Release()
		}
		if err != nil {
			if held != nil && held.changes != nil {
				held.changes.Release()
			}
			return err
		}
	}
}

// more takes what waits and can be applied in one commit with what is there: a stream that is behind gets on faster.
func (r *Runner) more(group []*source.Changes, queue <-chan read) ([]*source.Changes, *read) {
	for {
		rows, bytes := 0, 0
		for _, c := range group {
			n, b := weight(c)
			rows, bytes = rows+n, bytes+b
		}
		if rows >= mostRows || bytes >= mostBytes {
			return group, nil
		}
		select {
		case x, ok := <-queue:
			if !ok {
				return group, nil
			}
			if x.err != nil || !together(group[0], x.changes) {
				return group, &x
			}
			group = append(group, x.changes)
		default:
			return group, nil
		}
	}
}

func weight(c *source.Changes) (rows, bytes int) {
	for _, r := range c.Records {
		bytes += len(r.Value)
	}
	return len(c.Ops), bytes
}

// together tells whether changes can be folded into one commit.
func together(a, b *source.Changes) bool {
	switch {
	case a.Rows == nil || b.Rows == nil:
		return false
	default:
		return a.Rows.Schema().Equal(b.Rows.Schema()) && fmt.Sprint(a.Keys) == fmt.Sprint(b.Keys)
	}
}

// commit applies changes, again and again while only time can help. Where a record is to blame, all before it are
// applied.
func (r *Runner) commit(ctx context.Context, feed source.Feed, group []*source.Changes) error {
	if len(group) == 1 && len(group[0].Records) == 0 && r.a.state.Loaded && !r.a.state.Anew { // there is nothing to keep
		return nil
	}
	for tries := 0; ; {
		began := r.o.Now()
		last := group[len(group)-1]
		after := last.After(len(last.Records))
		stats, done, err := engines.Stats{}, false, error(nil)
		if tries > 0 {
			stats, done, err = r.a.committed(ctx)
		}
		if err == nil && !done {
			stats, err = r.a.apply(ctx, group, after, last.CaughtUp)
		}
		switch {
		case err == nil:
			feed.Applied(r.a.state.Position)
			r.p.committed(group, stats, r.a.state, r.a.schema, r.o.Now().Sub(began))
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case lasting(err):
			return r.search(ctx, feed, group, err)
		}
		tries++
		if err := r.pause(ctx, tries, err); err != nil {
			return err
		}
	}
}

// search finds the record that can't be applied, by halves.
func (r *Runner) search(ctx context.Context, feed source.Feed, group []*source.Changes, cause error) error {
	if len(group) > 1 {
		for _, c := range group {
			if err := r.commit(ctx, feed, []*source.Changes{c}); err != nil {
				return err
			}
		}
		return nil
	}
	c := group[0]
	switch len(c.Records) {
	case 0:
		return cause
	case 1:
		if r, ok := feed.(source.Rejecter); ok && r.Reject(c.Records[0], cause) {
			return nil
		}
		return placed(c, cause)
	}
	half := len(c.Records) / 2
	for _, p := range []*source.Changes{part(c, 0, half), part(c, half, len(c.Records))} {
		p.CaughtUp = c.CaughtUp && p.Records[len(p.Records)-1].Offset == c.Records[len(c.Records)-1].Offset
		err := r.commit(ctx, feed, []*source.Changes{p})
		p.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// Skip keeps the position after a record with the rows that are there, which is then never read again.
func Skip(ctx context.Context, t Target, s State, after source.Position) (State, error) {
	a := applier{to: t, state: s}
	_, err := a.apply(ctx, nil, after, false)
	return a.state, err
}
