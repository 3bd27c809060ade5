package pgvalue

import (
	"strings"

	"pitwall/engines/dbfile"
)

// Text writes a text that has no NUL as a literal of SQL.
func Text(s string) string {
	if strings.Contains(s, `\`) {
		return `E'` + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + `'`
	}
	return dbfile.Text(s)
}
