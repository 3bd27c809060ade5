package demo

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// lake is a small object store over a folder, which speaks as much of the protocol of S3 as pitwall asks for, and can
// be broken. Buckets are the folders below dir. Signatures are not checked.
type lake struct {
	dir string
	l   net.Listener
	// fault answers in place of the store and returns true, or lets the request pass; it may be nil.
	fault func(w http.ResponseWriter, r *http.Request) bool

	// slow is for the fault of a slow source.
	slow atomic.Bool

	mu   sync.Mutex // guards the files, so that conditional writes are atomic, and meta
	meta map[string]http.Header
}

// openLake opens one over the folder lake of the workspace, on a port of this machine alone, and writes its address
// into the spicepod. Nobody answers before serve runs.
func (w *Workspace) openLake() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.lake = &lake{dir: filepath.Join(w.Dir, "lake"), l: l, meta: map[string]http.Header{}}
	return w.Change(Edit{Old: "LAKE_ADDRESS", New: l.Addr().String()})
}

func (k *lake) close() error {
	if k == nil {
		return nil
	}
	return k.l.Close()
}

// serve answers until ctx ends.
func (k *lake) serve(ctx context.Context) error { return k.answer(ctx, k.l) }

// during answers for a while, on a listener that does not end with it.
func (k *lake) during(ctx context.Context, g *errgroup.Group) error {
	f, err := k.l.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	l, err := net.FileListener(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	g.Go(func() error { return k.answer(ctx, l) })
	return nil
}

func (k *lake) answer(ctx context.Context, l net.Listener) error {
	s := &http.Server{Handler: k, ReadHeaderTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return ctx }}
	var g errgroup.Group
	g.Go(func() error {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error { <-ctx.Done(); return s.Close() })
	return g.Wait()
}

// ServeHTTP implements http.Handler.
func (k *lake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if k.fault != nil && k.fault(w, r) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	switch {
	case key == "" && q.Has("list-type"):
		k.list(w, bucket, q.Get("prefix"), q.Get("delimiter"))
	case key == "":
		refuse(w, http.StatusNotImplemented, "NotImplemented", "this small store has no such thing")
	case !filepath.IsLocal(filepath.FromSlash(bucket + "/" + key)):
		refuse(w, http.StatusBadRequest, "InvalidURI", "not a key")
	case r.Method == http.MethodPut:
		k.put(w, r, bucket+"/"+key)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		k.get(w, r, bucket+"/"+key)
	case r.Method == http.MethodDelete:
		_ = os.Remove(k.file(bucket + "/" + key)) // S3 says the same of one that is not there
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusNotImplemented, "NotImplemented", "this small store has no "+r.Method)
	}
}

// refuse answers with an error of S3.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}

func (k *lake) file(key string) string { return filepath.Join(k.dir, filepath.FromSlash(key)) }

// tag is the ETag of an object, "" when there is none.
func (k *lake) tag(key string) string {
	b, err := os.ReadFile(k.file(key))
	if err != nil {
		return ""
	}
	sum := md5.Sum(b)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func (k *lake) get(w http.ResponseWriter, r *http.Request, key string) {
	f, err := os.Open(k.file(key))
	if err != nil {
		refuse(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.IsDir() {
		refuse(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	for name, v := range k.meta[key] {
		w.Header()[name] = v
	}
	w.Header().Set("ETag", k.tag(key))
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", st.ModTime(), f)
}

func (k *lake) put(w http.ResponseWriter, r *http.Request, key string) {
	old := k.tag(key)
	if m := r.Header.Get("If-Match"); r.Header.Get("If-None-Match") == "*" && old != "" || m != "" && m != old {
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
		return
	}
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		refuse(w, http.StatusNotImplemented, "NotImplemented", "this small store takes whole bodies only")
		return
	}
	name := k.file(key)
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(name), 0o755)
	}
	if err == nil {
		err = os.WriteFile(name, body, 0o644)
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, "InternalError", "the object can't be written")
		return
	}
	k.meta[key] = http.Header{}
	for n, v := range r.Header {
		if strings.HasPrefix(n, "X-Amz-Meta-") {
			k.meta[key][n] = v
		}
	}
	w.Header().Set("ETag", k.tag(key))
}

// list answers with all that is there: a demo has few objects.
func (k *lake) list(w http.ResponseWriter, bucket, prefix, delimiter string) {
	type object struct {
		Key, LastModified, ETag string
		Size                    int64
	}
	type group struct{ Prefix string }
	out := struct {
		XMLName        xml.Name `xml:"ListBucketResult"`
		Name, Prefix   string
		IsTruncated    bool
		Contents       []object
		CommonPrefixes []group
	}{Name: bucket, Prefix: prefix}
	root := filepath.Join(k.dir, bucket)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(rel)
		if !strings.HasPrefix(key, prefix) {
			return nil
		}
		if i := strings.Index(key[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			g := group{key[:len(prefix)+i+len(delimiter)]}
			if !slices.Contains(out.CommonPrefixes, g) {
				out.CommonPrefixes = append(out.CommonPrefixes, g)
			}
			return nil
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		out.Contents = append(out.Contents, object{key, st.ModTime().UTC().Format(time.RFC3339), k.tag(bucket + "/" + key), st.Size()})
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		refuse(w, http.StatusInternalServerError, "InternalError", "the bucket can't be listed")
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(out) // a client that is gone
}
