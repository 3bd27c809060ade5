package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/go-sql-driver/mysql"

	"pitwall/runtime/source"
	"pitwall/runtime/source/sqlrows"
)

// Read implements source.Source.
func (s *Source) Read(ctx context.Context, scan source.Scan) (source.Reader, error) {
	r, err := s.read(ctx, scan)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, s.fail(err)
	}
	return r, nil
}

func (s *Source) read(ctx context.Context, scan source.Scan) (_ source.Reader, err error) {
	connector, err := mysql.NewConnector(s.conf)
	if err != nil {
		return nil, err
	}
	c, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = c.Close() // it only read
		}
	}()
	for _, q := range []string{"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"} {
		if _, err := c.(driver.ExecerContext).ExecContext(ctx, q, nil); err != nil {
			return nil, err
		}
	}
	all, texts, err := s.columns(ctx, c)
	if err != nil {
		return nil, err
	}
	picked, err := sqlrows.Pick(all, scan.Columns, s.place())
	if err != nil {
		return nil, err
	}
	names := make([]string, len(picked))
	for i, p := range picked {
		names[i] = quote(p.Field.Name)
	}
	table := quote(s.table)
	if s.schema != "" {
		table = quote(s.schema) + "." + table
	}
	text, narrowed := "SELECT "+strings.Join(names, ", ")+" FROM "+table, ""
	if where := sqlrows.Where(all, scan.Where, exactly(texts), dialect()); where != "" {
		text, narrowed = text+" WHERE "+where, ", where "+where
	}
	rows, err := query(ctx, c, text)
	if err != nil {
		return nil, err
	}
	return sqlrows.New(ctx, rows, picked, sqlrows.Options{
		Plan: fmt.Sprintf("%d of %d columns%s", len(picked), len(all), narrowed), Place: s.place(), Fail: s.fail,
		Close: func() { _ = c.Close() }, // without the rest of the rows, which closing rows would read
	}), nil
}

// query runs a prepared statement: as text, a FLOAT would come with six digits.
func query(ctx context.Context, c driver.Conn, text string, args ...string) (driver.Rows, error) {
	stmt, err := c.(driver.ConnPrepareContext).PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return stmt.(driver.StmtQueryContext).QueryContext(ctx, named)
}

// columns asks the server for the columns that SELECT * has. texts are those that hold characters.
func (s *Source) columns(ctx context.Context, c driver.Conn) (out []sqlrows.Column, texts map[string]bool, err error) {
	schema := s.schema
	if schema == "" {
		schema = s.conf.DBName
	}
	rows, err := query(ctx, c, `SELECT column_name, data_type, column_type, is_nullable, coalesce(numeric_precision, 0), coalesce(numeric_scale, 0)
FROM information_schema.columns WHERE table_schema = ? AND table_name = ? AND extra NOT LIKE '%INVISIBLE%' ORDER BY ordinal_position`, schema, s.table)
	if err != nil {
		return nil, nil, err
	}
	found, err := sqlrows.All(rows)
	if err != nil {
		return nil, nil, err
	}
	texts = map[string]bool{}
	for _, row := range found {
		d := declared{name: word(row[0]), kind: strings.ToLower(word(row[1])), whole: strings.ToLower(word(row[2]))}
		if _, err := fmt.Sscan(word(row[4])+" "+word(row[5]), &d.precision, &d.scale); err != nil {
			return nil, nil, err
		}
		t, err := d.arrowType()
		texts[d.name] = d.characters()
		out = append(out, sqlrows.Column{Field: arrow.Field{Name: d.name, Type: t, Nullable: word(row[3]) == "YES"}, Appender: appender, Refused: err})
	}
	if len(out) == 0 {
		return nil, nil, &source.Error{Kind: source.Missing, Place: s.place(), Err: fmt.Errorf("there is no table or view %s", s.name()),
			Hint: "check the table in from:, and that mysql_user may SELECT from it: without that right it does not show"}
	}
	return out, texts, nil
}

// word is a value as text.
func word(v driver.Value) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
