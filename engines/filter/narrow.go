package filter

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
)

// Narrow writes the part of a condition whose leaves a database evaluates as this package does, "" for
// nothing. It is for readers whose callers apply the whole condition again: one that does not go with the
// types narrows nothing.
func Narrow(s *arrow.Schema, where engines.Predicate, can func(leaf Node) bool, d Dialect) string {
	p := &Plan{}
	if err := p.divide(s, where, never, can, nil); err != nil || p.Push == nil {
		return ""
	}
	return SQL(p.Push, d)
}

// never stands for the evaluation of conditions that the database does not get.
func never(context.Context, string, arrow.RecordBatch) (arrow.Array, error) {
	return nil, errors.New("not evaluated here")
}
