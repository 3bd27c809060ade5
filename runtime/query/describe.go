//go:build duckdb_arrow

package query

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// rowless is a dataset of which only the columns are asked for, see api.QueryOptions.Describe.
type rowless struct{ Table }

// Scan implements Table: there are no rows, and nothing is opened.
func (t rowless) Scan(ctx context.Context, s Scan) (array.RecordReader, error) {
	schema, err := t.Schema(ctx)
	if err != nil {
		return nil, err
	}
	fields := make([]arrow.Field, 0, len(s.Columns))
	for _, name := range s.Columns {
		found, _ := schema.FieldsByName(name)
		fields = append(fields, found[0])
	}
	return array.NewRecordReader(arrow.NewSchema(fields, nil), nil)
}

// empty makes of the SQL of this statement one with the same columns and no rows. Only a statement with a LIMIT of
// its own is put into another: columns with the same name would get new ones.
func (s *statement) empty(sql string) string {
	if s.root.LimitCount == nil && s.root.LimitOffset == nil {
		return sql + "\nLIMIT 0"
	}
	return "SELECT * FROM (" + sql + "\n) AS described LIMIT 0"
}
