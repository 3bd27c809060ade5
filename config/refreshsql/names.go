package refreshsql

import (
	"regexp"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// quote writes a name as SQL, in quotes only where it needs them.
func quote(name string) string {
	if plainName.MatchString(name) {
		if r, err := pg.Scan(name); err == nil && len(r.Tokens) == 1 {
			if k := r.Tokens[0].KeywordKind; k == pg.KeywordKind_NO_KEYWORD || k == pg.KeywordKind_UNRESERVED_KEYWORD {
				return name
			}
		}
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quote(n)
	}
	return strings.Join(quoted, ", ")
}

// quoteTable writes a normalised dataset name as SQL.
func quoteTable(dataset string) string {
	if schema, table, ok := strings.Cut(dataset, "."); ok {
		return quote(schema) + "." + quote(table)
	}
	return quote(dataset)
}
