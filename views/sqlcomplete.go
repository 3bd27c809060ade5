package views

import (
	"slices"
	"strings"
	"unicode"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// words are the keywords and functions that completion knows, beside datasets and columns.
var words = strings.Fields(`SELECT FROM WHERE GROUP BY ORDER HAVING LIMIT OFFSET JOIN LEFT RIGHT INNER OUTER CROSS ON USING AS AND OR NOT IN
	IS NULL LIKE ILIKE BETWEEN CASE WHEN THEN ELSE END DISTINCT UNION ALL EXCEPT INTERSECT WITH EXISTS ASC DESC TRUE FALSE EXPLAIN SHOW TABLES
	OVER PARTITION ROWS FILTER INTERVAL CAST
	count( sum( avg( min( max( median( stddev( quantile_cont( approx_count_distinct( string_agg( first( last( any_value(
	coalesce( nullif( greatest( least( abs( round( floor( ceil( sqrt( power( ln( log( mod( sign( random(
	lower( upper( trim( length( substring( replace( split_part( concat( starts_with( contains( regexp_matches( regexp_replace( left( right( lpad( rpad( md5(
	now( date_trunc( date_part( extract( date_diff( age( to_timestamp( strftime( strptime( epoch( make_date(
	row_number( rank( dense_rank( lag( lead( first_value( last_value( ntile( generate_series( unnest( list_contains( json_extract( to_json(`)

// isWord tells whether a letter is part of the word that is completed.
func isWord(r rune) bool {
	return r == '_' || r == '.' || r == '@' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// quotedName writes a dataset's name for SQL.
func quotedName(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		if strings.ContainsFunc(p, func(r rune) bool { return r != '_' && !('a' <= r && r <= 'z') && !('0' <= r && r <= '9') }) || p == "" || p[0] >= '0' && p[0] <= '9' {
			parts[i] = `"` + strings.ReplaceAll(p, `"`, `""`) + `"`
		}
	}
	return strings.Join(parts, ".")
}

// complete returns the word before the cursor and what it can become: columns of the datasets that are named come
// first, then datasets, keywords and functions.
func complete(s *api.State, text string, at int) (word string, options []string) {
	before := []rune(text)
	before = before[:min(at, len(before))]
	from := len(before)
	for from > 0 && isWord(before[from-1]) {
		from--
	}
	word = string(before[from:])
	low := strings.ToLower(word)
	add := func(option string) {
		if strings.HasPrefix(strings.ToLower(option), low) && !slices.Contains(options, option) {
			options = append(options, option)
		}
	}
	lowText := strings.ToLower(text)
	prior := strings.Fields(strings.ToLower(string(before[:from])))
	table := len(prior) > 0 && (prior[len(prior)-1] == "from" || prior[len(prior)-1] == "join")
	for _, d := range s.Datasets {
		if table || !strings.Contains(lowText, strings.ToLower(d.Name)) {
			continue
		}
		for _, col := range d.Schema {
			if low != "" {
				add(quotedName(col.Name))
			}
			add(quotedName(d.Name) + "." + quotedName(col.Name))
		}
	}
	if low == "" {
		options = nil
	}
	for _, d := range s.Datasets {
		add(quotedName(d.Name))
	}
	for _, w := range words {
		if low == "" || table { // behind FROM there are datasets only
			break
		}
		if unicode.IsLower([]rune(word)[0]) {
			w = strings.ToLower(w)
		}
		add(w)
	}
	return word, options
}

// shared is the longest beginning that all options have.
func shared(options []string) string {
	if len(options) == 0 {
		return ""
	}
	out := options[0]
	for _, o := range options[1:] {
		for !strings.HasPrefix(strings.ToLower(o), strings.ToLower(out)) {
			out = out[:len(out)-1]
		}
	}
	return out
}

// optionsLine shows what a word can become.
func optionsLine(c *ui.Ctx, options []string, w int) string {
	return c.Theme.Dim.On(ui.Cut(" "+strings.Join(options, "  "), w))
}
