package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"pitwall/runtime/api"
	"pitwall/runtime/replay"
	"pitwall/ui"
)

// Program is what a command that opens the console, or runs without one, was told.
type Program struct {
	Faces
	// Record says what to record, and where.
	Record replay.Options
	// Reload says which changes of the spicepod are applied by themselves.
	Reload api.ReloadMode
	// Logger is set for a program without a console.
	Logger *slog.Logger
}

// addRecord declares --record and what goes with it.
func addRecord(o *replay.Options, fs *pflag.FlagSet) {
	fs.StringVar(&o.Path, "record", "", "write what the console shows to this new file, for: pitwall replay")
	fs.BoolVar(&o.Rows, "record-rows", false, "record the statements of SQL and the first rows of their results, too")
}

const reloadHelp = "all; safe, where those wait that drop local data; or hand, where all wait"

// addReload declares --reload.
func (p *Program) addReload(c *cobra.Command, mode api.ReloadMode) {
	text := c.Flags().String("reload", string(mode), "which changes of the spicepod are applied by themselves: "+reloadHelp)
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if p.Reload = api.ReloadMode(*text); !slices.Contains(api.ReloadModes(), p.Reload) {
			return fmt.Errorf("--reload is all, safe or hand, not %q", *text)
		}
		return run(c, args)
	}
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
	p.Add(c.Flags(), "127.0.0.1:8090", "127.0.0.1:50051", "127.0.0.1:9090")
	addRecord(&p.Record, c.Flags())
	p.addReload(c, api.ReloadAll)
	return c
}

// Console returns the command `console`; off is the address of a face that is closed.
func Console(off string, run func(context.Context, Program) error) *cobra.Command {
	var p Program
	c := &cobra.Command{
		Use: "console", Short: "Open the console on the spicepod (the default command)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), p) },
	}
	p.Add(c.Flags(), off, off, off)
	addRecord(&p.Record, c.Flags())
	p.addReload(c, api.ReloadSafe)
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
	p.Add(c.Flags(), off, off, off)
	addRecord(&p.Record, c.Flags())
	p.addReload(c, api.ReloadSafe)
	return c
}
