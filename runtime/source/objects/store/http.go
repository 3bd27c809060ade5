package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"pitwall/runtime/source"
	"pitwall/snapshots/objstore/bucket"
)

// web is one file of a web server.
type web struct {
	url            *url.URL
	user, password string
	token          string
	timeout        time.Duration

	name   string
	faults faults
	t      *bucket.Transport

	mu     sync.Mutex
	ranges bool         // the server gives ranges
	copied *tempContent // the whole file, where it does not
}

func locateHTTP(p *bucket.Params, scheme, path string) Location {
	u, err := url.Parse(scheme + "://" + path)
	if err != nil || u.Host == "" {
		p.Problem(errors.New("from: is not the address of a file, such as https://example.com/data.csv"))
		return Location{}
	}
	w := &web{url: u, user: p.Text("http_username"), password: p.Secret("http_password"), token: p.Secret("http_bearer_token"),
		timeout: p.Seconds("client_timeout", bucket.DefaultTimeout)}
	p.Bool("allow_http", false) // http:// says it itself
	if port := p.Text("http_port"); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			p.Problem(fmt.Errorf("param http_port must be a port, not %q", bucket.Clip(port)))
		}
		u.Host = u.Hostname() + ":" + port
	}
	if u.User != nil {
		w.user = u.User.Username()
		if pw, ok := u.User.Password(); ok {
			w.password = pw
			p.Hide(pw)
		}
		u.User = nil
	}
	for _, values := range u.Query() {
		p.Hide(values...) // a signed address carries its signature there
	}
	shown := *u
	shown.RawQuery = ""
	w.name = shown.String()
	w.faults = faults{secrets: p.Secrets(), params: "params http_username, http_password and http_bearer_token", endpoint: "from:"}
	return Location{Path: u.Path, Name: w.name, Single: true, open: func(context.Context) (Store, error) {
		return &web{url: w.url, user: w.user, password: w.password, token: w.token, name: w.name, faults: w.faults, t: bucket.NewTransport(w.timeout)}, nil
	}}
}

func (w *web) Place(string) string { return w.name }
func (w *web) Remote() bool        { return true }

func (w *web) Close() error {
	w.t.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.copied == nil {
		return nil
	}
	f := w.copied.File
	w.copied = nil
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

func (w *web) List(context.Context, string, bool, func(Entry) error) error {
	return &source.Error{Kind: source.Unsupported, Place: w.name, Err: errors.New("a web server has no list of its files"), Hint: "name one file"}
}

// do sends one request, again when the server is busy, and returns an answer with a good status.
func (w *web) do(ctx context.Context, method string, header http.Header) (*http.Response, error) {
	client := &http.Client{Transport: w.t}
	wait := 200 * time.Millisecond
	for try := 1; ; try++ {
		r, err := http.NewRequestWithContext(ctx, method, w.url.String(), nil)
		if err != nil {
			return nil, w.faults.wrap(ctx, w.name, err, nil)
		}
		r.Header = header.Clone()
		if w.user != "" || w.password != "" {
			r.SetBasicAuth(w.user, w.password)
		}
		if w.token != "" {
			r.Header.Set("Authorization", "Bearer "+w.token)
		}
		resp, err := client.Do(r)
		if err == nil && resp.StatusCode < 300 {
			return resp, nil
		}
		var what *bucket.Fault
		busy := err != nil && !errors.Is(err, bucket.ErrIdle)
		if err == nil {
			resp.Body.Close()
			what, err = bucket.StatusFault(resp.StatusCode), errors.New(resp.Status)
			busy = resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented || resp.StatusCode == http.StatusTooManyRequests
		}
		if err = w.faults.wrap(ctx, w.name, err, what); !busy || try == bucket.Attempts || ctx.Err() != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
			wait *= 2
		}
	}
}

// Stat asks with HEAD, and where that is refused for the first byte.
func (w *web) Stat(ctx context.Context, path string) (source.Object, error) {
	resp, err := w.do(ctx, http.MethodHead, http.Header{})
	if err != nil && source.KindOf(err) != source.Unavailable && ctx.Err() == nil {
		resp, err = w.do(ctx, http.MethodGet, http.Header{"Range": {"bytes=0-0"}})
	}
	if err != nil {
		return source.Object{}, err
	}
	defer resp.Body.Close()
	o := source.Object{Path: path, Size: resp.ContentLength, ETag: resp.Header.Get("ETag")}
	if resp.StatusCode == http.StatusPartialContent {
		o.Size = whole(resp)
	}
	if t, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
		o.Modified = t.UTC()
	}
	return o, nil
}

// whole is the size of the file behind a range of it, -1 when unknown.
func whole(resp *http.Response) int64 {
	_, total, _ := strings.Cut(resp.Header.Get("Content-Range"), "/")
	if n, err := strconv.ParseInt(total, 10, 64); err == nil {
		return n
	}
	return -1
}

// Open reads ranges where the server gives them, else it first copies the file to the disk, once.
func (w *web) Open(ctx context.Context, o source.Object) (Content, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ranges {
		return &webContent{w: w, ctx: ctx, o: o}, nil
	}
	if w.copied != nil {
		return w.copied, nil
	}
	resp, err := w.do(ctx, http.MethodGet, http.Header{"Range": {"bytes=0-0"}})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode != http.StatusPartialContent:
		if w.copied, err = w.copy(ctx, resp, o); err != nil {
			return nil, err
		}
		return w.copied, nil
	case whole(resp) != o.Size:
		return nil, changed(w.name, "it changed while it was read")
	}
	w.ranges = true
	return &webContent{w: w, ctx: ctx, o: o}, nil
}

// copy takes the whole answer.
func (w *web) copy(ctx context.Context, resp *http.Response, o source.Object) (*tempContent, error) {
	f, err := os.CreateTemp("", "pitwall-download-")
	if err != nil {
		return nil, localFault("the folder for temporary files", err)
	}
	n, err := io.Copy(f, resp.Body)
	if err == nil && o.Size >= 0 && n != o.Size {
		err = changed(w.name, "it changed while it was read")
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, w.faults.wrap(ctx, w.name, err, nil)
	}
	return &tempContent{File: f, size: n}, nil
}

// Sized is a Content that knows its size although the listing did not.
type Sized interface{ Size() int64 }

// tempContent is a copy on the disk, removed when its store is closed.
type tempContent struct {
	*os.File
	size int64
}

func (c *tempContent) Size() int64      { return c.size }
func (c *tempContent) Check(bool) error { return nil }
func (c *tempContent) Growing() bool    { return false }
func (c *tempContent) Close() error     { return nil }

type webContent struct {
	w   *web
	ctx context.Context // of the run that reads
	o   source.Object
}

func (c *webContent) Check(bool) error { return nil }
func (c *webContent) Growing() bool    { return false }
func (c *webContent) Close() error     { return nil }

func (c *webContent) ReadAt(p []byte, off int64) (int, error) {
	wrap := func(err error) error { return c.w.faults.wrap(c.ctx, c.w.name, err, nil) }
	return resumed(p, off, c.o.Size, func(p []byte, off int64) (int, error) {
		h := http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", off, off+int64(len(p))-1)}}
		if c.o.ETag != "" && !strings.HasPrefix(c.o.ETag, "W/") {
			h.Set("If-Match", c.o.ETag)
		} else if !c.o.Modified.IsZero() {
			h.Set("If-Unmodified-Since", c.o.Modified.Format(http.TimeFormat))
		}
		resp, err := c.w.do(c.ctx, http.MethodGet, h)
		if err != nil {
			return 0, refused{err}
		}
		defer resp.Body.Close()
		if tag := resp.Header.Get("ETag"); resp.StatusCode != http.StatusPartialContent || tag != c.o.ETag {
			return 0, refused{changed(c.w.name, "it changed while it was read")}
		}
		return io.ReadFull(resp.Body, p)
	}, wrap)
}
