package keys

import (
	"context"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// DB is a connection within a transaction.
type DB interface {
	// Affected runs a statement and returns the number of changed rows.
	Affected(ctx context.Context, query string) (int64, error)
	// Row returns the first row of a query, as text.
	Row(ctx context.Context, query string) (values []string, found bool, err error)
}

// Merge brings rows into a table. All its work is one transaction of the caller, who rolls it back after
// an error.
type Merge struct {
	DB     DB
	Keys   engines.Keys
	Schema *arrow.Schema
	// Text writes an expression for people.
	Text func(column string) string
}

// Table is a table of the database, in its SQL, and the column that numbers its rows as they came.
type Table struct{ Name, RowID string }

// Distinct removes from a table of incoming rows those that on_conflict leaves out because of others
// among them, and returns their number. Then no two rows have one key, or it fails with Kind Constraint.
func (m Merge) Distinct(ctx context.Context, in Table) (dropped int64, err error) {
	if dropped, err = m.Thin(ctx, in); err != nil {
		return 0, err
	}
	for _, u := range Uniques(m.Keys) {
		if err := m.Twice(ctx, in, u); err != nil {
			return 0, err
		}
	}
	return dropped, nil
}

// Names of columns that no dataset has.
const rowID, place = `"pitwall's row"`, `"pitwall's place"`

// Thin is the removing part of Distinct.
func (m Merge) Thin(ctx context.Context, in Table) (dropped int64, err error) {
	target := Target(m.Keys)
	if target == nil {
		return 0, nil
	}
	var same, order string
	switch m.Keys.Conflict {
	case engines.ConflictUpsertLast:
		same, order = dbfile.Idents(target.Columns), " DESC"
	case engines.ConflictUpsertDedup:
		same = dbfile.Idents(m.columns())
	default:
		return 0, nil
	}
	return m.DB.Affected(ctx, "DELETE FROM "+in.Name+" WHERE "+in.RowID+" IN (SELECT "+rowID+" FROM (SELECT "+in.RowID+" AS "+rowID+", row_number() OVER (PARTITION BY "+
		same+" ORDER BY "+in.RowID+order+") AS "+place+" FROM "+in.Name+" WHERE "+notNull(target.Columns)+") d WHERE "+place+" > 1)")
}

// Twice fails if two rows of a table have one key.
func (m Merge) Twice(ctx context.Context, in Table, u Unique) error {
	values, found, err := m.DB.Row(ctx, "SELECT "+m.texts("", u.Columns)+" FROM "+in.Name+" WHERE "+notNull(u.Columns)+
		" GROUP BY "+dbfile.Idents(u.Columns)+" HAVING count(*) > 1 LIMIT 1")
	if err == nil && found {
		err = Twice(u, values)
	}
	return err
}

// Into adds the rows of a table that Distinct is done with to another, as on_conflict says. It returns
// how many were added, and how many were left out because their key was there.
func (m Merge) Into(ctx context.Context, in, to Table) (written, dropped int64, err error) {
	target := Target(m.Keys)
	var others []Unique
	for _, u := range Uniques(m.Keys) {
		meets := m.meets(in, to, u)
		var err error
		switch {
		case m.Keys.Conflict == engines.ConflictDrop:
			var n int64
			n, err = m.DB.Affected(ctx, "DELETE FROM "+in.Name+" WHERE "+in.RowID+" IN (SELECT s."+in.RowID+meets+")")
			dropped += n
		case target != nil && Same(target.Columns, u.Columns):
			_, err = m.DB.Affected(ctx, "DELETE FROM "+to.Name+" WHERE "+to.RowID+" IN (SELECT t."+to.RowID+meets+")")
		default:
			others = append(others, u)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	for _, u := range others { // of the rows that are left: one that goes may have had the key
		values, found, err := m.DB.Row(ctx, "SELECT "+m.texts("s.", u.Columns)+m.meets(in, to, u)+" LIMIT 1")
		if err == nil && found {
			err = There(u, values)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	columns := dbfile.Idents(m.columns())
	written, err = m.DB.Affected(ctx, "INSERT INTO "+to.Name+" ("+columns+") SELECT "+columns+" FROM "+in.Name)
	return written, dropped, err
}

// Remove deletes the rows of a table that are equal in the columns of keys to a row of it; Joinable allowed them.
func (m Merge) Remove(ctx context.Context, in Table, rows arrow.RecordBatch, to Table) (int64, error) {
	both := make([]string, rows.NumCols())
	for i, f := range rows.Schema().Fields() {
		equals := " = "
		if rows.Column(i).NullN() > 0 {
			equals = " IS NOT DISTINCT FROM "
		}
		both[i] = "t." + dbfile.Ident(f.Name) + equals + "s." + dbfile.Ident(f.Name)
	}
	return m.DB.Affected(ctx, "DELETE FROM "+to.Name+" WHERE "+to.RowID+" IN (SELECT t."+to.RowID+" FROM "+in.Name+" s CROSS JOIN "+to.Name+" t WHERE "+
		strings.Join(both, " AND ")+")")
}

// Joinable says whether a database finds the rows of a predicate by a join with Among.Rows. What it can't, package filter
// does, or says what is wrong with it.
func Joinable(s *arrow.Schema, p engines.Predicate) (engines.Among, bool) {
	a, ok := p.(engines.Among)
	if !ok || a.Once || a.Rows.NumCols() == 0 {
		return a, false
	}
	for _, f := range a.Rows.Schema().Fields() {
		at := s.FieldIndices(f.Name)
		if !comparable(f.Type) || len(at) == 0 || !arrow.TypeEqual(s.Field(at[0]).Type, f.Type) {
			return a, false
		}
	}
	return a, true
}

// meets pairs the rows of two tables with equal keys. A CROSS JOIN has SQLite begin with the left one,
// the smaller; to the others it is the same as an inner join.
func (m Merge) meets(in, to Table, u Unique) string {
	both := make([]string, len(u.Columns))
	for i, c := range u.Columns {
		both[i] = "t." + dbfile.Ident(c) + " = s." + dbfile.Ident(c)
	}
	return " FROM " + in.Name + " s CROSS JOIN " + to.Name + " t WHERE " + strings.Join(both, " AND ")
}

func (m Merge) columns() []string {
	out := make([]string, m.Schema.NumFields())
	for i, f := range m.Schema.Fields() {
		out[i] = f.Name
	}
	return out
}

func (m Merge) texts(prefix string, columns []string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = m.Text(prefix + dbfile.Ident(c))
	}
	return strings.Join(out, ", ")
}

// notNull is true for rows that can violate a key: one with a NULL equals none.
func notNull(columns []string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = dbfile.Ident(c) + " IS NOT NULL"
	}
	return strings.Join(out, " AND ")
}
