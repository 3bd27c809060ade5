package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// sqlToken is a comment, a string, a quoted name, a word, a number or one other character.
var sqlToken = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*|[0-9][0-9.]*|\S`)

// sqlForbidden are the clauses a refresh_sql must not have (spec data-refresh 3.1), by first word.
var sqlForbidden = []string{"GROUP", "HAVING", "OFFSET", "FETCH", "FOR", "QUALIFY", "WINDOW", "SORT", "CLUSTER",
	"DISTRIBUTE", "LATERAL", "INTO", "UNION", "INTERSECT", "EXCEPT", "JOIN", "TOP"}

// CheckRefreshSQL says what is wrong with the shape of a refresh_sql of a dataset, without knowing its
// columns: SELECT columns FROM dataset [WHERE …] [LIMIT n] (spec data-refresh 3.1). DISTINCT ON with
// its ORDER BY is allowed when the dataset has a primary key, without LIMIT.
func CheckRefreshSQL(sql, dataset, primaryKey string) error {
	var toks []string
	depth := 0
	for _, t := range sqlToken.FindAllString(sql, -1) {
		switch {
		case strings.HasPrefix(t, "--"), strings.HasPrefix(t, "/*"):
		case t == ")":
			depth--
		}
		if depth == 0 && t != ")" && !strings.HasPrefix(t, "--") && !strings.HasPrefix(t, "/*") {
			toks = append(toks, t) // what is in parentheses belongs to an expression
		}
		if t == "(" {
			depth++
		}
		if depth < 0 {
			return errors.New("a ) has no (")
		}
	}
	if depth != 0 {
		return errors.New("a ( has no )")
	}
	if n := len(toks); n > 0 && toks[n-1] == ";" {
		toks = toks[:n-1]
	}
	return checkSelect(toks, dataset, primaryKey)
}

// checkSelect walks the tokens outside of parentheses.
func checkSelect(toks []string, dataset, primaryKey string) error {
	if len(toks) == 0 || !strings.EqualFold(toks[0], "SELECT") {
		return errors.New("it must be one SELECT")
	}
	from, distinct := -1, false
	for i, t := range toks {
		word := strings.ToUpper(t)
		switch {
		case t == ";":
			return errors.New("it must be one statement")
		case word == "FROM" && from < 0:
			from = i
		case word == "DISTINCT":
			// IS DISTINCT FROM is an operator of WHERE.
			if from < 0 {
				if i+1 >= len(toks) || !strings.EqualFold(toks[i+1], "ON") || primaryKey == "" {
					return errors.New("DISTINCT is allowed only as DISTINCT ON the primary_key")
				}
				distinct = true
			}
		case word == "ORDER" && !distinct:
			return errors.New("ORDER BY is not allowed without DISTINCT ON")
		case word == "LIMIT":
			if distinct {
				return errors.New("LIMIT is not allowed with DISTINCT ON")
			}
			if i+2 != len(toks) || !isDigits(toks[i+1]) {
				return errors.New("LIMIT must be followed by a whole number, and by nothing else")
			}
		case t == "(" && from < 0 && !distinct:
			return errors.New("only columns can be selected, no expressions")
		case word == "AS" && from < 0:
			return errors.New("columns cannot be renamed")
		}
		for _, f := range sqlForbidden {
			if word == f {
				return fmt.Errorf("%s is not allowed", f)
			}
		}
	}
	return checkTable(toks, from, dataset)
}

// checkTable checks that FROM names the dataset and nothing else.
func checkTable(toks []string, from int, dataset string) error {
	if from < 0 || from+1 >= len(toks) {
		return fmt.Errorf("it must select FROM %s", dataset)
	}
	end := from + 1
	var name strings.Builder
	for ; end < len(toks); end++ {
		if w := strings.ToUpper(toks[end]); w == "WHERE" || w == "LIMIT" || w == "ORDER" {
			break
		}
		name.WriteString(toks[end])
		if end+1 < len(toks) && toks[end] != "." && toks[end+1] != "." {
			end++
			break
		}
	}
	if end < len(toks) {
		if w := strings.ToUpper(toks[end]); w != "WHERE" && w != "LIMIT" && w != "ORDER" {
			return fmt.Errorf("unexpected %s after the table", clip(toks[end], 20))
		}
	}
	if got, err := parseName(name.String()); err != nil || got != dataset {
		return fmt.Errorf("it must select from %s, not from %s", dataset, clip(name.String(), 60))
	}
	return nil
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" && s != "" }
