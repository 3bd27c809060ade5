package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"pitwall/runtime/api/diff"
)

// diff answers GET .../snapshots/{id}/diff?with=ID&key=a,b; without with the live data is compared.
func (s *server) diff(w http.ResponseWriter, q *http.Request) {
	d, x := s.one(w, q)
	if d == nil {
		return
	}
	var to *uint64
	key := d.PrimaryKey
	if text := q.URL.Query().Get("with"); text != "" && text != "live" {
		id, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			fail(w, http.StatusBadRequest, fmt.Sprintf("with %q is not the id of a snapshot", text))
			return
		}
		to = &id
	}
	if text := q.URL.Query().Get("key"); text != "" {
		key = strings.Split(text, ",")
	}
	out, err := diff.Of(q.Context(), s.Console, d.Name, x.ID, to, key)
	if err != nil {
		s.failedQuery(w, err)
		return
	}
	writeJSON(w, http.StatusOK, out)
}
