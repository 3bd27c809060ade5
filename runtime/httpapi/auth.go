package httpapi

import (
	"net/http"
	"strings"
)

// guarded lets a request through to h when its key allows that.
func (s *server) guarded(r route, h http.HandlerFunc) http.HandlerFunc {
	if !s.Auth || r.open {
		return h
	}
	return func(w http.ResponseWriter, q *http.Request) {
		known, write := s.allowed(q)
		switch {
		case !known:
			w.Header().Set("WWW-Authenticate", `Bearer realm="pitwall"`)
			fail(w, http.StatusUnauthorized, "this runtime needs an API key: send it as X-API-Key")
		case r.changes && !write:
			fail(w, http.StatusForbidden, "this API key may only read")
		default:
			h(w, q)
		}
	}
}

// allowed tells what the key of a request allows. It is sent as X-API-Key, or as a bearer token.
func (s *server) allowed(q *http.Request) (known, write bool) {
	text := q.Header.Get("X-API-Key")
	if bearer, ok := strings.CutPrefix(q.Header.Get("Authorization"), "Bearer "); ok && text == "" {
		text = bearer
	}
	return s.Keys.Allowed(text)
}
