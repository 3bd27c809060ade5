package kafka

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"pitwall/runtime/source"
)

// Connections that break at any request, brokers that go and come, restarts at any message and batches of any size: each change comes once, and
// those of a key in their order.
func TestFaultSchedules(t *testing.T) {
	schedules := 60
	if testing.Short() {
		schedules = 10
	}
	if n, err := strconv.Atoi(os.Getenv("PITWALL_STREAM_SCHEDULES")); err == nil {
		schedules = n
	}
	for seed := range schedules {
		enc := encodings()[seed%3]
		t.Run(fmt.Sprintf("%d %s", seed, enc.name), func(t *testing.T) {
			dir := t.TempDir()
			inBubble(t, func(t *testing.T, b *broker) {
				b.registry()
				faultSchedule(t, b, enc, dir, rand.New(rand.NewPCG(uint64(seed), 1)))
			}, kfake.DataDir(dir))
		})
	}
}

func faultSchedule(t *testing.T, b *broker, enc encoding, dir string, r *rand.Rand) {
	if answer, err := b.admin.CreatePartitions(t.Context(), 2, topic); err != nil || answer.Error() != nil {
		t.Fatal(err)
	}
	b.client.PurgeTopicsFromClient(topic)
	want, got := map[int][]string{}, map[int][]string{}
	made, applied := 0, 0
	var mu sync.Mutex
	broken := false
	set := func(to bool) {
		mu.Lock()
		defer mu.Unlock()
		broken = to
	}
	produce := func(n int) {
		set(false) // what is produced is no part of it
		defer set(true)
		for range n {
			id := r.IntN(6)
			name := fmt.Sprintf("v%d", made)
			made++
			want[id] = append(want[id], name)
			b.send(enc, int32(id%3), insert(id, name))
		}
	}
	produce(20)
	faults := rand.New(rand.NewPCG(r.Uint64(), 2))
	breaks := func(q kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		if !broken || faults.IntN(12) > 0 {
			return nil, nil, false
		}
		return nil, errors.New("the connection breaks"), true
	}
	b.cluster.Control(breaks)
	s := b.source(Debezium, append([]string{"batch_max_size", fmt.Sprint(1 + r.IntN(9)), "batch_max_duration", "100ms"}, enc.params...)...)
	var durable source.Position
	for begin := time.Now(); applied < made || made < 60; {
		if time.Since(begin) > time.Hour {
			t.Fatalf("%d of %d after an hour", applied, made)
		}
		f, err := s.Follow(t.Context(), durable)
		if err != nil {
			if source.KindOf(err) != source.Unavailable {
				t.Fatal(err)
			}
			continue
		}
		for range 1 + r.IntN(5) {
			if made < 60 {
				produce(r.IntN(6))
			}
			if applied == made {
				break
			}
			if r.IntN(8) == 0 {
				b.cluster.Close()
				<-time.After(time.Duration(r.IntN(10000)) * time.Millisecond)
				b.up(kfake.DataDir(dir))
				b.cluster.Control(breaks)
			}
			c, err := f.Next(t.Context())
			if err != nil {
				if source.KindOf(err) != source.Unavailable {
					t.Fatal(err)
				}
				continue
			}
			n := len(c.Records)
			crash := r.IntN(3) == 0
			if crash {
				n = r.IntN(n + 1)
			}
			rows := 0
			for _, rec := range c.Records[:n] {
				rows += rec.Rows
			}
			for i := range rows {
				var id int
				if _, err := fmt.Sscan(c.Rows.Column(0).ValueStr(i), &id); err != nil {
					t.Fatal(err)
				}
				got[id] = append(got[id], c.Rows.Column(1).ValueStr(i))
			}
			applied += rows
			durable = c.After(n)
			f.Applied(durable)
			c.Release()
			if crash {
				break
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	set(false)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
