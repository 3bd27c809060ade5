package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/runtime/source"
)

// Target is where changes go.
type Target struct {
	Engine engines.Engine
	// Keys are those of the spicepod. A primary key of it takes the place of the one that changes tell.
	Keys engines.Keys
	// Append has all rows added as on_conflict says: the stream has no keys, and nothing ever goes.
	Append bool
	// Columns returns the columns to have after rows of a schema came to those recorded, and whether they differ; nil
	// when they may not come, with the reason. recorded is nil while nothing was written.
	Columns func(recorded, next *arrow.Schema) (to *arrow.Schema, changed bool, err error)
	// State is what the engine keeps with the rows of a position.
	State func(s State) ([]byte, error)
}

// State is what is kept with rows.
type State struct {
	// Position is the place in the stream that the rows are as of.
	Position source.Position `json:"position"`
	// Keys is the primary key that the stream told.
	Keys []string `json:"keys,omitempty"`
	// Loaded is true once everything was applied that was there when the stream was first followed.
	Loaded bool `json:"loaded,omitempty"`
	// Anew is true from the decision to begin anew until the first commit of that: what is there is of another stream.
	Anew bool `json:"-"`
}

// applier applies changes to a target.
type applier struct {
	to    Target
	state State
	// tried is what a commit keeps with its rows, next the state after the last one that failed.
	tried []byte
	next  State
	// keyed is the key that the engine was told.
	keyed []string
	// schema is that of the rows after the last commit; nil while there are none.
	schema *arrow.Schema
}

// setKeys tells the engine the primary key of the stream. A column that may be NULL can't be in a primary key: then the
// key is an index that is not unique.
func (a *applier) setKeys(schema *arrow.Schema) {
	if a.to.Append || len(a.to.Keys.Primary) > 0 || slices.Equal(a.keyed, a.state.Keys) {
		return
	}
	a.keyed = a.state.Keys
	k := a.to.Keys
	nullable := slices.ContainsFunc(a.keyed, func(name string) bool {
		f, ok := schema.FieldsByName(name)
		return !ok || f[0].Nullable
	})
	switch {
	case len(a.keyed) == 0:
	case nullable:
		k.Plain = append(slices.Clip(k.Plain), a.keyed)
	default:
		k.Primary = a.keyed
		if k.Conflict == engines.ConflictReject {
			k.Conflict, k.Target = engines.ConflictUpsert, a.keyed
		}
	}
	if r, ok := a.to.Engine.(engines.Rekeyer); ok {
		r.SetKeys(k)
	}
}

// key is what tells rows apart.
func (a *applier) key() []string {
	if len(a.to.Keys.Primary) > 0 {
		return a.to.Keys.Primary
	}
	return a.state.Keys
}

// apply commits changes of one schema, with the position after them. After an error nothing is changed.
func (a *applier) apply(ctx context.Context, cs []*source.Changes, after source.Position, loaded bool) (engines.Stats, error) {
	next := a.state
	next.Position, next.Loaded, next.Anew = after, next.Loaded || loaded, false
	for _, c := range cs {
		if len(c.Keys) > 0 {
			next.Keys = c.Keys
		}
	}
	info, err := a.to.Engine.Info(ctx)
	if err != nil {
		return engines.Stats{}, err
	}
	var schema *arrow.Schema
	for _, c := range cs {
		if c.Rows != nil {
			schema = c.Rows.Schema()
		}
	}
	if schema == nil && info.Schema == nil { // there is nothing yet that the position could be kept with
		a.state = next
		return engines.Stats{}, nil
	}
	w := engines.Write{Mode: engines.Append, At: time.Now().UTC().Truncate(time.Millisecond)}
	if w.State, err = a.to.State(next); err != nil {
		return engines.Stats{}, err
	}
	before := a.state
	a.state, a.tried = next, w.State
	stats, err := a.write(ctx, cs, schema, info.Schema, before.Anew, w)
	if err != nil {
		a.state, a.next = before, next
	}
	return stats, err
}

// committed tells whether the commit that was tried last went well though it failed, such as one whose answer was lost: then
// the engine has its state.
func (a *applier) committed(ctx context.Context) (stats engines.Stats, done bool, err error) {
	cp, err := a.to.Engine.Checkpoint(ctx)
	if err != nil || cp == nil || !bytes.Equal(cp.State, a.tried) {
		return stats, false, err
	}
	info, err := a.to.Engine.Info(ctx)
	if err != nil {
		return stats, false, err
	}
	a.state, a.schema = a.next, info.Schema
	return engines.Stats{Rows: info.Rows, Bytes: info.Bytes}, true, nil
}

func (a *applier) write(ctx context.Context, cs []*source.Changes, schema, recorded *arrow.Schema, anew bool, w engines.Write) (stats engines.Stats, err error) {
	f := &folded{}
	if schema != nil {
		schema = engines.Recorded(schema)
		if anew { // other columns may come with another stream
			recorded = nil
		}
		to, changed, err := a.to.Columns(recorded, schema)
		if err != nil {
			return stats, err
		}
		if recorded != nil {
			if w.Schema = to; !changed {
				w.Schema = recorded
			}
		}
		if err := a.to.Engine.Supports(to); err != nil {
			return stats, err
		}
		a.setKeys(to)
		if cs, err = recordedAs(ctx, cs, schema); err != nil {
			return stats, err
		}
		defer func() {
			for _, c := range cs {
				c.Release()
			}
		}()
		if f, err = fold(cs, a.key()); err != nil {
			return stats, err
		}
		defer f.release()
	} else {
		schema = recorded
	}
	if w.Remove, w.Keyed = f.remove, f.keyed; a.to.Append {
		w.Remove, w.Keyed = nil, false
	}
	if anew {
		w.Mode, w.Remove, w.Keyed, w.Schema = engines.Replace, nil, false, nil
	}
	if len(f.rows) > 0 { // they may be NULL where they must not be recorded as NULL, which the engine looks at
		schema = f.rows[0].Schema()
	}
	r, err := array.NewRecordReader(schema, f.rows)
	if err != nil {
		return stats, err
	}
	defer r.Release()
	w.Rows = r
	if stats, err = a.to.Engine.Write(ctx, w); err == nil {
		if a.schema = w.Schema; a.schema == nil {
			a.schema = engines.Recorded(schema)
		}
	}
	return stats, err
}

// recordedAs returns changes whose rows have the types that engines record. The caller releases them.
func recordedAs(ctx context.Context, cs []*source.Changes, schema *arrow.Schema) ([]*source.Changes, error) {
	out := make([]*source.Changes, 0, len(cs))
	for _, c := range cs {
		if c.Rows == nil {
			continue
		}
		same := *c
		if schema.Equal(c.Rows.Schema()) {
			same.Rows.Retain()
			out = append(out, &same)
			continue
		}
		r, err := array.NewRecordReader(c.Rows.Schema(), []arrow.RecordBatch{c.Rows})
		if err != nil {
			return out, err
		}
		in := convert.NewIngest(ctx, r, nullable(schema), 0)
		if in.Next() {
			same.Rows = in.RecordBatch()
			same.Rows.Retain()
			out = append(out, &same)
		}
		err = in.Err()
		in.Release()
		r.Release()
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// nullable is a schema whose columns may all be NULL: those of rows that go are.
func nullable(s *arrow.Schema) *arrow.Schema {
	fields := s.Fields()
	for i := range fields {
		fields[i].Nullable = true
	}
	return arrow.NewSchema(fields, nil)
}

// lasting tells whether an error stays when the same changes are applied again: some record of them is to blame, or the
// settings are.
func lasting(err error) bool {
	switch engines.KindOf(err) {
	case engines.Schema, engines.Invalid, engines.Constraint:
		return true
	default:
		var e *engines.Error
		return !errors.As(err, &e) && !errors.Is(err, context.Canceled)
	}
}

// part is the changes of the records from to upto, whose rows the caller releases.
func part(c *source.Changes, from, upto int) *source.Changes {
	first, n := 0, 0
	for i, r := range c.Records[:upto] {
		if i < from {
			first += r.Rows
		} else {
			n += r.Rows
		}
	}
	p := &source.Changes{Keys: c.Keys, Records: c.Records[from:upto], Ops: c.Ops[first : first+n],
		After: func(k int) source.Position { return c.After(from + k) }}
	if c.Rows != nil {
		p.Rows = c.Rows.NewSlice(int64(first), int64(first+n))
	}
	return p
}

// placed is an error about one record of changes, that can't be applied.
func placed(c *source.Changes, err error) *source.RecordError {
	r := c.Records[0]
	hint := ""
	if e := (*engines.Error)(nil); errors.As(err, &e) {
		hint = e.Hint
	}
	return &source.RecordError{Record: r, Place: fmt.Sprintf("partition %d, offset %d", r.Partition, r.Offset), After: c.After(1), Err: err, Hint: hint}
}
