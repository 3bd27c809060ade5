package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// Key is an API key (runtime.auth.api-key). It is sent as X-API-Key, or as a bearer token.
type Key struct {
	// Sum is the SHA-256 of the key: the key itself is not kept.
	Sum [sha256.Size]byte
	// Write is true when the key may change things.
	Write bool
}

// NewKey returns the key of a text.
func NewKey(text string, write bool) Key { return Key{Sum: sha256.Sum256([]byte(text)), Write: write} }

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

// allowed looks at all keys, so that the time it takes says nothing about them.
func (s *server) allowed(q *http.Request) (known, write bool) {
	text := q.Header.Get("X-API-Key")
	if bearer, ok := strings.CutPrefix(q.Header.Get("Authorization"), "Bearer "); ok && text == "" {
		text = bearer
	}
	sum := sha256.Sum256([]byte(text))
	for _, k := range s.Keys {
		if subtle.ConstantTimeCompare(sum[:], k.Sum[:]) == 1 {
			known, write = true, write || k.Write
		}
	}
	return known, write
}
