package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/twmb/franz-go/pkg/kgo"

	"pitwall/runtime/source"
	"pitwall/runtime/source/debezium"
)

// decoder makes batches of messages.
type decoder struct {
	format  Format
	infer   int
	event   func(ctx context.Context, key, value []byte) (debezium.Event, error)
	objects debezium.Objects
	typ     *debezium.Type // of the last rows; nil when it is not known
	guessed *debezium.Type // what rows without a schema are read as first
	spare   *debezium.Rows // of the last batch
	hangUp  func()
}

// open makes a decoder of messages that follow a position; nil is none.
func (d *decoder) open(s *Source, at *position) error {
	d.format, d.infer, d.hangUp = s.format, s.settings.infer, func() {}
	var known *arrow.Schema
	if at != nil {
		var err error
		if known, err = at.columns(); err != nil {
			return fmt.Errorf("the schema that is kept with the rows can't be read: %w", err)
		}
	}
	d.guessed = debezium.Guessed(known, s.settings.flatten)
	if known != nil {
		d.typ = d.guessed
	}
	if s.settings.registry == nil {
		r := debezium.NewReader()
		d.event = func(_ context.Context, key, value []byte) (debezium.Event, error) { return r.Event(key, value) }
		return nil
	}
	registry, err := newRegistry(*s.settings.registry, &s.settings)
	if err != nil {
		return err
	}
	d.event, d.hangUp = debezium.NewAvroReader(registry).Event, registry.http.CloseIdleConnections
	return nil
}

func (d *decoder) close() {
	d.hangUp()
	if d.spare != nil {
		d.spare.Release()
	}
}

// take returns empty rows of a type.
func (d *decoder) take(t *debezium.Type) *debezium.Rows {
	r := d.spare
	d.spare = nil
	if r != nil && (r.Type() == t || r.Type().Schema.Equal(t.Schema)) {
		r.SetType(t)
		return r
	}
	if r != nil {
		r.Release()
	}
	return debezium.NewRows(t)
}

// schema is that of the last rows, nil when it is not known.
func (d *decoder) schema() *arrow.Schema {
	if d.typ == nil {
		return nil
	}
	return d.typ.Schema
}

// batch is what becomes source.Changes.
type batch struct {
	ops     []source.Op
	rows    arrow.RecordBatch
	records []source.Record
	at      []int // the message that each of records is
	state   position
	ended   int // the first of records with which the connector's snapshot is over; -1 for none

	typ  *debezium.Type
	into *debezium.Rows // nil before the first row
}

// errNext says that a message begins another batch, since it has another schema or other keys.
var errNext = errors.New("another batch begins")

// batch makes a batch of the first messages, and tells how many these are. An error is about the first message.
func (d *decoder) batch(ctx context.Context, state position, raw []*kgo.Record) (*batch, int, error) {
	b := &batch{state: state, ended: -1, typ: d.typ, records: make([]source.Record, 0, len(raw)), at: make([]int, 0, len(raw)),
		ops: make([]source.Op, 0, len(raw))}
	b.learn(ctx, d, raw)
	for i, r := range raw {
		err := d.add(ctx, b, i, r)
		if err == nil {
			continue
		}
		whole := errors.Is(err, errNext)
		if i == 0 || !whole {
			b.drop()
		}
		switch {
		case i == 0:
			return nil, 0, err
		case whole:
			return d.finish(b), i, nil
		default: // what was begun of the message can't be taken out again: this goes well, as it did
			return d.batch(ctx, state, raw[:i])
		}
	}
	return d.finish(b), len(raw), nil
}

// learn finds the first schema of messages without one. Of objects these are as many as shall tell it, or more when they
// have no value; of events all of the first batch: one that leaves a column NULL is no reason to take it for new later.
func (b *batch) learn(ctx context.Context, d *decoder, raw []*kgo.Record) {
	if b.typ != nil {
		return
	}
	typ, keys := d.guessed, []string(nil)
	for i, r := range raw {
		if d.format == JSON && i >= d.infer && len(typ.Schema.Fields()) > 0 {
			break
		}
		var e debezium.Event
		err := d.read(ctx, r, &e)
		if err != nil || e.Type != nil {
			break // it is told when it is its turn
		}
		if e.Tombstone || e.Op == debezium.Delete || e.Row.None() {
			continue // a delete may have the key only
		}
		wider, err := typ.Widen(e.Row)
		if err != nil {
			break
		}
		typ, keys = wider, e.Keys
	}
	if len(typ.Schema.Fields()) > 0 {
		b.typ = typ.Required(keys)
	}
}

func (b *batch) drop() {
	if b.into != nil {
		b.into.Release()
		b.into = nil
	}
}

// finish makes the rows of a batch.
func (d *decoder) finish(b *batch) *batch {
	if b.typ != nil && len(b.typ.Schema.Fields()) > 0 {
		d.typ = b.typ
	}
	if b.into != nil && b.into.Len() > 0 {
		b.rows = b.into.Batch()
	}
	if b.into != nil {
		d.spare, b.into = b.into, nil
	}
	return b
}

// add adds a message.
func (d *decoder) add(ctx context.Context, b *batch, i int, r *kgo.Record) error {
	if r.Attrs.IsControl() {
		return nil
	}
	rec := record(r)
	var e debezium.Event
	err := d.read(ctx, r, &e)
	if err != nil {
		return err
	}
	if !e.At.IsZero() {
		rec.At = e.At
	}
	if !e.Tombstone && e.Op != debezium.Message {
		if rec.Rows, err = d.rows(b, &e); err != nil {
			return err
		}
		if d.format == Debezium && !e.Snapshot && !b.state.SnapshotEnded {
			b.state.SnapshotEnded, b.ended = true, len(b.records)
		}
	}
	b.records, b.at = append(b.records, rec), append(b.at, i)
	return nil
}

// read reads what a message says.
func (d *decoder) read(ctx context.Context, r *kgo.Record, e *debezium.Event) (err error) {
	switch {
	case r.Attrs.IsControl():
		e.Tombstone = true
	case d.format == Debezium:
		*e, err = d.event(ctx, r.Key, r.Value)
	case empty(r.Value):
		e.Tombstone = true
	default:
		e.Op = debezium.Create
		e.Row, err = d.objects.Row(r.Value)
	}
	return err
}

func empty(value []byte) bool {
	value = bytes.TrimSpace(value)
	return len(value) == 0 || string(value) == "null"
}

// rows adds the rows of an event, and tells how many.
func (d *decoder) rows(b *batch, e *debezium.Event) (int, error) {
	has := b.into != nil && b.into.Len() > 0
	if e.Op != debezium.Truncate && !slices.Equal(e.Keys, b.state.Keys) {
		if has {
			return 0, errNext
		}
		b.state.Keys = e.Keys
	}
	switch {
	case e.Type != nil && e.Type != b.typ:
		if b.typ == nil || !b.typ.Schema.Equal(e.Type.Schema) {
			if has {
				return 0, errNext
			}
			b.drop()
		}
		if b.typ = e.Type; b.into != nil {
			b.into.SetType(b.typ)
		}
	case e.Type == nil && (b.typ == nil || !b.typ.Guessed() && e.Op != debezium.Truncate):
		if has {
			return 0, errNext
		}
		b.drop()
		if b.typ == nil {
			b.typ = d.guessed
		} else {
			b.typ = debezium.Guessed(b.typ.Schema, false)
		}
	}
	if (e.Op == debezium.Truncate || e.Op == debezium.Delete) && len(b.typ.Schema.Fields()) == 0 {
		return 0, nil // no row was ever seen that could go; what a delete tells may be its key alone
	}
	if b.into == nil {
		b.into = d.take(b.typ)
	}
	n := len(b.ops)
	err := b.append(e)
	if errors.Is(err, debezium.ErrWider) && !has {
		// Nothing is in the rows that has the narrower type.
		b.drop()
		if b.ops, err = b.ops[:n], b.widen(e); err == nil {
			b.into = d.take(b.typ)
			err = b.append(e)
		}
		if errors.Is(err, debezium.ErrWider) {
			err = fmt.Errorf("%w: the row does not have the columns of its key, %s", debezium.ErrEvent, strings.Join(e.Keys, ", "))
		}
	}
	if err == nil && len(b.typ.Schema.Fields()) == 0 {
		err = fmt.Errorf("%w: no member of it has a value, and neither had one before: there is no column yet", debezium.ErrEvent)
	}
	return len(b.ops) - n, err
}

// widen makes the type wide enough for an event. The key of the first is never NULL, as far as is known.
func (b *batch) widen(e *debezium.Event) (err error) {
	if len(b.typ.Schema.Fields()) == 0 {
		defer func() {
			if err == nil {
				b.typ = b.typ.Required(e.Keys)
			}
		}()
	}
	for _, row := range []debezium.Row{e.Row, e.Before} {
		if !row.None() && err == nil {
			b.typ, err = b.typ.Widen(row)
		}
	}
	return err
}

// append appends the rows of an event.
func (b *batch) append(e *debezium.Event) error {
	for _, key := range b.state.Keys {
		if !b.typ.Has(key) && e.Op != debezium.Truncate {
			if b.typ.Guessed() {
				return debezium.ErrWider
			}
			return fmt.Errorf("%w: the key has the column %q, which rows do not have", debezium.ErrEvent, key)
		}
	}
	keyed := len(e.Keys) > 0
	one := func(op source.Op, row debezium.Row, partial bool) error {
		b.ops = append(b.ops, op)
		return b.into.Append(row, partial)
	}
	switch e.Op {
	case debezium.Truncate:
		b.ops = append(b.ops, source.Truncate)
		b.into.AppendNull()
		return nil
	case debezium.Delete:
		return one(source.Delete, e.Row, keyed)
	case debezium.Update:
		if keyed {
			return one(source.Update, e.Row, false)
		}
		if e.Before.None() {
			return errors.New("the update of a table without a primary key does not tell the row as it was: set REPLICA IDENTITY FULL on the table, or give it a primary key")
		}
		if err := one(source.Delete, e.Before, false); err != nil {
			return err
		}
		return one(source.Create, e.Row, false)
	default:
		return one(source.Op(e.Op), e.Row, false)
	}
}
