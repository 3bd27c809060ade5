package httpapi

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"pitwall/runtime/api"
)

// formats are the types of answers of POST /v1/sql.
var formats = map[string]api.Format{
	"application/json": api.JSON, "text/csv": api.CSV, "text/plain": api.Plain,
	"application/vnd.apache.arrow.stream": api.ArrowStream, "application/vnd.apache.parquet": api.Parquet,
}

// accepted picks the format of an Accept header: the first that is known; JSON for */* and for none.
func accepted(header string) (api.Format, string, bool) {
	if header == "" {
		return api.JSON, "application/json", true
	}
	for _, part := range strings.Split(header, ",") {
		t, _, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		if f, ok := formats[t]; ok {
			return f, t, true
		}
		if t == "*/*" || t == "application/*" {
			return api.JSON, "application/json", true
		}
	}
	return "", "", false
}

// sql runs one statement that only reads. It ends with the request.
func (s *server) sql(w http.ResponseWriter, q *http.Request) {
	format, kind, ok := accepted(q.Header.Get("Accept"))
	if !ok {
		fail(w, http.StatusNotAcceptable, "answers are application/json, text/csv, text/plain, application/vnd.apache.arrow.stream or application/vnd.apache.parquet")
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxBody))
	if err != nil {
		fail(w, http.StatusBadRequest, "the body is not understood: "+err.Error())
		return
	}
	rows, err := s.Console.Query(q.Context(), string(text), s.Query)
	if err != nil {
		s.failedQuery(w, err)
		return
	}
	defer rows.Close()
	out := &late{w: w, kind: kind}
	if err := rows.Encode(out, format); err != nil {
		if !out.begun {
			s.failedQuery(w, err)
			return
		}
		panic(http.ErrAbortHandler) // the status is sent: only a broken connection tells that the rows are not all
	}
	if !out.begun {
		_, _ = out.Write(nil)
	}
}

// late sends the header with the first byte, so that an error before it has a status of its own.
type late struct {
	w     http.ResponseWriter
	kind  string
	begun bool
}

func (l *late) Write(b []byte) (int, error) {
	if !l.begun {
		l.begun = true
		if strings.HasPrefix(l.kind, "text/") {
			l.kind += "; charset=utf-8"
		}
		l.w.Header().Set("Content-Type", l.kind)
		l.w.WriteHeader(http.StatusOK)
	}
	return l.w.Write(b)
}

// failedQuery answers with the text of the error, as clients of this endpoint expect (spec 4.2).
func (s *server) failedQuery(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	text := err.Error()
	var e *api.QueryError
	if errors.As(err, &e) {
		switch e.Reason {
		case api.BadQuery, api.NotReady:
			status = http.StatusBadRequest
		case api.Forbidden:
			status = http.StatusForbidden
		case api.TimedOut:
			status = http.StatusGatewayTimeout
		}
		if e.Hint != "" {
			text += "\n" + e.Hint
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
