package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"pitwall/runtime/source"
)

// stillLooks is after how many looks a partition counts as read to its end although its next offset is below it: a
// compaction may have taken away its last messages, and then there is nothing more to come.
const stillLooks = 4

// commitTimeout bounds the last commit of a feed.
const commitTimeout = 2 * time.Second

// start finds out what there is, and begins to read.
func (f *feed) start(ctx context.Context, at *position) error {
	s := f.s
	asked, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	id, ends, err := f.survey(asked)
	if err != nil {
		return s.explain(ctx, err)
	}
	listed, err := f.admin.ListStartOffsets(asked, s.topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return s.explain(ctx, err)
	}
	starts := offsetsOf(listed[s.topic])
	f.id, f.goal, f.ends, f.next = id, ends, maps.Clone(ends), starts
	if at != nil {
		if err := f.resume(at, starts); err != nil {
			return err
		}
		f.state = *at
	}
	f.state.Topic, f.state.ID = s.topic, ""
	if id != (kadm.TopicID{}) {
		f.state.ID = id.String()
	}
	switch {
	case s.settings.group != "":
		f.state.Group = s.settings.group
	case f.state.Group == "":
		f.state.Group = "spice.ai-" + s.dataset + "-" + uuid.NewString()
	}
	f.follow(f.next)
	watched, stop := context.WithCancel(context.Background())
	f.stop = stop
	f.wg.Go(func() { f.watch(watched) })
	return nil
}

// survey returns the topic's number and the ends of its partitions: what a transaction that is still open wrote is
// behind them.
func (f *feed) survey(ctx context.Context) (id kadm.TopicID, ends map[int32]int64, err error) {
	topics, err := f.admin.ListTopics(ctx, f.s.topic)
	if err == nil {
		err = topics.Error()
	}
	if err != nil {
		return id, nil, err
	}
	listed, err := f.admin.ListCommittedOffsets(ctx, f.s.topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return id, nil, err
	}
	if ends = offsetsOf(listed[f.s.topic]); len(ends) == 0 {
		return id, nil, errors.New("the topic has no partitions")
	}
	return topics[f.s.topic].ID, ends, nil
}

func offsetsOf(listed map[int32]kadm.ListedOffset) map[int32]int64 {
	out := make(map[int32]int64, len(listed))
	for p, o := range listed {
		out[p] = o.Offset
	}
	return out
}

// resume makes the position the next to be read, if it is still there. What is not there any more was never read.
func (f *feed) resume(at *position, starts map[int32]int64) error {
	gap := func(partition int32, format string, args ...any) error {
		place := f.s.place()
		if partition >= 0 {
			place = f.s.partition(partition)
		}
		return &source.GapError{Place: place, Err: fmt.Errorf(format, args...)}
	}
	if at.Topic != f.s.topic {
		return gap(-1, "the rows came from topic %s", at.Topic)
	}
	if f.id != (kadm.TopicID{}) && at.ID != "" && at.ID != f.id.String() {
		return gap(-1, "the topic was deleted and made anew: it was %s, and is %s", at.ID, f.id)
	}
	for _, p := range slices.Sorted(maps.Keys(at.Offsets)) {
		if _, ok := starts[p]; !ok {
			return gap(p, "it is gone: the topic was deleted and made anew")
		}
	}
	f.next = map[int32]int64{}
	for p, start := range starts {
		next := at.Offsets[p] // 0 of a partition that is new
		switch {
		case next < start:
			return gap(p, "the messages from offset %d on were never read, and the broker deleted those below %d", next, start)
		case next > f.ends[p]:
			return gap(p, "the messages below offset %d were read, and it ends at %d: the topic was deleted and made anew, or the broker lost messages",
				next, f.ends[p])
		}
		f.next[p] = next
	}
	return nil
}

// follow has the client read partitions.
func (f *feed) follow(from map[int32]int64) {
	at := map[int32]kgo.Offset{}
	for p, o := range from {
		at[p] = kgo.NewOffset().At(o)
	}
	f.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{f.s.topic: at})
}

// watch looks after the topic until it is stopped, and commits what was applied.
func (f *feed) watch(ctx context.Context) {
	tick := time.NewTicker(f.s.settings.look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
			f.commit(last)
			cancel()
			return
		case <-tick.C:
		}
		asked, cancel := context.WithTimeout(ctx, requestTimeout)
		before := f.Standing().Next
		id, ends, err := f.survey(asked)
		if err == nil {
			f.commit(asked)
		}
		cancel()
		if ctx.Err() == nil {
			f.found(ctx, before, id, ends, err)
		}
	}
}

// found takes note of how the topic is. before is what was read next before the look.
func (f *feed) found(ctx context.Context, before map[int32]int64, id kadm.TopicID, ends map[int32]int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.trouble = f.s.explain(ctx, err)
		f.wake()
		return
	}
	if id != f.id && f.id != (kadm.TopicID{}) {
		f.trouble = &source.GapError{Place: f.s.place(), Err: fmt.Errorf("the topic was deleted and made anew: it was %s, and is %s", f.id, id)}
		f.wake()
		return
	}
	f.trouble = nil // it is over
	waited := f.waiting && f.waits == f.seen
	f.seen = f.waits
	fresh := map[int32]int64{}
	for p, end := range ends {
		if _, ok := f.next[p]; !ok {
			fresh[p], f.next[p] = 0, 0
		}
		f.ends[p] = max(f.ends[p], end)
		if waited && f.next[p] == before[p] && before[p] < f.goal[p] {
			if f.still[p]++; f.still[p] >= stillLooks {
				delete(f.goal, p)
				f.wake()
			}
		} else {
			delete(f.still, p)
		}
	}
	f.follow(fresh)
}

// commit has the group know what was applied. It is for people and monitors to see: a failure is of no consequence.
func (f *feed) commit(ctx context.Context) {
	f.mu.Lock()
	p := f.applied
	f.mu.Unlock()
	at, err := parsePosition(p)
	if at == nil || err != nil {
		return
	}
	offsets := kadm.Offsets{}
	for partition, next := range at.Offsets {
		offsets.AddOffset(f.s.topic, partition, next, -1)
	}
	var refused *kerr.Error
	if err := f.admin.CommitAllOffsets(ctx, at.Group, offsets); err != nil && (!errors.As(err, &refused) || refused.Retriable) {
		return // the next look tries again
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if string(f.applied) == string(p) {
		f.applied = nil
	}
}
