package ui

import (
	"fmt"
	"regexp"
	"strings"
)

// Filter is a parsed filter: terms separated by spaces that must all hold.
//
//	text            a part of the row's text, small and capital letters alike
//	state:error     a part of one field
//	~re             a regular expression over the row's text, also field:~re
//	!term           the opposite of a term
type Filter struct {
	Text  string
	terms []term
}

type term struct {
	field, text string
	re          *regexp.Regexp
	not         bool
}

// Row is what a filter sees of a row: its text, and the value of a field by name ("" with false when
// there is no such field).
type Row interface {
	FilterText() string
	FilterField(name string) (string, bool)
}

// ParseFilter parses a filter. fields are the names that may stand before a colon.
func ParseFilter(s string, fields ...string) (Filter, error) {
	f := Filter{Text: strings.TrimSpace(s)}
	for _, w := range strings.Fields(s) {
		var t term
		if rest, ok := strings.CutPrefix(w, "!"); ok && rest != "" {
			t.not, w = true, rest
		}
		if name, value, ok := strings.Cut(w, ":"); ok && !strings.HasPrefix(w, "~") {
			for _, known := range fields {
				if strings.EqualFold(name, known) {
					t.field, w = known, value
				}
			}
		}
		if expr, ok := strings.CutPrefix(w, "~"); ok {
			re, err := regexp.Compile("(?i)" + expr)
			if err != nil {
				return Filter{}, fmt.Errorf("%s is no regular expression", w)
			}
			t.re = re
		} else {
			t.text = strings.ToLower(w)
		}
		f.terms = append(f.terms, t)
	}
	return f, nil
}

// Empty tells whether everything matches.
func (f Filter) Empty() bool { return len(f.terms) == 0 }

// Match tells whether a row matches.
func (f Filter) Match(r Row) bool {
	for _, t := range f.terms {
		hay := ""
		if t.field == "" {
			hay = r.FilterText()
		} else {
			hay, _ = r.FilterField(t.field)
		}
		ok := false
		if t.re != nil {
			ok = t.re.MatchString(hay)
		} else {
			ok = ContainsFold(hay, t.text)
		}
		if ok == t.not {
			return false
		}
	}
	return true
}

// ContainsFold tells whether s contains the lower-case text in small or capital letters, without
// garbage for ASCII.
func ContainsFold(s, lower string) bool {
	if lower == "" {
		return true
	}
	for i := range len(s) {
		if s[i] >= 0x80 {
			return strings.Contains(strings.ToLower(s), lower)
		}
	}
	c := lower[0]
	for i := 0; i+len(lower) <= len(s); i++ {
		if low(s[i]) != c {
			continue
		}
		j := 1
		for j < len(lower) && low(s[i+j]) == lower[j] {
			j++
		}
		if j == len(lower) {
			return true
		}
	}
	return false
}

func low(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
