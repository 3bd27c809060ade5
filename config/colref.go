package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// parseColumnRef normalises a column reference (spec data-refresh 1.6): col, or (a, b) with its
// columns sorted.
func parseColumnRef(s string) (string, error) {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "(") {
		if s == "" || strings.ContainsAny(s, "(),") {
			return "", fmt.Errorf("%q is not a column reference", clip(s, 60))
		}
		return s, nil
	}
	if !strings.HasSuffix(s, ")") {
		return "", fmt.Errorf("the column reference %q has no closing )", clip(s, 60))
	}
	var cols []string
	for c := range strings.SplitSeq(s[1:len(s)-1], ",") {
		c = strings.TrimSpace(c)
		if c == "" || strings.ContainsAny(c, "()") {
			return "", fmt.Errorf("%q is not a column reference", clip(s, 60))
		}
		if slices.Contains(cols, c) {
			return "", errors.New("the column " + c + " is listed twice")
		}
		cols = append(cols, c)
	}
	slices.Sort(cols)
	if len(cols) == 1 {
		return cols[0], nil
	}
	return "(" + strings.Join(cols, ", ") + ")", nil
}

// ColumnsOf returns the columns of a normalised column reference.
func ColumnsOf(ref string) []string {
	if ref == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(strings.TrimPrefix(ref, "("), ")"), ", ")
}
