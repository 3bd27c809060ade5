package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"pitwall/ui"
)

// Program is what a command that opens the console, or runs without one, was told.
type Program struct {
	Faces
	// Record is the file of a recording, empty for none.
	Record string
	// Logger is set for a program without a console.
	Logger *slog.Logger
}

// AddRecord declares --record.
func (p *Program) AddRecord(fs *pflag.FlagSet) {
	fs.StringVar(&p.Record, "record", "", "write what the console shows to this new file, for: pitwall replay")
}

// NeedsTerminal says that there is no terminal for a console.
func NeedsTerminal() error {
	if term.IsTerminal(os.Stdout.Fd()) && term.IsTerminal(os.Stdin.Fd()) {
		return nil
	}
	return &Exit{Code: ExitUsage, Err: errors.New("the console needs a terminal; without one, run: pitwall serve")}
}

// Together runs the others while first runs, and ends them with it. What broke the console, or hung up its
// terminal, has an exit code of its own.
func Together(ctx context.Context, first func(context.Context) error, others ...func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	ctx, quit := context.WithCancel(ctx)
	for _, run := range others {
		g.Go(func() error { return run(ctx) })
	}
	g.Go(func() error {
		defer quit()
		return first(ctx)
	})
	err := g.Wait()
	quit()
	if crash := (*ui.CrashError)(nil); errors.As(err, &crash) {
		return &Exit{Code: ExitCrash, Err: err}
	}
	if errors.Is(err, ui.ErrHangup) {
		return &Exit{Code: ExitInterrupted, Err: err}
	}
	return err
}

// Serve returns the command `serve`.
func Serve(run func(context.Context, Program) error) *cobra.Command {
	var p Program
	var format string
	c := &cobra.Command{
		Use: "serve", Short: "Run the spicepod without a console, logs on stderr", Args: cobra.NoArgs,
		Long: "Run the spicepod without a console. Every event is a line on stderr.\nSIGINT or SIGTERM stops it; what is being written is abandoned safely.",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if p.Logger, err = Logger(format, os.Stderr); err != nil {
				return err
			}
			return run(c.Context(), p)
		},
	}
	c.Flags().StringVar(&format, "log-format", "text", "text or json")
	p.Add(c.Flags(), "127.0.0.1:8090", "127.0.0.1:9090")
	p.AddRecord(c.Flags())
	return c
}

// Console returns the command `console`; off is the address of a face that is closed.
func Console(off string, run func(context.Context, Program) error) *cobra.Command {
	var p Program
	c := &cobra.Command{
		Use: "console", Short: "Open the console on the spicepod (the default command)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), p) },
	}
	p.Add(c.Flags(), off, off)
	p.AddRecord(c.Flags())
	return c
}

// Demo returns the command `demo`; list writes the scenarios.
func Demo(off string, list func(io.Writer) error, run func(context.Context, Program, io.Writer) error) *cobra.Command {
	var p Program
	var listed bool
	c := &cobra.Command{
		Use: "demo", Short: "Open the console on a workspace made on the spot", Args: cobra.NoArgs,
		Long: "Make a folder with generated data, a spicepod and a snapshot store, and open the console on it.\nThe folder is used again on the next run.",
		RunE: func(c *cobra.Command, _ []string) error {
			if listed {
				return list(c.OutOrStdout())
			}
			return run(c.Context(), p, c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&listed, "list", false, "list the scenarios")
	p.Add(c.Flags(), off, off)
	p.AddRecord(c.Flags())
	return c
}

// Attach says which runtime to attach to.
type Attach struct {
	// URL is that of its HTTP API, Key an API key, Metrics the address of the metrics of a Spice runtime.
	URL, Key, Metrics, Record string
	Client                    *http.Client
}

// AttachTo returns the command `attach`.
func AttachTo(run func(context.Context, Attach) error) *cobra.Command {
	var a Attach
	var roots string
	c := &cobra.Command{
		Use: "attach URL", Short: "Open the console on the runtime of another process", Args: cobra.ExactArgs(1),
		Long: "Open the console on the runtime of another process, by its HTTP API: a pitwall that was started with\n`pitwall serve` or with --http, or a plain Spice runtime, of which it shows what that API tells.\nQuitting leaves the runtime running.",
		RunE: func(c *cobra.Command, args []string) error {
			a.URL = args[0]
			transport := http.DefaultTransport.(*http.Transport).Clone()
			if roots != "" {
				pem, err := os.ReadFile(roots)
				if err != nil {
					return fmt.Errorf("--tls-root-certificate-file: %w", err)
				}
				pool := x509.NewCertPool()
				if !pool.AppendCertsFromPEM(pem) {
					return fmt.Errorf("--tls-root-certificate-file: %s holds no certificate", roots)
				}
				transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
			}
			a.Client = &http.Client{Transport: transport}
			defer a.Client.CloseIdleConnections()
			return run(c.Context(), a)
		},
	}
	c.Flags().StringVar(&a.Key, "api-key", "", "API key of the runtime (better in PITWALL_API_KEY)")
	c.Flags().StringVar(&roots, "tls-root-certificate-file", "", "PEM file with the certificates to trust")
	c.Flags().StringVar(&a.Metrics, "metrics-url", "", "metrics of a Spice runtime, such as http://host:9090/metrics")
	c.Flags().StringVar(&a.Record, "record", "", "write what the console shows to this new file, for: pitwall replay")
	return c
}

// Replay says what to play.
type Replay struct {
	File  string
	Speed float64
	// Seek goes forward from the beginning before it plays.
	Seek time.Duration
	Held bool
}

// ReplayOf returns the command `replay`.
func ReplayOf(run func(context.Context, Replay) error) *cobra.Command {
	var r Replay
	c := &cobra.Command{
		Use: "replay FILE", Short: "Open the console on a recording made with --record", Args: cobra.ExactArgs(1),
		Long: "Open the console on a recording made with --record: every screen as it was, at the speed of life or faster.\np holds it and has it go on, , and . go ten seconds back and forth, { and } change the speed.",
		RunE: func(c *cobra.Command, args []string) error {
			if r.Speed <= 0 {
				return fmt.Errorf("--speed is more than 0, not %g", r.Speed)
			}
			r.File = args[0]
			return run(c.Context(), r)
		},
	}
	c.Flags().Float64Var(&r.Speed, "speed", 1, "how many times faster than it was")
	c.Flags().DurationVar(&r.Seek, "seek", 0, "begin this long after the beginning")
	c.Flags().BoolVar(&r.Held, "held", false, "stand still at the beginning")
	return c
}
