//go:build duckdb_arrow

package query

import (
	"context"
	"fmt"
	"strings"

	"pitwall/engines"
	"pitwall/runtime/api"
)

// explained answers EXPLAIN: what each reference reads, and what runs over it.
func (e *Engine) explained(ctx context.Context, s *statement, tables []Table, scans []Scan, o api.QueryOptions) (*rows, error) {
	var out []string
	if only(s, tables) != nil {
		out = append(out, "the whole statement runs in the DuckDB of "+s.refs[0].name)
	} else {
		for i, r := range s.refs {
			line := fmt.Sprintf("scan %s: columns %s", r.name, strings.Join(scans[i].Columns, ", "))
			if w := scans[i].Where; w != nil {
				line += "; where " + engines.Text(w)
			}
			if scans[i].Rest != "" {
				line += "; and then where " + scans[i].Rest
			}
			if scans[i].Limit > 0 {
				line += fmt.Sprintf("; limit %d", scans[i].Limit)
			}
			out = append(out, line)
		}
		out = append(out, "the statement runs over these rows in memory")
	}
	return lines(ctx, "plan", out, o)
}
