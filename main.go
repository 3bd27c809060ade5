// Command pitwall runs the accelerations of a spicepod and shows them in a terminal console.
// This file only wires: flags, signals, exit codes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"charm.land/fang/v2"
	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"pitwall/demo"
	"pitwall/runtime"
	"pitwall/runtime/faces"
	"pitwall/runtime/launch"
	"pitwall/runtime/offline"
	"pitwall/ui"
	"pitwall/ui/cli"
	"pitwall/views"
)

// Set by the linker, see the Makefile.
var version, commit, date = "dev", "none", "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := fang.Execute(ctx, root(), fang.WithVersion(version), fang.WithCommit(commit),
		fang.WithErrorHandler(func(w io.Writer, _ fang.Styles, err error) {
			if e := (*cli.Exit)(nil); errors.As(err, &e) && e.Err == nil {
				return
			}
			fmt.Fprintln(w, "pitwall: "+err.Error())
		}))
	stop()
	os.Exit(cli.Code(err))
}

func root() *cobra.Command {
	var f cli.Common
	c := &cobra.Command{
		Use: "pitwall", Short: "The console and runtime for accelerated data",
		Long:              "pitwall runs the accelerations that a spicepod.yml declares and shows them live.\nWithout a command it opens the console on the spicepod of the current folder.",
		Args:              cobra.NoArgs,
		SilenceUsage:      true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return cli.FromEnv(c.Flags()) },
	}
	f.Add(c.PersistentFlags())
	con := console(&f)
	c.RunE = con.RunE
	c.Flags().AddFlagSet(con.Flags())
	c.AddCommand(con, demoCmd(&f), serve(&f), cli.Validate(), cli.Schema(), cli.Datasets(), cli.Status(), cli.Refresh(), cli.SQL(), cli.Events(), cli.Snapshots(offline.Open), cli.Doctor(offline.Doctor{}),
		cli.Version(cli.Build{Version: version, Commit: commit, Date: date}))
	return c
}

func serve(f *cli.Common) *cobra.Command {
	var n cli.Faces
	var format string
	c := &cobra.Command{
		Use: "serve", Short: "Run the spicepod without a console, logs on stderr", Args: cobra.NoArgs,
		Long: "Run the spicepod without a console. Every event is a line on stderr.\nSIGINT or SIGTERM stops it; what is being written is abandoned safely.",
		RunE: func(c *cobra.Command, _ []string) error {
			log, err := cli.Logger(format, os.Stderr)
			if err != nil {
				return err
			}
			s, err := open(c.Context(), launch.Options{Pod: f.Pod, DataDir: f.DataDir, ReadOnly: f.ReadOnly, Logger: log, HTTP: n.HTTP, Metrics: n.Metrics})
			if err != nil {
				return err
			}
			return errors.Join(s.Run(c.Context()), cli.Interrupted(c.Context()))
		},
	}
	c.Flags().StringVar(&format, "log-format", "text", "text or json")
	n.Add(c.Flags(), "127.0.0.1:8090", "127.0.0.1:9090")
	return c
}

func console(f *cli.Common) *cobra.Command {
	var n cli.Faces
	c := &cobra.Command{
		Use: "console", Short: "Open the console on the spicepod (the default command)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show(c.Context(), f, launch.Options{HTTP: n.HTTP, Metrics: n.Metrics}, nil)
		},
	}
	n.Add(c.Flags(), faces.Off, faces.Off)
	return c
}

func demoCmd(f *cli.Common) *cobra.Command {
	var n cli.Faces
	var o demo.Options
	var list bool
	c := &cobra.Command{
		Use: "demo", Short: "Open the console on a workspace made on the spot", Args: cobra.NoArgs,
		Long: "Make a folder with generated data, a spicepod and a snapshot store, and open the console on it.\nThe folder is used again on the next run.",
		RunE: func(c *cobra.Command, _ []string) error {
			if list {
				return demo.List(c.OutOrStdout())
			}
			w, err := demo.Prepare(o)
			if err != nil {
				return &cli.Exit{Code: cli.ExitNotWell, Err: err}
			}
			defer fmt.Fprintln(c.OutOrStdout(), "The demo's folder is "+w.Dir+" (used again next time; --fresh starts over).")
			f.Pod, f.DataDir = w.Pod, ""
			return show(c.Context(), f, launch.Options{Sources: w.Sources(runtime.Connect), HTTP: n.HTTP, Metrics: n.Metrics}, func(ctx context.Context, s *launch.Session) error {
				return w.Run(ctx, s.Runtime.Report("generate demo data"))
			})
		},
	}
	o.Add(c.Flags())
	c.Flags().BoolVar(&list, "list", false, "list the scenarios")
	n.Add(c.Flags(), faces.Off, faces.Off)
	return c
}

// show runs the runtime, beside it what the caller adds, and the console on top; when the console
// ends, so does the rest.
func show(ctx context.Context, f *cli.Common, o launch.Options, beside func(context.Context, *launch.Session) error) error {
	if !term.IsTerminal(os.Stdout.Fd()) || !term.IsTerminal(os.Stdin.Fd()) {
		return &cli.Exit{Code: cli.ExitUsage, Err: errors.New("the console needs a terminal; without one, run: pitwall serve")}
	}
	o.Pod, o.DataDir, o.ReadOnly = f.Pod, f.DataDir, f.ReadOnly
	s, err := open(ctx, o)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	ctx, quit := context.WithCancel(ctx)
	g.Go(func() error { return s.Run(ctx) })
	if beside != nil {
		g.Go(func() error { return beside(ctx, s) })
	}
	g.Go(func() error {
		defer quit()
		return ui.Run(ctx, s.Runtime, views.All(), ui.Options{Version: version, NoColor: f.NoColor, ASCII: f.ASCII, Theme: f.Theme, LogFile: s.LogFile})
	})
	err = g.Wait()
	if crash := (*ui.CrashError)(nil); errors.As(err, &crash) {
		return &cli.Exit{Code: cli.ExitCrash, Err: err}
	}
	if errors.Is(err, ui.ErrHangup) {
		return &cli.Exit{Code: cli.ExitInterrupted, Err: err}
	}
	return err
}

// open opens the session and gives its errors their exit codes.
func open(ctx context.Context, o launch.Options) (*launch.Session, error) {
	o.Version = version
	s, err := launch.Open(ctx, o)
	switch invalid := (*launch.InvalidError)(nil); {
	case errors.As(err, &invalid), errors.Is(err, runtime.ErrLocked):
		return nil, &cli.Exit{Code: cli.ExitNotWell, Err: err}
	case err != nil:
		return nil, &cli.Exit{Code: cli.ExitUnreachable, Err: err}
	}
	return s, nil
}
