package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"pitwall/config/refreshsql"
)

// sql checks the shape of refresh_sql (spec data-refresh 1.6 item 16 and 3.1) and of retention_sql (6).
// Of a source that pitwall cannot read a bad one is a warning: those of real spicepods have an ORDER BY.
func (e *entry) sql() {
	a := &e.ds.Acceleration
	if e.ds.Name == "" {
		return
	}
	if e.set(accel + "refresh_sql") {
		s, err := refreshsql.ParseRefresh(a.RefreshSQL, e.ds.Name)
		if err == nil && !e.broken[e.path(accel+"primary_key")] {
			err = s.CheckKey(ColumnsOf(a.PrimaryKey))
		}
		e.badSQL("refresh_sql", err)
		if err == nil && s.Columns != nil {
			e.keepsColumns(s.Columns)
		}
		if err == nil && a.RefreshMode == RefreshChanges && (s.Where != nil || s.Limit != nil || s.DistinctOn != nil) {
			e.document.at(e.severity(), e.path(accel+"refresh_sql"), "refresh_sql: with refresh_mode: changes it can only select columns",
				"SELECT columns FROM "+e.ds.Name)
		}
	}
	if e.set(accel + "retention_sql") {
		_, err := refreshsql.ParseRetention(a.RetentionSQL, e.ds.Name)
		e.badSQL("retention_sql", err)
	}
}

// keepsColumns checks that refresh_sql selects what other settings need.
func (e *entry) keepsColumns(selected []string) {
	a := &e.ds.Acceleration
	left := func(column, why string) {
		if !slices.Contains(selected, column) {
			e.document.at(e.severity(), e.path(accel+"refresh_sql"), "refresh_sql leaves out "+column+", "+why, "select it too")
		}
	}
	switch c := e.ds.TimeColumn; {
	case c == "":
	case a.RefreshMode == RefreshAppend:
		left(c, "the time_column, which append needs")
	case a.RetentionCheckEnabled && a.RetentionPeriod > 0:
		left(c, "the time_column, which retention_period needs")
	}
	for _, c := range ColumnsOf(a.PrimaryKey) {
		left(c, "a column of the primary_key")
	}
}

// badSQL reports an error of a statement at its place in the file, or at the key with the place in the
// SQL where that cannot be told.
func (e *entry) badSQL(key string, err error) {
	var bad *refreshsql.Error
	if !errors.As(err, &bad) {
		return
	}
	path := e.path(accel + key)
	message := key + ": " + bad.Message
	if line, col, ok := e.inScalar(path, bad.Line, bad.Column); ok {
		e.document.atPlace(e.severity(), path, line, col, message, bad.Hint)
		return
	}
	if bad.Offset > 0 {
		message = fmt.Sprintf("%s: %s", key, bad)
	}
	e.document.at(e.severity(), path, message, bad.Hint)
}

// inScalar finds a place inside the text of a value in the file. It knows literal blocks (|) and values
// on one line; false for others, whose lines YAML joins or whose characters it unescapes.
func (d *document) inScalar(path string, line, col int) (fileLine, fileCol int, ok bool) {
	n := d.marks[path].value
	if n == nil || n.Kind != yaml.ScalarNode {
		return 0, 0, false
	}
	lines := strings.Split(n.Value, "\n")
	at, from := n.Line, max(0, n.Column-1)
	if n.Style&yaml.LiteralStyle != 0 {
		at, from = n.Line+line, 0
	} else if len(lines) > 1 {
		return 0, 0, false
	}
	if line > len(lines) || at > len(d.lines) {
		return 0, 0, false
	}
	text := []rune(d.lines[at-1])
	tail := string(text[min(from, len(text)):])
	i := strings.Index(tail, lines[line-1])
	if i < 0 || lines[line-1] == "" {
		return 0, 0, false
	}
	return at, from + utf8.RuneCountInString(tail[:i]) + col, true
}
