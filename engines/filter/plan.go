package filter

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
)

// Plan divides a scan between a database and this package.
type Plan struct {
	// Read is what the database returns: the columns of the scan, and behind them those that the rest of
	// the condition needs.
	Read *arrow.Schema
	// Push is the part of the condition that the database evaluates, bound to the schema of the dataset;
	// nil when there is none.
	Push Node
	// Limit is the limit for the database, 0 for none.
	Limit int64

	schema *arrow.Schema // of the result
	picked []int         // its columns in Read
	left   Node          // bound to Read; nil when the database does all
	limit  int64
}

// NewPlan plans a scan; can says which leaves the database evaluates as this package does. Errors are
// those of BindSQL, and of Kind NotFound for an unknown column.
func NewPlan(s *arrow.Schema, scan engines.Scan, run Evaluate, can func(leaf Node) bool) (*Plan, error) {
	schema, at, err := engines.Project(s, scan.Columns)
	if err != nil {
		return nil, &engines.Error{Op: "filter", Kind: engines.NotFound, Err: err}
	}
	p := &Plan{schema: schema, limit: scan.Limit}
	if err := p.divide(s, scan.Where, run, can, at); err != nil {
		return nil, err
	}
	for i := range at {
		p.picked = append(p.picked, i)
	}
	if p.left == nil {
		p.Read, p.Limit = schema, scan.Limit
	}
	return p, nil
}

// RowID is the name of the column of row numbers that a database adds for Matching. No column of a
// dataset that is looked at here has it.
const RowID = " rowid"

// NewDelete plans the search for rows to delete. Unless the plan is Whole, the database returns the
// columns of Read, and the number of each row as an int64 in a column behind them.
func NewDelete(s *arrow.Schema, where engines.Predicate, run Evaluate, can func(leaf Node) bool) (*Plan, error) {
	p := &Plan{}
	if err := p.divide(s, where, run, can, nil); err != nil || p.left == nil {
		return p, err
	}
	p.picked = []int{p.Read.NumFields()}
	row := arrow.Field{Name: RowID, Type: arrow.PrimitiveTypes.Int64}
	p.schema = arrow.NewSchema([]arrow.Field{row}, nil)
	p.Read = arrow.NewSchema(append(p.Read.Fields(), row), nil)
	return p, nil
}

// divide finds the part of a condition for the database, and reads the columns at, and behind them those
// that the rest needs.
func (p *Plan) divide(s *arrow.Schema, where engines.Predicate, run Evaluate, can func(Node) bool, at []int) error {
	parts, ok := where.(engines.And)
	if !ok && where != nil {
		parts = engines.And{where}
	}
	var push And
	var left engines.And
	seen := map[int]bool{}
	for _, i := range at {
		seen[i] = true
	}
	for _, part := range parts {
		n, err := BindSQL(s, part, run)
		switch {
		case err != nil:
			return err
		case every(n, can):
			push = append(push, n)
			continue
		}
		left = append(left, part)
		for _, i := range Columns(n) {
			if !seen[i] {
				at, seen[i] = append(at, i), true
			}
		}
	}
	if push != nil {
		p.Push = push
	}
	if left == nil {
		return nil
	}
	fields := make([]arrow.Field, len(at))
	for i, c := range at {
		fields[i] = s.Field(c)
	}
	p.Read = arrow.NewSchema(fields, nil)
	var err error
	p.left, err = BindSQL(p.Read, left, run)
	return err
}

// Whole says that the database does all of the scan.
func (p *Plan) Whole() bool { return p.left == nil }

// Rows does what is left of the scan over what the database returns, whose reader it takes over; fail
// words errors.
func (p *Plan) Rows(ctx context.Context, src array.RecordReader, fail func(error) error) array.RecordReader {
	if p.left == nil {
		return src
	}
	return NewRows(ctx, src, p.left, p.schema, p.picked, p.limit, fail)
}

// Matching returns the row numbers of a plan of NewDelete. It does not take src over.
func (p *Plan) Matching(ctx context.Context, src array.RecordReader) ([]int64, error) {
	src.Retain()
	rows := NewRows(ctx, src, p.left, p.schema, p.picked, 0, func(err error) error { return err })
	defer rows.Release()
	var ids []int64
	for rows.Next() {
		ids = append(ids, rows.RecordBatch().Column(0).(*array.Int64).Int64Values()...)
	}
	return ids, rows.Err()
}
