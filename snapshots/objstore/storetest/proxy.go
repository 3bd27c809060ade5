package storetest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// Proxy stands in front of a store.
type Proxy struct {
	*httptest.Server
	// Requests and Bytes are what passed: requests, and bytes of the bodies of answers.
	Requests, Bytes atomic.Int64
	// Lists are the requests for a listing.
	Lists atomic.Int64

	fault atomic.Pointer[Fault]
}

// Fault answers a request in place of the store and returns true, or returns false to let it pass.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// NewProxy starts a proxy; it ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = r.In.Host // it is part of the signature
		},
		ModifyResponse: func(r *http.Response) error {
			r.Body = &counter{r.Body, &p.Bytes}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true
	forward.Transport = transport
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.Requests.Add(1)
		if r.URL.Query().Has("list-type") {
			p.Lists.Add(1)
		}
		if f := p.fault.Load(); f != nil && (*f)(w, r) {
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		p.Server.CloseClientConnections()
		p.Server.Close()
		transport.CloseIdleConnections()
	})
	return p
}

// Break sets the fault for all requests from now on; nil mends.
func (p *Proxy) Break(f Fault) {
	if f == nil {
		p.fault.Store(nil)
		return
	}
	p.fault.Store(&f)
}

// Reset forgets what was counted.
func (p *Proxy) Reset() {
	p.Requests.Store(0)
	p.Bytes.Store(0)
	p.Lists.Store(0)
}

type counter struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// Status answers with a status and nothing else.
func Status(code int) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(code)
		return true
	}
}

// Hang does not answer until the client gives up.
func Hang(_ http.ResponseWriter, r *http.Request) bool {
	_, _ = io.Copy(io.Discard, r.Body) // only then the end of the connection is seen
	<-r.Context().Done()
	return true
}
