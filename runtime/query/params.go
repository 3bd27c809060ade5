//go:build duckdb_arrow

package query

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	pg "github.com/pganalyze/pg_query_go/v6"

	"pitwall/runtime/api"
)

// hole is a place for a value in a statement.
type hole struct {
	span
	param int // from 0
}

// holes finds the parameters of a statement, $1 or ?, and tells how many values they need.
func holes(sql string) (out []hole, values int, err error) {
	words, err := pg.Scan(sql)
	if err != nil {
		return nil, 0, syntax(sql, err)
	}
	marks := 0
	for _, w := range words.Tokens {
		text := sql[w.Start:w.End]
		switch w.Token {
		case pg.Token_PARAM:
			n, err := strconv.Atoi(strings.TrimPrefix(text, "$"))
			if err != nil || n < 1 || n > maxParams {
				return nil, 0, bad("the parameter %s is none: they are $1 to $%d", text, maxParams)
			}
			out, values = append(out, hole{span{int(w.Start), int(w.End)}, n - 1}), max(values, n)
		case pg.Token_Op: // a mark may stick to an operator: id=?
			for i := range len(text) {
				if text[i] == '?' {
					at := int(w.Start) + i
					out = append(out, hole{span{at, at + 1}, marks})
					marks++
				}
			}
		}
	}
	if marks > 0 && values > 0 {
		return nil, 0, bad("parameters are written as $1 or as ?, not both")
	}
	if marks > maxParams {
		return nil, 0, bad("the statement has more than %d parameters", maxParams)
	}
	return out, max(values, marks), nil
}

// maxParams bounds the parameters of a statement.
const maxParams = 1000

// bind writes values in the place of parameters, as literals: conditions on them are pushed down like others.
func bind(sql string, params []any) (string, error) {
	if len(params) == 0 && !strings.ContainsAny(sql, "$?") || len(sql) > maxBytes {
		return sql, nil // parse tells what is too long
	}
	places, values, err := holes(sql)
	if err != nil {
		return "", err
	}
	switch {
	case values == 0 && len(params) == 0:
		return sql, nil
	case len(params) == 0:
		return "", &api.QueryError{Reason: api.BadQuery, Message: fmt.Sprintf("the statement has %d parameters without a value", values),
			Hint: "bind values to a prepared statement, or write them into the SQL", Params: make([]string, values)}
	case len(params) != values:
		return "", bad("the statement has %d parameters, and %d values came with it", values, len(params))
	}
	literals := make([]string, len(params))
	for i, v := range params {
		if literals[i], err = literal(v); err != nil {
			return "", bad("parameter %d: %s", i+1, err)
		}
	}
	return replaced(sql, places, func(i int) string { return literals[i] }), nil
}

// replaced writes a text into each place.
func replaced(sql string, places []hole, text func(param int) string) string {
	var b strings.Builder
	at := 0
	for _, p := range places {
		b.WriteString(sql[at:p.start] + " " + text(p.param) + " ")
		at = p.end
	}
	return b.String() + sql[at:]
}

// numbered writes all parameters as $1, $2 and so on.
func numbered(sql string) (string, error) {
	places, _, err := holes(sql)
	if err != nil {
		return "", err
	}
	return replaced(sql, places, func(i int) string { return fmt.Sprintf("$%d", i+1) }), nil
}

// typeNames are the types of api.Typed.
var typeNames = regexp.MustCompile(`^(DATE|TIME|TIMESTAMP|TIMESTAMPTZ|INTERVAL|UUID|DECIMAL\(\d{1,2},\d{1,2}\))$`)

// literal writes a value in SQL that PostgreSQL and DuckDB read alike.
func literal(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "NULL", nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return signed(strconv.FormatInt(v, 10)), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "CAST('" + strconv.FormatFloat(v, 'g', -1, 64) + "' AS DOUBLE)", nil
		}
		return signed(strconv.FormatFloat(v, 'e', -1, 64)), nil
	case string:
		return quoted(v)
	case []byte:
		if len(v) == 0 {
			return "CAST('' AS BLOB)", nil
		}
		return `CAST('` + escaped(v) + `' AS BLOB)`, nil
	case api.Typed:
		if !typeNames.MatchString(v.Type) {
			return "", fmt.Errorf("the type %q is not known", v.Type)
		}
		t, err := quoted(v.Text)
		return "CAST(" + t + " AS " + v.Type + ")", err
	default:
		return "", fmt.Errorf("a value of type %T can't be sent", value)
	}
}

// signed keeps the sign of a number from an operator before it.
func signed(number string) string {
	if strings.HasPrefix(number, "-") {
		return "(" + number + ")"
	}
	return number
}

func quoted(v string) (string, error) {
	if strings.ContainsRune(v, 0) || !utf8.ValidString(v) {
		return "", errors.New("the text has a NUL character, or is no UTF-8")
	}
	return "'" + strings.ReplaceAll(v, "'", "''") + "'", nil
}

// escaped writes bytes as DuckDB reads them.
func escaped(v []byte) string {
	const digits = "0123456789ABCDEF"
	out := make([]byte, 0, 4*len(v))
	for _, b := range v {
		out = append(out, '\\', 'x', digits[b>>4], digits[b&15])
	}
	return string(out)
}
