package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"pitwall/engines/dbfile"
	"pitwall/runtime/api"
	"pitwall/runtime/source"
	"pitwall/runtime/stream"
)

// deadLetter is one line of a dead-letter file.
type deadLetter struct {
	At        time.Time `json:"at"`
	Place     string    `json:"place"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Error     string    `json:"error"`
	// Key and Value are the record, in base64; null where it has none.
	Key   []byte `json:"key"`
	Value []byte `json:"value"`
}

// skipped is the message of a record that was passed over.
type skipped struct {
	id    api.CommandID
	place string
	state stream.State
	err   error
}

// deadLetters is the file for records of the dataset that are passed over: a line of JSON for each.
func (a *actor) deadLetters() string {
	return filepath.Join(a.rt.o.DataDir, fileName(a.cfg().Name)+".dead-letters.jsonl")
}

// skipRecord passes over the record that stopped the stream: first it is written to the dead-letter file, then the
// position behind it is kept with the rows.
func (a *actor) skipRecord(id api.CommandID) {
	f := &a.stream
	var record *source.RecordError
	if !errors.As(f.stopped, &record) || f.busy() || a.replacing() || a.boot != nil || a.eng == nil {
		a.rt.finish(id, api.TaskFailed, "no record stopped a stream")
		return
	}
	f.skipping = true
	target, state, file := a.target(), a.streamState(), a.deadLetters()
	a.job(func() any {
		m := skipped{id: id, place: record.Place}
		if m.err = writeDeadLetter(file, record); m.err == nil {
			m.state, m.err = stream.Skip(a.ctx, target, state, record.After)
		}
		return m
	})
}

// writeDeadLetter appends a record, durably.
func writeDeadLetter(file string, r *source.RecordError) error {
	line, err := json.Marshal(deadLetter{At: time.Now().UTC(), Place: r.Place, Partition: r.Record.Partition, Offset: r.Record.Offset,
		Error: r.Err.Error(), Key: r.Record.Key, Value: r.Record.Value})
	if err != nil {
		return err
	}
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = out.Write(append(line, '\n'))
		if err == nil {
			err = out.Sync()
		}
		err = errors.Join(err, out.Close())
	}
	if err == nil {
		err = dbfile.Sync(filepath.Dir(file))
	}
	if err != nil {
		return fmt.Errorf("the record was not passed over, because it could not be kept: %w", err)
	}
	return nil
}

// recordSkipped goes on behind the record.
func (a *actor) recordSkipped(m skipped) {
	a.stream.skipping = false
	if m.err != nil {
		f := a.explain(m.err)
		a.emit(api.ErrorLevel, "stream", f.Message, hintField(f.Hint)...)
		a.rt.finish(m.id, api.TaskFailed, f.Message)
		a.streamFree()
		return
	}
	a.known.Stream = &m.state
	a.stream.anew = m.state.Anew
	a.stream.skipped++
	a.stream.letters = a.deadLetters()
	text := m.place + " was passed over; it is kept in " + a.stream.letters
	a.emit(api.Warn, "stream", text)
	a.rt.finish(m.id, api.TaskDone, text)
	a.stream.stopped = nil
	a.st.Err, a.st.Hint, a.st.FailingSince = "", "", time.Time{}
	a.streamFree()
}
