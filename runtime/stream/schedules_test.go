package stream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"pitwall/engines"
	"pitwall/engines/arrowmem"
	"pitwall/engines/sqlite"
	"pitwall/runtime/source"
	"pitwall/runtime/source/kafka"
	"pitwall/runtime/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// schedulesEnv is how many schedules of faults run; seedEnv replays one.
const (
	schedulesEnv = "PITWALL_STREAM_SCHEDULES"
	seedEnv      = "PITWALL_STREAM_SEED"
)

// faulty is an engine whose writes fail at times: before they are committed, or after, when only the answer is lost.
type faulty struct {
	engines.Engine
	rng *rand.Rand
}

func (f *faulty) Write(ctx context.Context, w engines.Write) (engines.Stats, error) {
	lost := &engines.Error{Op: "write", Kind: engines.Internal, Err: errors.New("the connection broke")}
	switch f.rng.IntN(6) {
	case 0:
		return engines.Stats{}, lost
	case 1:
		if _, err := f.Engine.Write(ctx, w); err != nil {
			return engines.Stats{}, err
		}
		return engines.Stats{}, lost
	}
	return f.Engine.Write(ctx, w)
}

func (f *faulty) SetKeys(k engines.Keys) { f.Engine.(engines.Rekeyer).SetKeys(k) }

// TestSchedules applies streams under faults, each from a seed (figure R15): connections that break at any request, commits
// that fail or whose answer is lost, restarts at any moment, events that are delivered twice, records that can't be read. In
// the end the rows are what the changes come to in the order of each key: none is lost, none counts twice.
func TestSchedules(t *testing.T) {
	n := 40
	if text := os.Getenv(schedulesEnv); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	first := rand.Uint64()
	if text := os.Getenv(seedEnv); text != "" {
		var err error
		if first, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
		n = 1
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	var breaks atomic.Bool
	var faults atomic.Uint64
	cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if breaks.Load() && faults.Add(0x9e3779b97f4a7c15)>>61 == 0 { // one of eight, not in step with anything
			return nil, errors.New("the connection breaks"), true
		}
		return nil, nil, false
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DisableClientMetrics(),
		kgo.ProducerLinger(0))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	breaks.Store(true)
	for i := range n {
		seed := first + uint64(i)
		s := schedule{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 15)), cluster: cluster, client: client, topic: fmt.Sprint("topic-", seed)}
		s.run()
		if t.Failed() {
			t.Fatalf("replay with %s=%d", seedEnv, seed)
		}
	}
	t.Logf("%d schedules from seed %d", n, first)
}

type schedule struct {
	t       *testing.T
	seed    uint64
	rng     *rand.Rand
	cluster *kfake.Cluster
	client  *kgo.Client
	topic   string

	plain      bool // rows are appended, and have no key
	partitions int32
	rows       map[string]string // what is there: by key, or the number of equal rows
	sent       []*kgo.Record
	poison     int
	next       int
	engine     engines.Engine
	dir        string
	skipped    int
}

func (s *schedule) run() {
	s.plain, s.partitions = s.rng.IntN(3) == 0, int32(1+s.rng.IntN(3))
	s.rows = map[string]string{}
	if err := s.cluster.CreateTopic(s.topic, s.partitions, nil); err != nil {
		s.t.Fatal(err)
	}
	if s.rng.IntN(2) == 0 {
		s.dir = s.t.TempDir()
	}
	s.open()
	defer func() {
		if err := s.engine.Close(); err != nil {
			s.t.Error(err)
		}
	}()
	var state stream.State
	rounds := 1 + s.rng.IntN(4)
	for range rounds {
		s.send(1 + s.rng.IntN(30))
		state = s.follow(state, time.Duration(s.rng.IntN(12))*time.Millisecond)
	}
	s.send(1)
	s.follow(state, 0)
	s.compare()
}

func (s *schedule) open() {
	o := engines.Options{Dataset: "t"}
	var opener engines.Opener = arrowmem.Opener{}
	if s.dir != "" {
		opener, o.Path = sqlite.Opener{}, s.dir+"/t.sqlite"
	}
	e, err := opener.Open(s.t.Context(), o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.engine = e
}

// send writes events to the topic, and keeps what they come to. Events of a key go to one partition.
func (s *schedule) send(n int) {
	var batch []*kgo.Record
	for range n {
		s.next++
		id := s.rng.IntN(12)
		r := &kgo.Record{Topic: s.topic, Partition: int32(id) % s.partitions}
		switch {
		case s.rng.IntN(40) == 0:
			r.Value = []byte(`{"broken`)
			s.poison++
		case s.plain:
			r.Value = []byte(fmt.Sprintf(`{"id":%d,"v":"row %d"}`, id, s.next%7))
		case len(s.sent) > 0 && s.rng.IntN(10) == 0: // delivered twice, with all that came after it, as after a crash of the sender
			for _, old := range s.sent[max(0, len(s.sent)-1-s.rng.IntN(5)):] {
				batch = append(batch, &kgo.Record{Topic: s.topic, Partition: old.Partition, Key: old.Key, Value: old.Value})
			}
			continue
		default:
			op := []string{"c", "u", "u", "r", "d"}[s.rng.IntN(5)]
			r.Key = []byte(fmt.Sprintf(`{"id":%d}`, id))
			r.Value, _ = json.Marshal(map[string]any{"op": op, "before": map[string]any{"id": id}, "after": map[string]any{"id": id, "v": fmt.Sprint("value ", s.next)}})
			if s.rng.IntN(12) == 0 {
				r.Value = nil // a tombstone
			}
			s.sent = append(s.sent, r)
		}
		batch = append(batch, r)
	}
	for _, r := range batch {
		s.count(r)
	}
	if err := s.client.ProduceSync(s.t.Context(), batch...).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// count has an event take effect in what is expected.
func (s *schedule) count(r *kgo.Record) {
	var e struct {
		Op     string
		ID     int
		V      string
		Before struct{ ID int }
		After  struct {
			ID int
			V  string
		}
	}
	if r.Value == nil || json.Unmarshal(r.Value, &e) != nil {
		return
	}
	switch {
	case s.plain:
		k := fmt.Sprint(e.ID, " ", e.V)
		n, _ := strconv.Atoi(s.rows[k])
		s.rows[k] = strconv.Itoa(n + 1)
	case e.Op == "d":
		delete(s.rows, fmt.Sprint(e.Before.ID))
	default:
		s.rows[fmt.Sprint(e.After.ID)] = e.After.V
	}
}

// follow follows the stream for a while, or until everything is applied, and returns what the engine has kept.
func (s *schedule) follow(state stream.State, d time.Duration) stream.State {
	format := kafka.Debezium
	if s.plain {
		format = kafka.JSON
	}
	src, err := kafka.New(kafka.Options{Topic: s.topic, Dataset: "t", Format: format, Params: map[string]string{
		"kafka_bootstrap_servers": strings.Join(s.cluster.ListenAddrs(), ","), "kafka_security_protocol": "PLAINTEXT",
		"batch_max_size": fmt.Sprint(1 + s.rng.IntN(20)), "batch_max_duration": "1ms"}})
	if err != nil {
		s.t.Fatal(err)
	}
	for {
		ctx, cancel := context.WithCancel(s.t.Context())
		var r *stream.Runner
		news := make(chan struct{}, 1)
		target := s.target()
		r = stream.New(stream.Options{Source: src, Target: target, From: state, Backoff: func(int) time.Duration { return time.Millisecond },
			Tell: func() {
				select {
				case news <- struct{}{}:
				default:
				}
			}})
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		err := s.wait(r, news, done, d)
		cancel()
		if err == nil {
			err = <-done
		}
		state = s.kept()
		var record *source.RecordError
		switch {
		case errors.Is(err, context.Canceled):
			s.reopen()
			return state
		case errors.As(err, &record):
			if state, err = stream.Skip(s.t.Context(), s.plainTarget(), state, record.After); err != nil {
				s.t.Fatal(err)
			}
			s.skipped++
		default:
			s.t.Fatalf("seed %d: %v", s.seed, err)
		}
	}
}

// wait waits for d or, when it is 0, until everything is applied.
func (s *schedule) wait(r *stream.Runner, news <-chan struct{}, done <-chan error, d time.Duration) error {
	var over <-chan time.Time
	if d > 0 {
		over = time.After(d)
	}
	patience := time.After(20 * time.Second)
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-over:
			return nil
		case <-patience:
			s.t.Fatalf("seed %d: everything is not applied: %+v", s.seed, r.Progress())
		case <-news:
		case <-look.C:
		}
		if p := r.Progress(); d == 0 && (p.Phase == stream.Following || p.Phase == stream.Loading) && s.allApplied(p) {
			return nil
		}
	}
}

// allApplied compares with what the topic has.
func (s *schedule) allApplied(p stream.Progress) bool {
	total := int64(0)
	for _, x := range p.Partitions {
		total += x.Next
	}
	return total == s.length()
}

func (s *schedule) length() (n int64) {
	for p := range s.partitions {
		if info := s.cluster.PartitionInfo(s.topic, p); info != nil {
			n += info.HighWatermark
		}
	}
	return n
}

func (s *schedule) target() stream.Target {
	t := s.plainTarget()
	t.Engine = &faulty{s.engine, rand.New(rand.NewPCG(s.rng.Uint64(), 1))}
	return t
}

func (s *schedule) plainTarget() stream.Target {
	return stream.Target{Engine: s.engine, Append: s.plain,
		Columns: func(recorded, next *arrow.Schema) (*arrow.Schema, bool, error) {
			if recorded == nil || recorded.NumFields() >= next.NumFields() {
				return next, false, nil
			}
			return next, true, nil
		},
		State: func(x stream.State) ([]byte, error) { return json.Marshal(x) }}
}

// kept is the state that the engine has.
func (s *schedule) kept() (state stream.State) {
	cp, err := s.engine.Checkpoint(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if cp != nil {
		if err := json.Unmarshal(cp.State, &state); err != nil {
			s.t.Fatal(err)
		}
	}
	return state
}

// reopen opens a file again, as a process that starts.
func (s *schedule) reopen() {
	if s.dir == "" {
		return
	}
	if err := s.engine.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.open()
}

func (s *schedule) compare() {
	have := map[string]string{}
	r, err := s.engine.Query(s.t.Context(), engines.Scan{})
	if err != nil {
		if engines.KindOf(err) == engines.NotFound && len(s.rows) == 0 {
			return
		}
		s.t.Fatal(err)
	}
	defer r.Release()
	for r.Next() {
		b := r.RecordBatch()
		for row := range int(b.NumRows()) {
			id, v := b.Column(0).ValueStr(row), ""
			if b.NumCols() > 1 {
				v = b.Column(1).ValueStr(row)
			}
			if s.plain {
				n, _ := strconv.Atoi(have[id+" "+v])
				have[id+" "+v] = strconv.Itoa(n + 1)
			} else if have[id] != "" {
				s.t.Errorf("key %s is there twice", id)
			} else {
				have[id] = v
			}
		}
	}
	if err := r.Err(); err != nil {
		s.t.Fatal(err)
	}
	if !maps.Equal(have, s.rows) || s.skipped < s.poison {
		s.t.Errorf("seed %d, plain %t, %d partitions, %d poison, %d skipped\nhave %v\nwant %v", s.seed, s.plain, s.partitions, s.poison, s.skipped, lines(have), lines(s.rows))
	}
}

func lines(m map[string]string) []string {
	var out []string
	for k, v := range m {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}
