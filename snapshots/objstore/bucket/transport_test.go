package bucket

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"
)

// A connection of a request that overlaps with Close, or comes after it, is not kept.
func TestClosedTransportKeepsNoConnection(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "body") }))
	defer server.Close()
	leaks := goleak.IgnoreCurrent()
	tr := NewTransport(DefaultTimeout)
	get := func() *http.Response {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := tr.RoundTrip(q)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	before := get()
	tr.Close()
	after := get()
	for _, r := range []*http.Response{before, after} {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		if err := r.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	// The server closes nothing as long as the client keeps its side: what is left is the transport's.
	if err := goleak.Find(leaks); err != nil {
		t.Error(err)
	}
}
