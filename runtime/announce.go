package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/snapshots/announce"
)

const (
	// longestPause bounds the wait after a fault of the queue.
	longestPause = 30 * time.Second
	// shortestPoll is the least time from one look at an empty queue to the next, if its server does not wait.
	shortestPoll = time.Second
	// outageIsError is how long a fault lasts before it is told as an error.
	outageIsError = 5 * time.Minute
	// foreignEvery is how often it is told that messages are about other places.
	foreignEvery = time.Minute
)

// announcements has the queue of the spicepod read, where there is one (s3_queue_url), by one consumer at a time. It
// belongs to the goroutine of Run.
type announcements struct {
	rt     *Runtime
	params map[string]string // of the running consumer; nil when none runs
	end    func()            // ends it and waits for it
}

// follow starts, replaces or ends the consumer, as a version of the spicepod wants it.
func (n *announcements) follow(ctx context.Context, c *config.Config) {
	params := n.rt.queueParams(c)
	if (params == nil) == (n.params == nil) && maps.Equal(params, n.params) {
		return
	}
	n.stop()
	if params == nil {
		return
	}
	n.params = params
	q, err := announce.New(n.rt.snaps.Location(), params)
	if err != nil {
		n.rt.emit(api.ErrorLevel, "", "snapshot", "the queue of s3_queue_url can't be used: "+err.Error()+"; readers go on polling")
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { newConsumer(n.rt, q).run(ctx) })
	n.end = func() {
		cancel()
		running.Wait()
	}
	n.rt.emit(api.Info, "", "snapshot", "listening to the queue for snapshots of "+q.Place().String())
}

// stop ends the consumer.
func (n *announcements) stop() {
	if n.end != nil {
		n.end()
	}
	n.params, n.end = nil, nil
}

// queueParams are the params of the consumer; nil when there is none: readers without a queue poll, and a queue
// without readers is left alone.
func (r *Runtime) queueParams(c *config.Config) map[string]string {
	if r.snaps == nil || c.Snapshots.Queue() == "" || !slices.ContainsFunc(c.Datasets, (*config.Dataset).Follows) {
		return nil
	}
	params := map[string]string{}
	for k, v := range c.Snapshots.Params {
		params[k] = v.Reveal()
	}
	return params
}

// announce has all readers look for another snapshot. Each reads the store itself and loads what is current then, one
// at a time; those that are at it look once more.
func (r *Runtime) announce(ctx context.Context) error {
	r.mu.Lock()
	actors := slices.Collect(maps.Values(r.actors))
	r.mu.Unlock()
	for _, a := range actors {
		if !a.cfg().Follows() {
			continue
		}
		select {
		case a.inbox <- changed{"queue"}:
		case <-a.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// consumer reads the queue.
type consumer struct {
	rt    *Runtime
	queue *announce.Queue
	pause *backoff.ExponentialBackOff
	// outages are the faults that go on, by what they keep from happening.
	outages map[string]*outage
	// foreignAt is when messages about other places were told last, foreign how many came since.
	foreignAt time.Time
	foreign   int
}

type outage struct {
	since time.Time
	error bool // it was told as one
}

func newConsumer(r *Runtime, q *announce.Queue) *consumer {
	return &consumer{rt: r, queue: q, outages: map[string]*outage{},
		pause: &backoff.ExponentialBackOff{InitialInterval: time.Second, Multiplier: 2, RandomizationFactor: 0.3, MaxInterval: longestPause}}
}

// run reads until ctx ends.
func (c *consumer) run(ctx context.Context) {
	defer c.queue.Close()
	for ctx.Err() == nil {
		began := time.Now()
		n, err := c.round(ctx)
		var wait time.Duration
		if err != nil {
			wait = min(c.pause.NextBackOff(), longestPause)
		} else {
			c.pause.Reset()
			if n == 0 {
				wait = max(0, shortestPoll-time.Since(began))
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// What outages keep from happening.
const (
	receiving = "the queue of s3_queue_url can't be read"
	reading   = "what the queue announces can't be read"
	deleting  = "messages can't be deleted from the queue of s3_queue_url"
)

// round waits for messages and does what they ask for. What can't be done now stays in the queue, and comes again.
func (c *consumer) round(ctx context.Context) (int, error) {
	got, err := c.queue.Receive(ctx)
	if c.told(ctx, receiving, err); err != nil {
		return 0, err
	}
	commit := false
	var done, commits []announce.Message
	for _, m := range got {
		commit = commit || m.Commit
		switch m.Meaning {
		case announce.Commit:
			commits = append(commits, m)
		case announce.Foreign:
			c.elsewhere(m.Detail)
		case announce.NotS3:
			c.rt.emit(api.Warn, "", "snapshot", "a message of the queue was deleted: "+m.Detail, hintField("send nothing but events of the bucket to the queue of s3_queue_url")...)
			done = append(done, m)
		default:
			done = append(done, m)
		}
	}
	if commit {
		unread := c.rt.snaps.Readable(ctx)
		c.told(ctx, reading, unread)
		if err = unread; err == nil {
			err = c.rt.announce(ctx)
		}
		if err == nil {
			done = append(done, commits...)
		}
	}
	if len(done) > 0 {
		undeleted := c.queue.Delete(ctx, done)
		c.told(ctx, deleting, undeleted)
		err = errors.Join(err, undeleted)
	}
	return len(got), err
}

// elsewhere tells of a message that is about another place, which may be meant for somebody else: it stays.
func (c *consumer) elsewhere(object string) {
	if time.Since(c.foreignAt) < foreignEvery {
		c.foreign++
		return
	}
	text := fmt.Sprintf("a message of the queue is about %s, outside of %s, and stays in the queue", object, c.queue.Place())
	if c.foreign > 0 {
		text += fmt.Sprintf("; so do %d more since the last report", c.foreign)
	}
	c.rt.emit(api.ErrorLevel, "", "snapshot", text, hintField("give each location a queue of its own, and its notification a filter by prefix")...)
	c.foreignAt, c.foreign = time.Now(), 0
}

// told tells how an attempt went: once that it fails, once more when that lasts, and once that it works again.
func (c *consumer) told(ctx context.Context, what string, err error) {
	o := c.outages[what]
	switch {
	case err != nil && ctx.Err() != nil:
	case err != nil && o == nil:
		c.outages[what] = &outage{since: time.Now()}
		c.rt.emit(api.Warn, "", "snapshot", what+": "+err.Error()+"; it is tried again, and readers go on polling")
	case err != nil && !o.error && time.Since(o.since) >= outageIsError:
		o.error = true
		c.rt.emit(api.ErrorLevel, "", "snapshot", fmt.Sprintf("%s for %s: %v; readers find new snapshots only by polling",
			what, time.Since(o.since).Round(time.Second), err))
	case err == nil && o != nil:
		delete(c.outages, what)
		c.rt.emit(api.Info, "", "snapshot", fmt.Sprintf("over after %s: %s", time.Since(o.since).Round(time.Second), what))
	}
}
