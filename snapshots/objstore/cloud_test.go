package objstore

import (
	"bytes"
	"crypto/sha256"
	"io"
	"maps"
	"math"
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

// A server that refuses a write before it has read it, and closes the connection, has refused it.
func TestARefusedUploadWhoseConnectionBreaks(t *testing.T) {
	proxy := storetest.NewProxy(t, server.URL)
	s := onS3(t, proxy.URL).open(t)
	if err := put(t.Context(), s, "k", "x"); err != nil {
		t.Fatal(err)
	}
	proxy.Break(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		panic(http.ErrAbortHandler)
	})
	if err := put(t.Context(), s, "k", "y"); KindOf(err) != KindExists {
		t.Errorf("a key that is taken: %v", err)
	}
	if err := put(t.Context(), s, "free", "y"); KindOf(err) != KindUnavailable {
		t.Errorf("a key that is free: %v", err)
	}
}

// cut passes a request on, and breaks the connection after some bytes of the answer.
func cut(target string, w http.ResponseWriter, r *http.Request, after int64) {
	q := r.Clone(r.Context())
	q.RequestURI = ""
	q.URL.Scheme, q.URL.Host = "http", strings.TrimPrefix(target, "http://")
	resp, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close()
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	_, _ = io.CopyN(w, resp.Body, after)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// inRanges has a store take every connection for slow.
func inRanges(t *testing.T, s *Store) {
	t.Helper()
	_, c, err := s.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.(*cloudStore).fast = math.MaxInt64
}

// A download goes on where the connection broke, in each of its ranges.
func TestADownloadGoesOnAfterResets(t *testing.T) {
	for name, c := range map[string]struct {
		size, breaks int64
		slow         bool
	}{"one range": {3 << 20, 3, true}, "many ranges": {6*rangeBytes + 12345, 12, true}, "one fast connection": {6*rangeBytes + 12345, 12, false}} {
		t.Run(name, func(t *testing.T) {
			proxy := storetest.NewProxy(t, server.URL)
			s := onS3(t, proxy.URL).open(t)
			body := noise(int(c.size))
			if err := s.Create(t.Context(), "k", bytes.NewReader(body), c.size); err != nil {
				t.Fatal(err)
			}
			if c.slow {
				inRanges(t, s)
			}
			var asked atomic.Int64
			proxy.Break(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodGet || asked.Add(1) > c.breaks {
					return false
				}
				cut(server.URL, w, r, 700_000)
				return true
			})
			r, _, err := s.Open(t.Context(), "k")
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if r.Close(); err != nil || !bytes.Equal(got, body) || asked.Load() <= c.breaks {
				t.Errorf("%d bytes after %d connections: %v", len(got), asked.Load(), err)
			}
			http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		})
	}
}

// A connection that breaks for ever is an error, not an end, and not an endless loop.
func TestADownloadThatNeverGoesOnFails(t *testing.T) {
	proxy := storetest.NewProxy(t, server.URL)
	s := onS3(t, proxy.URL).open(t)
	body := noise(2 * rangeBytes)
	if err := s.Create(t.Context(), "k", bytes.NewReader(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
	proxy.Break(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasPrefix(r.Header.Get("Range"), "bytes=8") {
			return false
		}
		cut(server.URL, w, r, 0)
		return true
	})
	inRanges(t, s)
	r, _, err := s.Open(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if r.Close(); err == nil || len(got) != rangeBytes {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// An object that is replaced while it is read is never a mixture of two.
func TestADownloadIsOfOneVersion(t *testing.T) {
	p := onS3(t, server.URL)
	s := p.open(t)
	body := noise((rangesOnce + 3) * rangeBytes)
	if err := s.Create(t.Context(), "k", bytes.NewReader(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
	inRanges(t, s)
	r, _, err := s.Open(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	bucketName, _, _ := strings.Cut(strings.TrimPrefix(p.location, "s3://"), "/")
	if err := server.Put(t.Context(), bucketName, "spice/snapshots/k", make([]byte, len(body))); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if r.Close(); err == nil || !bytes.HasPrefix(body, got) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// Close ends what is under way, although the store does not answer.
func TestADownloadIsAbandoned(t *testing.T) {
	proxy := storetest.NewProxy(t, server.URL)
	s := onS3(t, proxy.URL).open(t)
	body := noise(3 * rangeBytes)
	if err := s.Create(t.Context(), "k", bytes.NewReader(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
	proxy.Break(func(w http.ResponseWriter, r *http.Request) bool {
		return r.Header.Get("Range") != "" && storetest.Hang(w, r)
	})
	inRanges(t, s)
	for _, n := range []int64{0, rangeBytes} {
		r, _, err := s.Open(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, r, n); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Every size fits in the parts that S3 takes, and in memory.
func TestParts(t *testing.T) {
	const gib = 1 << 30
	for _, size := range []int64{0, 1, minPart, gib, 48 * gib, 49 * gib, 78 * gib, 500 * gib, 5 << 40} {
		m := parts(size)
		if n := (size + m.PartBytes - 1) / m.PartBytes; n > maxParts || m.PartBytes < minPart || m.Parallel < 2 {
			t.Errorf("%d bytes: %d parts, %+v", size, n, m)
		}
		if memory := m.PartBytes * int64(m.Parallel+1); size <= 48*gib && memory > 32<<20 {
			t.Errorf("%d bytes take %d bytes of memory", size, memory)
		}
	}
}
