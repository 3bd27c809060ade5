//go:build duckdb_arrow

package shape

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"
)

// duck is a DuckDB in memory that can see nothing but the batches it is given.
type duck struct {
	connector *duckdb.Connector
	conn      driver.Conn
	arrow     *duckdb.Arrow
}

// duckSettings make DuckDB small, deterministic and blind; the last one makes the others final. The time
// zone is a setting of the ICU extension, which is linked in.
var duckSettings = []string{
	"SET threads = 1", "SET memory_limit = '512MB'", "SET temp_directory = ''",
	"SET TimeZone = 'UTC'", "SET Calendar = 'gregorian'", "SET integer_division = true",
	"SET autoinstall_known_extensions = false", "SET autoload_known_extensions = false", "SET allow_community_extensions = false",
	"SET enable_external_access = false", "SET lock_configuration = true",
}

func newDuck(ctx context.Context) (*duck, error) {
	connector, err := duckdb.NewConnector(":memory:", nil)
	if err != nil {
		return nil, err
	}
	d := &duck{connector: connector}
	if d.conn, err = connector.Connect(ctx); err == nil {
		d.arrow, err = duckdb.NewArrowFromConn(d.conn)
	}
	for i := 0; err == nil && i < len(duckSettings); i++ {
		err = d.exec(ctx, duckSettings[i])
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *duck) exec(ctx context.Context, query string) error {
	_, err := d.conn.(driver.ExecerContext).ExecContext(ctx, query, nil)
	return err
}

// close frees the memory; there is nothing that could be lost.
func (d *duck) close() {
	if d.conn != nil {
		_ = d.conn.Close()
	}
	_ = d.connector.Close()
}

// run returns the rows of a batch for which the one column of a query over its view is true. A condition
// without columns is asked of a range instead.
func (m *masker) run(ctx context.Context, query string, b arrow.RecordBatch) (rows []int64, err error) {
	if b.NumCols() == 0 {
		query = strings.Replace(query, " FROM "+view, fmt.Sprintf(" FROM range(%d)", b.NumRows()), 1)
		return m.query1(ctx, query)
	}
	r, err := array.NewRecordReader(b.Schema(), []arrow.RecordBatch{b})
	if err != nil {
		return nil, err
	}
	defer r.Release()
	release, err := m.duck.arrow.RegisterView(r, view)
	if err != nil {
		return nil, err
	}
	defer release()
	rows, err = m.query1(ctx, query)
	if drop := m.duck.exec(context.WithoutCancel(ctx), "DROP VIEW "+view); err == nil {
		err = drop
	}
	return rows, err
}

// query1 reads a query whose one column is boolean.
func (m *masker) query1(ctx context.Context, query string) ([]int64, error) {
	r, err := m.duck.arrow.QueryContext(ctx, query)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer r.Release()
	var rows []int64
	at := int64(0)
	for r.Next() {
		b := r.RecordBatch()
		if c, ok := b.Column(0).(*array.Boolean); ok {
			for i := range c.Len() {
				if c.IsValid(i) && c.Value(i) {
					rows = append(rows, at+int64(i))
				}
			}
		}
		at += b.NumRows()
	}
	return rows, cause(ctx, r.Err())
}

// cause prefers the context's error to the text of the interruption it led to.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

var (
	errorPrefix = regexp.MustCompile(`^[A-Z][A-Za-z ]* Error: `)
	aliasName   = regexp.MustCompile(`"?pitwall_c(\d+)_"?`)
	didYouMean  = regexp.MustCompile(`(?m)^Did you mean "(\w+)"\?`)
)

// explain words an error of DuckDB for the operator. Those of the context stay.
func (m *masker) explain(err error, row bool) error {
	var e *duckdb.Error
	if !errors.As(err, &e) {
		return err
	}
	text := aliasName.ReplaceAllStringFunc(e.Msg, func(s string) string {
		var i int
		if _, err := fmt.Sscanf(strings.Trim(s, `"`), "pitwall_c%d_", &i); err != nil || i >= len(m.names) {
			return s
		}
		return fmt.Sprintf("%q", m.names[i])
	})
	out := &Error{Row: row}
	if near := didYouMean.FindStringSubmatch(text); near != nil {
		out.Hint = "did you mean " + near[1] + "?"
	}
	text, _, _ = strings.Cut(text, "\n")
	text = strings.ReplaceAll(errorPrefix.ReplaceAllString(text, ""), "_LITERAL", "")
	text, _, _ = strings.Cut(text, ". You might need to add explicit type casts")
	out.Message = "the condition: " + strings.TrimRight(text, "!. ")
	return out
}
