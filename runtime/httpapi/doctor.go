package httpapi

import (
	"net/http"

	"pitwall/runtime/api"
)

// doctor goes through the production checklist.
func (s *server) doctor(w http.ResponseWriter, q *http.Request) {
	list, err := s.Console.Doctor(q.Context())
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	if list == nil {
		list = []api.Finding{}
	}
	writeJSON(w, http.StatusOK, map[string]any{"findings": list})
}
