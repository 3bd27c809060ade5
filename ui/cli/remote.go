package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pitwall/runtime/api"
)

// DefaultEndpoint is where `pitwall serve` answers by default.
const DefaultEndpoint = api.DefaultEndpoint

// remote is another runtime, reached over HTTP.
type remote struct {
	endpoint, key, roots, format string
	client                       *http.Client
}

// flags declares the flags of a command that talks to a runtime.
func (r *remote) flags(fs *pflag.FlagSet) {
	fs.StringVar(&r.endpoint, "http-endpoint", DefaultEndpoint, "the runtime to talk to")
	fs.StringVar(&r.key, "api-key", "", "API key of the runtime (better in PITWALL_API_KEY)")
	fs.StringVar(&r.roots, "tls-root-certificate-file", "", "PEM file with the certificates to trust")
}

// listing declares --format, too.
func (r *remote) listing(fs *pflag.FlagSet) {
	r.flags(fs)
	r.formats(fs)
}

func (r *remote) formats(fs *pflag.FlagSet) {
	fs.StringVar(&r.format, "format", "table", "table, json or csv")
}

// check looks at the flags before anything is sent.
func (r *remote) check(*cobra.Command, []string) error {
	if !strings.Contains(r.endpoint, "://") {
		r.endpoint = "http://" + r.endpoint
	}
	r.endpoint = strings.TrimSuffix(r.endpoint, "/")
	if r.format != "" && !slices.Contains([]string{"table", "json", "csv"}, r.format) {
		return fmt.Errorf("--format is table, json or csv, not %q", r.format)
	}
	r.client = &http.Client{}
	if r.roots == "" {
		return nil
	}
	pem, err := os.ReadFile(r.roots)
	if err != nil {
		return fmt.Errorf("--tls-root-certificate-file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("--tls-root-certificate-file: %s holds no certificate", r.roots)
	}
	r.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, Proxy: http.ProxyFromEnvironment}
	return nil
}

// call sends a request. The caller closes the body of the answer, which is one of success.
func (r *remote) call(ctx context.Context, method, path string, body []byte, header map[string]string) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, method, r.endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		q.Header.Set(k, v)
	}
	if r.key != "" {
		q.Header.Set("X-API-Key", r.key)
	}
	a, err := r.client.Do(q)
	switch {
	case ctx.Err() != nil:
		return nil, &Exit{Code: ExitInterrupted}
	case err != nil:
		return nil, &Exit{ExitUnreachable, fmt.Errorf("no runtime answers at %s: %w; start one with: pitwall serve, or give another --http-endpoint", r.endpoint, errors.Unwrap(err))}
	case a.StatusCode < 300:
		return a, nil
	}
	defer a.Body.Close()
	return nil, refusedBy(a)
}

// refusedBy makes an error of an answer that is none of success.
func refusedBy(a *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(a.Body, 1<<20))
	if err != nil {
		return &Exit{ExitUnreachable, err}
	}
	var m struct{ Message string }
	if json.Unmarshal(text, &m) == nil && m.Message != "" {
		text = []byte(m.Message)
	}
	code := ExitNotWell
	switch a.StatusCode {
	case http.StatusNotFound, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		code = ExitUsage
	}
	return &Exit{code, fmt.Errorf("%s", strings.TrimSpace(string(text)))}
}

// get reads a JSON answer into v.
func (r *remote) get(ctx context.Context, path string, v any) error {
	a, err := r.call(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	return json.NewDecoder(a.Body).Decode(v)
}

// copy writes an answer as it comes.
func (r *remote) copy(ctx context.Context, w io.Writer, path string) error {
	a, err := r.call(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	_, err = io.Copy(w, a.Body)
	return err
}
