package runtime

import (
	"errors"
	"maps"
	"strings"
	"unicode/utf8"

	"pitwall/runtime/api"
	"pitwall/runtime/source"
	"pitwall/runtime/stream"
)

// describeStream puts how far the stream is into the state. The published one is never changed.
func (a *actor) describeStream(p stream.Progress) {
	if !a.streams() {
		a.st.Stream = nil
		return
	}
	f := &a.stream
	total := f.base
	if f.job != nil {
		total = sum(f.base, p)
	}
	s := &api.Stream{Source: a.cfg().From, Phase: api.StreamPhase(p.Phase), Loaded: p.State.Loaded, Behind: p.Behind, Took: total.Took, Retry: p.Next,
		Records: total.Records, Bytes: total.Bytes, Ignored: total.Ignored, Commits: total.Commits, Changed: total.Changed, Applied: total.Applied,
		Keys: p.State.Keys, Skipped: f.skipped, DeadLetters: f.letters, History: f.history[:len(f.history):len(f.history)],
		Ops: api.StreamOps{Reads: total.Ops[source.Read], Inserts: total.Ops[source.Create], Updates: total.Ops[source.Update],
			Deletes: total.Ops[source.Delete], Truncates: total.Ops[source.Truncate]}}
	for _, x := range p.Partitions {
		s.Partitions = append(s.Partitions, api.StreamPartition{ID: x.ID, Next: x.Next, End: x.End})
	}
	if was := a.st.Stream; was != nil && f.job == nil { // what is known stays in sight
		s.Partitions, s.Behind = was.Partitions, was.Behind
	}
	if total.Last != nil {
		s.Last = a.shownRecord(*total.Last)
	}
	if p.Err != nil {
		x := a.explain(p.Err)
		s.Err, s.Hint = x.Message, x.Hint
	}
	switch {
	case f.stopped != nil:
		s.Phase, s.Err, s.Hint = api.StreamStopped, a.st.Err, a.st.Hint
		s.Stopped = &api.StreamStop{Kind: "error", Since: f.since}
		var record *source.RecordError
		var gap *source.GapError
		if errors.As(f.stopped, &record) {
			s.Stopped.Kind, s.Stopped.Record = "record", a.shownRecord(record.Record)
		} else if errors.As(f.stopped, &gap) {
			s.Stopped.Kind = "gap"
		}
	case a.st.Held:
		s.Phase = api.StreamPaused
	case f.job == nil:
		s.Phase = api.StreamConnecting
	}
	a.st.Stream = s
}

// shownRecord is a record for people.
func (a *actor) shownRecord(r source.Record) *api.StreamRecord {
	return &api.StreamRecord{Partition: r.Partition, Offset: r.Offset, At: r.At, Key: a.shownBytes(r.Key), Value: a.shownBytes(r.Value),
		Size: int64(len(r.Key) + len(r.Value))}
}

func (a *actor) shownBytes(b []byte) string {
	if len(b) > api.StreamText {
		b = b[:api.StreamText]
		for len(b) > 0 && !utf8.RuneStart(b[len(b)-1]) {
			b = b[:len(b)-1]
		}
	}
	return a.rt.redact(strings.ToValidUTF8(string(b), "\uFFFD"))
}

// sum adds up what two jobs counted; the rest is that of the later one, as far as it has it.
func sum(a, b stream.Progress) stream.Progress {
	out := b
	out.Ops = maps.Clone(a.Ops)
	if out.Ops == nil {
		out.Ops = map[source.Op]int64{}
	}
	for op, n := range b.Ops {
		out.Ops[op] += n
	}
	out.Records, out.Bytes, out.Ignored, out.Commits, out.Batches = a.Records+b.Records, a.Bytes+b.Bytes, a.Ignored+b.Ignored, a.Commits+b.Commits, a.Batches+b.Batches
	if out.Last == nil {
		out.Last, out.Changed, out.Applied, out.Took = a.Last, a.Changed, a.Applied, a.Took
	}
	return out
}
