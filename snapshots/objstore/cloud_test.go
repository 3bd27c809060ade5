package objstore

import (
	"bytes"
	"crypto/sha256"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"pitwall/snapshots/objstore/storetest"
)

// with returns the place with other params.
func (p place) with(more ...string) place {
	p.params = maps.Clone(p.params)
	for i := 0; i < len(more); i += 2 {
		p.params[more[i]] = more[i+1]
	}
	return p
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

// An object of several parts is whole, exclusive, and read back as it was.
func TestLargeObjects(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		s := p.open(t)
		body := noise(2*minPart + minPart/2)
		for try := range 2 {
			err := s.Create(t.Context(), "big", bytes.NewReader(body), int64(len(body)))
			if try == 0 && err != nil || try == 1 && KindOf(err) != KindExists {
				t.Fatalf("try %d: %v", try, err)
			}
		}
		r, size, err := s.Open(t.Context(), "big")
		if err != nil || size != int64(len(body)) {
			t.Fatalf("%d bytes, %v", size, err)
		}
		got, err := io.ReadAll(r)
		if r.Close(); err != nil || sha256.Sum256(got) != sha256.Sum256(body) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

func TestFaultsSayWhatToCheck(t *testing.T) {
	good := onS3(t, server.URL)
	down := httptest.NewServer(nil)
	down.Close()
	for _, c := range []struct {
		name string
		p    place
		kind Kind
		want string
	}{
		{"no such bucket", place{"s3://nowhere/x/", good.params}, KindInvalid, "no such bucket"},
		{"wrong secret", good.with("s3_secret", "geheim-geheim"), KindDenied, "s3_secret"},
		{"no credentials", place{good.location, map[string]string{"s3_endpoint": server.URL, "allow_http": "true", "s3_region": "us-east-1"}}, KindDenied, "no credentials"},
		{"nobody there", good.with("s3_endpoint", down.URL), KindUnavailable, "s3_endpoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.p.open(t)
			_, _, err := s.Load(t.Context(), "metadata.json")
			if KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("load: %q %v", KindOf(err), err)
			}
			if err := put(t.Context(), s, "k", "x"); KindOf(err) != c.kind {
				t.Errorf("create: %q %v", KindOf(err), err)
			}
		})
	}
}

// A store that takes every write is refused before the first: on it writers would overwrite each other.
func TestAStoreThatIgnoresConditionsIsRefused(t *testing.T) {
	objects := map[string]bool{}
	var writes atomic.Int64
	naive := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			writes.Add(1)
			objects[r.URL.Path] = true
			w.Header().Set("ETag", `"0123456789abcdef0123456789abcdef"`)
			return
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	defer naive.Close()
	p := place{"s3://box/x/", map[string]string{"s3_endpoint": naive.URL, "allow_http": "true", "s3_key": "k", "s3_secret": "s", "s3_region": "us-east-1"}}
	s := p.open(t)
	err := put(t.Context(), s, "data", "x")
	if KindOf(err) != KindInvalid || !strings.Contains(err.Error(), "conditional writes") {
		t.Errorf("%v", err)
	}
	if err := s.Replace(t.Context(), "metadata.json", "", []byte("{}")); KindOf(err) != KindInvalid || objects["/box/x/data"] || objects["/box/x/metadata.json"] {
		t.Errorf("%v; written: %v", err, objects)
	}
}

// lose has the store do what the next matching request asks, and drops the answer.
func lose(target string, match func(*http.Request) bool) storetest.Fault {
	var done atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !match(r) || !done.CompareAndSwap(false, true) {
			return false
		}
		q := r.Clone(r.Context())
		q.RequestURI = ""
		q.URL.Scheme, q.URL.Host = "http", strings.TrimPrefix(target, "http://")
		resp, err := http.DefaultTransport.RoundTrip(q)
		if err == nil {
			resp.Body.Close()
		}
		panic(http.ErrAbortHandler)
	}
}

// A lost answer looks like a lost race: what was written is recognised.
func TestAnUploadWhoseAnswerWasLostIsOurs(t *testing.T) {
	proxy := storetest.NewProxy(t, server.URL)
	s := onS3(t, proxy.URL).open(t)
	if err := put(t.Context(), s, "first", "x"); err != nil {
		t.Fatal(err)
	}
	proxy.Break(lose(server.URL, func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/second")
	}))
	if err := put(t.Context(), s, "second", "y"); err != nil {
		t.Errorf("the upload is there, but: %v", err)
	}
	proxy.Break(nil)
	if err := put(t.Context(), s, "second", "z"); KindOf(err) != KindExists {
		t.Errorf("%v", err)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// A download goes on where the connection broke.
func TestADownloadGoesOnAfterResets(t *testing.T) {
	proxy := storetest.NewProxy(t, server.URL)
	p := onS3(t, proxy.URL)
	s := p.open(t)
	body := noise(3 << 20)
	if err := s.Create(t.Context(), "k", bytes.NewReader(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
	var broken atomic.Int64
	proxy.Break(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || broken.Add(1) > 3 {
			return false
		}
		q := r.Clone(r.Context())
		q.RequestURI = ""
		q.URL.Scheme, q.URL.Host = "http", strings.TrimPrefix(server.URL, "http://")
		resp, err := http.DefaultTransport.RoundTrip(q)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer resp.Body.Close()
		maps.Copy(w.Header(), resp.Header)
		w.WriteHeader(resp.StatusCode)
		_, _ = io.CopyN(w, resp.Body, 700_000)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	r, _, err := s.Open(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if r.Close(); err != nil || !bytes.Equal(got, body) || broken.Load() < 4 {
		t.Errorf("%d bytes after %d connections: %v", len(got), broken.Load(), err)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
