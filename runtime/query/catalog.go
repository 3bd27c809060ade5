// Package query runs SQL that reads from datasets (spec data-refresh 4.1 and 4.2). Statements have
// PostgreSQL's syntax and DuckDB's functions. A query over one dataset in DuckDB runs there; any other
// reads what it needs of each dataset, with columns, conditions and limits pushed down, into a DuckDB in
// memory that can reach nothing else.
//
// Nothing but SELECT is run: what may be named are the datasets, and functions that make rows of their
// arguments. The package starts no goroutines.
package query

import (
	"context"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/runtime/api"
)

// Catalog knows the datasets.
type Catalog interface {
	// Table returns a dataset by its name, table or schema.table; nil when there is none.
	Table(name string) Table
	// Names are all names, for errors and SHOW TABLES.
	Names() []string
}

// Table is one dataset as queries see it. Errors are *api.QueryError, or those of engines and sources.
type Table interface {
	// Schema returns the columns that Scan can deliver.
	Schema(ctx context.Context) (*arrow.Schema, error)
	// Scan returns rows; it decides whether the acceleration or the source answers.
	Scan(ctx context.Context, s Scan) (array.RecordReader, error)
	// Native returns the engine that can run SQL over the dataset itself; nil when Scan has to be asked.
	Native() engines.Selector
}

// Server is a Table that knows what answers for it.
type Server interface{ Served() api.Served }

// Scan is what a query needs of one dataset.
type Scan struct {
	// Columns to read, in this order; never empty.
	Columns []string
	// Where and Rest are conditions that every row must fulfil; Rest has PostgreSQL's syntax.
	Where engines.Predicate
	Rest  string
	// Limit is the highest number of rows needed; 0 means all.
	Limit int64
	// Now is what now() means.
	Now time.Time
}
