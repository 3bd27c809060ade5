package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	attached "pitwall/runtime/remote"
	"pitwall/runtime/replay"
	"pitwall/ui/settings"
)

// attach says which runtime to attach to.
type attach struct {
	// Name is that of a context, or the URL again; URL is that of its HTTP API, Key an API key, Metrics the address of
	// the metrics of a Spice runtime.
	Name, URL, Key, Metrics string
	Record                  replay.Options
	ReadOnly                bool
	Client                  *http.Client
}

// contextNamed makes of a context of the settings what to attach to. The error names the context and what it lacks.
func contextNamed(s *settings.Settings, name string) (attach, error) {
	c, ok := s.Contexts[name]
	if !ok {
		return attach{}, fmt.Errorf("%s names no context %q", settings.Path(), name)
	}
	key, err := c.Key()
	if err != nil {
		return attach{}, fmt.Errorf("context %s: %w", name, err)
	}
	a := attach{Name: name, URL: c.URL, Key: key, Metrics: c.Metrics, ReadOnly: c.ReadOnly}
	if a.Client, err = trusting(c.CAFile); err != nil {
		return attach{}, fmt.Errorf("context %s: %w", name, err)
	}
	return a, nil
}

// trusting returns a client that trusts the certificates of a PEM file too; the system's only when there is none.
func trusting(roots string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if roots == "" {
		return &http.Client{Transport: transport}, nil
	}
	pem, err := os.ReadFile(roots)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", roots)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport}, nil
}

// Attach returns the command `attach`.
func (s *Screen) Attach() *cobra.Command {
	var a attach
	var roots string
	c := &cobra.Command{
		Use: "attach URL|CONTEXT", Short: "Open the console on the runtime of another process", Args: cobra.ExactArgs(1),
		Long: "Open the console on the runtime of another process, by its HTTP API: a pitwall that was started with\n`pitwall serve` or with --http, or a plain Spice runtime, of which it shows what that API tells.\nCONTEXT is a name of the contexts in config.yml. Quitting leaves the runtime running.",
		RunE: func(c *cobra.Command, args []string) error {
			at := args[0]
			mine, err := settings.Load(settings.Path())
			if err != nil {
				return &Exit{ExitUsage, err}
			}
			if _, known := mine.Contexts[at]; known {
				x, err := contextNamed(mine, at)
				if err != nil {
					return &Exit{ExitUsage, err}
				}
				x.Record = a.Record
				if a.Key != "" {
					x.Key = a.Key
				}
				a = x
			} else {
				a.Name, a.URL = at, at
				if a.Client, err = trusting(roots); err != nil {
					return &Exit{ExitUsage, fmt.Errorf("--tls-root-certificate-file: %w", err)}
				}
			}
			defer a.Client.CloseIdleConnections()
			if err := NeedsTerminal(); err != nil {
				return err
			}
			r, err := s.dial(c.Context(), a)
			if err != nil {
				return &Exit{ExitUnreachable, err}
			}
			return s.Show(c.Context(), r, a.Record, "", r.Run)
		},
	}
	c.Flags().StringVar(&a.Key, "api-key", "", "API key of the runtime (better in PITWALL_API_KEY)")
	c.Flags().StringVar(&roots, "tls-root-certificate-file", "", "PEM file with the certificates to trust")
	c.Flags().StringVar(&a.Metrics, "metrics-url", "", "metrics of a Spice runtime, such as http://host:9090/metrics")
	addRecord(&a.Record, c.Flags())
	return c
}

// dial connects to the runtime of another process.
func (s *Screen) dial(ctx context.Context, a attach) (*attached.Remote, error) {
	return attached.Open(ctx, attached.Options{URL: a.URL, Name: a.Name, Key: a.Key, Metrics: a.Metrics, ReadOnly: s.Common.ReadOnly || a.ReadOnly, Client: a.Client})
}
