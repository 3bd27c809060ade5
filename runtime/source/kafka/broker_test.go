package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"pitwall/runtime/source"
)

// eventually calls Next until it returns what is neither a batch nor Unavailable.
func (f *follower) eventually(d time.Duration) (last error) {
	f.t.Helper()
	for begin := time.Now(); time.Since(begin) < d; {
		ctx, cancel := context.WithTimeout(f.t.Context(), d)
		c, err := f.Next(ctx)
		cancel()
		if err == nil {
			c.Release()
		} else if source.KindOf(err) != source.Unavailable {
			return err
		}
	}
	return nil
}

func wantGap(t *testing.T, err error, says string) {
	t.Helper()
	var gap *source.GapError
	if !errors.As(err, &gap) || !strings.Contains(err.Error(), says) || !strings.Contains(gap.Place, "topic shop.public.t") {
		t.Errorf("%v, want a gap: %s", err, says)
	}
}

// trim deletes the messages of a partition below an offset.
func (b *broker) trim(partition int32, below int64) {
	b.t.Helper()
	var o kadm.Offsets
	o.AddOffset(topic, partition, below, -1)
	r, err := b.admin.DeleteRecords(b.t.Context(), o)
	if err == nil {
		err = r.Error()
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *broker) recreate() {
	b.t.Helper()
	if _, err := b.admin.DeleteTopic(b.t.Context(), topic); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.admin.CreateTopic(b.t.Context(), 1, 1, nil, topic); err != nil {
		b.t.Fatal(err)
	}
	b.client.PurgeTopicsFromClient(topic)
}

func TestMessagesThatAreGone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		b.put(0, `{"i":0}`, `{"i":1}`, `{"i":2}`, `{"i":3}`)
		s := b.source(JSON, "batch_max_size", "2")
		f := b.follow(s, nil)
		g := f.next()
		f.close()
		b.trim(0, 2) // what was read may go
		f = b.follow(s, g.after(2))
		if rows, _ := f.all(); fmt.Sprint(rows) != "[c 2 c 3]" {
			t.Errorf("%v", rows)
		}
		f.close()
		_, err := s.Follow(t.Context(), g.after(1))
		wantGap(t, err, "the messages from offset 1 on were never read, and the broker deleted those below 2")
		// From the oldest that there is on is no gap.
		f = b.follow(s, nil)
		if rows, _ := f.all(); fmt.Sprint(rows) != "[c 2 c 3]" {
			t.Errorf("%v", rows)
		}
		f.close()
	})
}

// While a feed is behind, retention deletes what it has not read.
func TestMessagesThatGoWhileFollowing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		b.put(0, `{"i":0}`)
		f := b.follow(b.source(JSON), nil)
		defer f.close()
		f.all()
		var mu sync.Mutex
		refuse := true
		b.cluster.ControlKey(1, func(kmsg.Request) (kmsg.Response, error, bool) { // fetches
			b.cluster.KeepControl()
			mu.Lock()
			defer mu.Unlock()
			return nil, errors.New("not now"), refuse
		})
		b.client.PurgeTopicsFromClient(topic)
		<-time.After(time.Minute)
		b.put(0, `{"i":1}`, `{"i":2}`, `{"i":3}`)
		b.trim(0, 3)
		mu.Lock()
		refuse = false
		mu.Unlock()
		wantGap(t, f.eventually(time.Minute), "messages that were never read are gone")
	})
}

func TestTopicMadeAnew(t *testing.T) {
	for _, ids := range []bool{true, false} {
		t.Run(fmt.Sprint("ids ", ids), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *broker) {
				b.put(0, `{"i":0}`, `{"i":1}`)
				s := b.source(JSON)
				f := b.follow(s, nil)
				_, batches := f.all()
				f.close()
				at := batches[0].after(2)
				if !ids {
					p, err := parsePosition(at)
					if err != nil || p.ID == "" {
						t.Fatal(err)
					}
					p.ID = "" // as of a broker that has none
					at = p.marshal()
				}
				b.recreate()
				b.put(0, `{"i":5}`)
				_, err := s.Follow(t.Context(), at)
				wantGap(t, err, "made anew")
				b.put(0, `{"i":6}`, `{"i":7}`)
				if ids {
					_, err = s.Follow(t.Context(), at)
					wantGap(t, err, "made anew")
				}
				other := b.source(JSON)
				other.topic = "another"
				if _, err := b.admin.CreateTopic(t.Context(), 1, 1, nil, "another"); err != nil {
					t.Fatal(err)
				}
				_, err = other.Follow(t.Context(), at)
				var gap *source.GapError
				if !errors.As(err, &gap) || !strings.Contains(err.Error(), "the rows came from topic shop.public.t") {
					t.Errorf("another topic: %v", err)
				}
			})
		})
	}
}

func TestTopicMadeAnewWhileFollowing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		b.put(0, `{"i":0}`, `{"i":1}`)
		f := b.follow(b.source(JSON), nil)
		defer f.close()
		f.all()
		b.recreate()
		b.put(0, `{"i":5}`, `{"i":6}`, `{"i":7}`)
		wantGap(t, f.eventually(time.Minute), "made anew")
	})
}

func TestTopicThatIsNotThereYet(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		s := b.source(JSON)
		s.topic = "later"
		_, err := s.Follow(t.Context(), nil)
		if source.KindOf(err) != source.Unavailable || !strings.Contains(err.Error(), "topic later: the topic does not exist") {
			t.Errorf("%v", err)
		}
		if _, err := b.admin.CreateTopic(t.Context(), 1, 1, nil, "later"); err != nil {
			t.Fatal(err)
		}
		f := b.follow(s, nil)
		defer f.close()
		if g := f.next(); !g.caughtUp || g.records != 0 {
			t.Errorf("of an empty topic: %+v", g)
		}
	})
}

// A broker that goes away is told, and the same feed goes on when it is back: nothing is lost, nothing comes twice.
func TestBrokerGoesAndComes(t *testing.T) {
	dir := t.TempDir()
	inBubble(t, func(t *testing.T, b *broker) {
		b.put(0, `{"i":0}`, `{"i":1}`)
		f := b.follow(b.source(JSON), nil)
		defer f.close()
		rows, _ := f.all()
		for i := 2; i < 6; i += 2 {
			b.cluster.Close()
			for range 2 {
				if g, err := f.within(10 * time.Minute); g != nil || source.KindOf(err) != source.Unavailable {
					t.Fatalf("%v, %v", g, err)
				}
			}
			b.up(kfake.DataDir(dir))
			b.put(0, fmt.Sprintf(`{"i":%d}`, i), fmt.Sprintf(`{"i":%d}`, i+1))
			for len(rows) < i+2 {
				c, err := f.Next(t.Context())
				if err != nil {
					if source.KindOf(err) != source.Unavailable {
						t.Fatal(err)
					}
					continue
				}
				rows = append(rows, words(c).rows...)
			}
		}
		if diff := cmp.Diff([]string{"c 0", "c 1", "c 2", "c 3", "c 4", "c 5"}, rows); diff != "" {
			t.Error(diff)
		}
		b.cluster.Close()
		s := b.source(JSON)
		if _, err := s.Follow(t.Context(), nil); source.KindOf(err) != source.Unavailable {
			t.Errorf("follow without a broker: %v", err)
		}
		b.up(kfake.DataDir(dir))
	}, kfake.DataDir(dir))
}

// A broker from before topics had numbers, and before 2.4's fetches.
func TestOldBroker(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		b.put(0, `{"i":0}`, `{"i":1}`)
		s := b.source(JSON)
		f := b.follow(s, nil)
		_, batches := f.all()
		f.close()
		at := batches[0].after(1)
		if p, err := parsePosition(at); err != nil || p.ID != "" {
			t.Errorf("%+v, %v", p, err)
		}
		f = b.follow(s, at)
		if rows, _ := f.all(); fmt.Sprint(rows) != "[c 1]" {
			t.Errorf("%v", rows)
		}
	}, kfake.MaxVersions(kversion.V2_3_0()))
}

// A partition moves between brokers while it is followed.
func TestLeadersMove(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		f := b.follow(b.source(JSON), nil)
		f.next()
		var rows, want []string
		for i := range 12 {
			if err := b.cluster.MoveTopicPartition(topic, 0, int32(i%3)); err != nil {
				t.Fatal(err)
			}
			b.put(0, fmt.Sprintf(`{"i":%d}`, i))
			want = append(want, fmt.Sprintf("c %d", i))
			for i%4 == 3 && len(rows) < len(want) {
				c, err := f.Next(t.Context())
				if err == nil {
					rows = append(rows, words(c).rows...)
				} else if source.KindOf(err) != source.Unavailable {
					t.Fatal(err)
				}
			}
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Error(diff)
		}
	}, kfake.NumBrokers(3), kfake.Ports(9092, 9093, 9094))
}

func TestNewPartition(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		b.put(0, `{"i":0}`)
		s := b.source(JSON)
		f := b.follow(s, nil)
		_, batches := f.all()
		before := batches[len(batches)-1].after(1)
		if r, err := b.admin.CreatePartitions(t.Context(), 1, topic); err != nil || r.Error() != nil {
			t.Fatal(err, r.Error())
		}
		b.client.PurgeTopicsFromClient(topic)
		b.put(1, `{"i":10}`, `{"i":11}`)
		b.put(0, `{"i":1}`)
		var rows []string
		for len(rows) < 3 {
			rows = append(rows, f.next().rows...)
		}
		slices.Sort(rows)
		if fmt.Sprint(rows) != "[c 1 c 10 c 11]" {
			t.Errorf("%v", rows)
		}
		if s := f.Standing(); s.Next[1] != 2 || s.Ends[1] != 2 || s.Next[0] != 2 {
			t.Errorf("%+v", s)
		}
		f.close()
		f = b.follow(s, before) // it came while nobody followed
		rows, _ = f.all()
		slices.Sort(rows)
		if fmt.Sprint(rows) != "[c 1 c 10 c 11]" {
			t.Errorf("begun anew: %v", rows)
		}
		f.close()
		b.trim(1, 1)
		_, err := s.Follow(t.Context(), before)
		wantGap(t, err, "partition 1")
	})
}

// The messages of a new partition are gone before anybody looked at it.
func TestNewPartitionIsTrimmed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		f := b.follow(b.source(JSON), nil)
		f.all()
		if r, err := b.admin.CreatePartitions(t.Context(), 1, topic); err != nil || r.Error() != nil {
			t.Fatal(err, r.Error())
		}
		b.client.PurgeTopicsFromClient(topic)
		b.put(1, `{"i":10}`, `{"i":11}`, `{"i":12}`)
		b.trim(1, 2)
		wantGap(t, f.eventually(time.Minute), "messages that were never read are gone")
	})
}

// A batch ends at its size, and at its time from the first message on.
func TestBatchLimits(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		f := b.follow(b.source(JSON, "batch_max_size", "3", "batch_max_duration", "200ms"), nil)
		defer f.close()
		if g := f.next(); !g.caughtUp {
			t.Errorf("%+v", g)
		}
		for i := range 7 {
			b.put(0, fmt.Sprintf(`{"i":%d}`, i))
		}
		begin := time.Now()
		for _, want := range []int{3, 3, 1} {
			if g := f.next(); g.records != want {
				t.Errorf("%d, want %d", g.records, want)
			}
			if took := time.Since(begin); want == 3 && took > 100*time.Millisecond || took > 300*time.Millisecond {
				t.Errorf("a batch of %d after %v", want, took)
			}
		}
		if took := time.Since(begin); took < 200*time.Millisecond {
			t.Errorf("the last batch did not wait: %v", took)
		}
		// One message each 150 ms: two of them in each batch.
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range 6 {
				<-time.After(150 * time.Millisecond)
				b.put(0, fmt.Sprintf(`{"i":%d}`, i))
			}
		}()
		for range 3 {
			if g := f.next(); g.records != 2 {
				t.Errorf("%+v", g)
			}
		}
		<-done
	})
}

// A batch ends when its messages are large, before there are many of them.
func TestBatchBytes(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		s := b.source(JSON)
		s.settings.maxBytes = 100
		f := b.follow(s, nil)
		f.next()
		for i := range 3 {
			b.put(0, fmt.Sprintf(`{"i":%d,"text":%q}`, i, strings.Repeat("x", 80)))
			b.put(0, fmt.Sprintf(`{"i":%d,"text":%q}`, i, strings.Repeat("x", 80)))
			begin := time.Now()
			if g := f.next(); g.records != 2 || time.Since(begin) > 100*time.Millisecond {
				t.Errorf("%d records after %v", g.records, time.Since(begin))
			}
		}
	})
}

// What transactions wrote comes when they are committed, and never when they are aborted; their markers move the
// position on.
func TestTransactions(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		tx, err := kgo.NewClient(kgo.SeedBrokers("localhost:9092"), kgo.Dialer(b.net.DialContext), kgo.TransactionalID("x"), kgo.DefaultProduceTopic(topic), kgo.DisableClientMetrics())
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Close()
		run := func(end kgo.TransactionEndTry, values ...string) {
			if err := tx.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				if err := tx.ProduceSync(t.Context(), kgo.StringRecord(v)).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
			if err := tx.EndTransaction(t.Context(), end); err != nil {
				t.Fatal(err)
			}
		}
		run(kgo.TryCommit, `{"i":0}`, `{"i":1}`) // offsets 0 and 1, its marker 2
		run(kgo.TryAbort, `{"i":2}`)             // 3, 4
		run(kgo.TryCommit, `{"i":3}`)            // 5, 6
		run(kgo.TryAbort, `{"i":4}`)             // 7, 8
		s := b.source(JSON)
		f := b.follow(s, nil)
		rows, batches := f.all()
		if fmt.Sprint(rows) != "[c 0 c 1 c 3]" {
			t.Errorf("%v", rows)
		}
		if s := f.Standing(); s.Ends[0] != 9 || s.Next[0] != 9 {
			t.Errorf("%+v", s)
		}
		f.close()
		last := batches[len(batches)-1]
		f = b.follow(s, last.after(last.records))
		if g := f.next(); g.records != 0 || !g.caughtUp {
			t.Errorf("begun anew: %+v", g)
		}
		if err := tx.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := tx.ProduceSync(t.Context(), kgo.StringRecord(`{"i":5}`)).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if g, err := f.within(5 * time.Second); g != nil || err != nil { // after 40 s it would be aborted
			t.Errorf("before the commit: %v, %v", g, err)
		}
		f.close()
		f = b.follow(s, last.after(last.records))
		defer f.close()
		f.next()
		if err := tx.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
		if g := f.next(); fmt.Sprint(g) != "c 5" {
			t.Errorf("after the commit: %+v", g)
		}
	})
}

// Compaction leaves holes, which are no gaps, in the middle and before the end.
func TestCompactedTopic(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		policy := "compact"
		if _, err := b.admin.CreateTopic(t.Context(), 1, 1, map[string]*string{"cleanup.policy": &policy, "segment.bytes": ptr("200"), "min.cleanable.dirty.ratio": ptr("0"), "delete.retention.ms": ptr("0")}, "compacted"); err != nil {
			t.Fatal(err)
		}
		put := func(key, value string) {
			r := &kgo.Record{Topic: "compacted", Key: []byte(key)}
			if value != "" {
				r.Value = []byte(value)
			}
			if err := b.client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		put("first", `{"i":100}`)
		for i := range 8 {
			put("a", fmt.Sprintf(`{"i":%d}`, i))
			put("b", fmt.Sprintf(`{"i":%d}`, 10+i))
		}
		s := b.source(JSON, "batch_max_size", "2")
		s.topic = "compacted"
		f := b.follow(s, nil)
		g := f.next()
		f.close()
		b.cluster.Compact()
		f = b.follow(s, g.after(1))
		if rows, _ := f.all(); len(rows) == 0 || len(rows) >= 15 || !slices.Contains(rows, "c 17") || !slices.Contains(rows, "c 7") {
			t.Errorf("rows %v", rows)
		}
		f.close()
	})
}

// When compaction took away the last messages, the end is behind all that there is. That nothing comes for a while is
// then the end.
func TestCompactedEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		b.put(0, `{"i":0}`)
		b.cluster.ControlKey(2, func(q kmsg.Request) (kmsg.Response, error, bool) { // of the offsets of the topic
			b.cluster.KeepControl()
			asked := q.(*kmsg.ListOffsetsRequest)
			answer := asked.ResponseKind().(*kmsg.ListOffsetsResponse)
			answer.Topics = []kmsg.ListOffsetsResponseTopic{{Topic: topic, Partitions: []kmsg.ListOffsetsResponseTopicPartition{{Timestamp: -1, LeaderEpoch: -1}}}}
			if asked.Topics[0].Partitions[0].Timestamp == -1 {
				answer.Topics[0].Partitions[0].Offset = 5
			}
			return answer, nil, true
		})
		f := b.follow(b.source(JSON), nil)
		if g := f.next(); g.caughtUp || len(g.rows) != 1 {
			t.Errorf("%+v", g)
		}
		begin := time.Now()
		if g := f.next(); !g.caughtUp || g.records != 0 || time.Since(begin) < (stillLooks-1)*defaultLook {
			t.Errorf("%+v after %v", g, time.Since(begin))
		}
		b.put(0, `{"i":1}`)
		if g := f.next(); !g.caughtUp || fmt.Sprint(g) != "c 1" {
			t.Errorf("%+v", g)
		}
	})
}

func ptr(s string) *string { return &s }

// What was applied is committed to the group for others to see, in the background and when the feed is closed.
func TestGroupSeesWhatWasApplied(t *testing.T) {
	for _, group := range []string{"mine", ""} {
		inBubble(t, func(t *testing.T, b *broker) {
			committed := func(group string) int64 {
				o, err := b.admin.FetchOffsets(t.Context(), group)
				if err != nil {
					return -1
				}
				at, ok := o.Lookup(topic, 0)
				if !ok {
					return -1
				}
				return at.At
			}
			b.put(0, `{"i":0}`, `{"i":1}`, `{"i":2}`)
			s := b.source(JSON)
			if group != "" {
				s = b.source(JSON, "kafka_consumer_group_id", group)
			}
			f := b.follow(s, nil)
			_, batches := f.all()
			p, err := parsePosition(batches[0].after(2))
			if err != nil || group != "" && p.Group != group || !strings.HasPrefix(p.Group, "spice.ai-t-") && group == "" {
				t.Fatalf("group %q: %+v, %v", group, p, err)
			}
			if at := committed(p.Group); at != -1 {
				t.Errorf("at %d before anything was applied", at)
			}
			f.Applied(batches[0].after(2))
			<-time.After(2 * defaultLook)
			synctest.Wait()
			if at := committed(p.Group); at != 2 {
				t.Errorf("at %d", at)
			}
			f.Applied(batches[0].after(3))
			f.close()
			if at := committed(p.Group); at != 3 {
				t.Errorf("at %d when closed", at)
			}
			f = b.follow(s, batches[0].after(3))
			g := f.next()
			again, err := parsePosition(g.after(0))
			if err != nil || again.Group != p.Group {
				t.Errorf("group %q, begun anew %+v, %v", p.Group, again, err)
			}
			f.close()
		})
	}
}
