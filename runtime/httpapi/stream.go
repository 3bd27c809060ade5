package httpapi

import (
	"fmt"
	"net/http"

	"pitwall/runtime/api"
)

// skipRecord passes over the record that stopped the stream of a dataset; 409 when none did.
func (s *server) skipRecord(w http.ResponseWriter, q *http.Request) {
	if d := s.find(w, q); d != nil {
		s.steerStream(w, q, api.SkipRecord{Dataset: d.Name}, fmt.Sprintf("The record that stopped the stream of %s is being passed over.", d.Name))
	}
}

// rebootstrap has the stream of a dataset begin anew; 409 when it follows none.
func (s *server) rebootstrap(w http.ResponseWriter, q *http.Request) {
	if d := s.find(w, q); d != nil {
		s.steerStream(w, q, api.Rebootstrap{Dataset: d.Name}, fmt.Sprintf("%s is being loaded anew from the beginning of its stream.", d.Name))
	}
}

// steerStream begins a command that a stream has to be ready for.
func (s *server) steerStream(w http.ResponseWriter, q *http.Request, c api.Command, text string) {
	id, err := s.Console.Do(q.Context(), c)
	switch {
	case api.ReasonOf(err) == api.Invalid, api.ReasonOf(err) == api.Refused:
		fail(w, http.StatusConflict, err.Error())
	case err != nil:
		fail(w, statusOf(err), err.Error())
	default:
		w.Header().Set(CommandHeader, fmt.Sprint(id))
		writeJSON(w, http.StatusAccepted, message{text})
	}
}
