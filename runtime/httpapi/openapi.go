package httpapi

import (
	_ "embed"
	"net/http"
)

// document describes the routes in OpenAPI 3.1; a test holds the two together.
//
//go:embed openapi.json
var document []byte

func (s *server) openapi(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(document)
}
