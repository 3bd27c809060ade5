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
	"github.com/spf13/cobra"

	"pitwall/demo"
	"pitwall/runtime"
	"pitwall/runtime/faces"
	"pitwall/runtime/launch"
	"pitwall/runtime/offline"
	"pitwall/runtime/replay"
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
	var f flags
	c := &cobra.Command{
		Use: "pitwall", Short: "The console and runtime for accelerated data",
		Long:              "pitwall runs the accelerations that a spicepod.yml declares and shows them live.\nWithout a command it opens the console on the spicepod of the current folder.",
		Args:              cobra.NoArgs,
		SilenceUsage:      true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return cli.FromEnv(c.Flags()) },
	}
	f.Add(c.PersistentFlags())
	con := cli.Console(faces.Off, f.console)
	c.RunE = con.RunE
	c.Flags().AddFlagSet(con.Flags())
	c.AddCommand(con, demoCmd(&f), cli.Serve(f.serve), f.screen().Attach(), f.screen().Replay(), cli.Validate(), cli.Schema(), cli.Datasets(), cli.Status(), cli.Refresh(), cli.SQL(), cli.Events(), cli.Why(), cli.Incident(), cli.Snapshots(offline.Open), cli.Stream(), cli.Doctor(offline.Doctor{}), cli.Config(),
		cli.Version(cli.Build{Version: version, Commit: commit, Date: date}))
	return c
}

func demoCmd(f *flags) *cobra.Command {
	var o demo.Options
	c := cli.Demo(faces.Off, demo.List, func(ctx context.Context, p cli.Program, out io.Writer) error {
		return f.demo(ctx, p, o, out)
	})
	o.Add(c.Flags())
	return c
}

// demo opens the console on the demo.
func (f *flags) demo(ctx context.Context, p cli.Program, o demo.Options, out io.Writer) error {
	w, err := demo.Prepare(o)
	if err != nil {
		return &cli.Exit{Code: cli.ExitNotWell, Err: err}
	}
	defer fmt.Fprintln(out, "The demo's folder is "+w.Dir+" ("+w.Again()+").")
	f.Pod, f.DataDir = w.Pod, ""
	return show(ctx, f, p, launch.Options{Sources: w.Sources(runtime.Connect)}, func(ctx context.Context, s *launch.Session) error {
		return w.Run(ctx, s.Runtime.Report("generate demo data"))
	})
}

// console opens the console on the spicepod; where there is none it asks what to do.
func (f *flags) console(ctx context.Context, p cli.Program) error {
	if err := cli.NeedsTerminal(); err != nil {
		return err
	}
	if wanted, err := f.FirstRun(ctx); err != nil {
		return err
	} else if wanted {
		return f.demo(ctx, p, demo.Default(), os.Stdout)
	}
	return show(ctx, f, p, launch.Options{}, nil)
}

// flags are the flags of every command.
type flags struct{ cli.Common }

func (f *flags) screen() *cli.Screen {
	return &cli.Screen{Common: &f.Common, Version: version, Views: views.All}
}

// show runs the runtime, beside it what the caller adds, and the console on top; when the console
// ends, so does the rest.
func show(ctx context.Context, f *flags, p cli.Program, o launch.Options, beside func(context.Context, *launch.Session) error) error {
	if err := cli.NeedsTerminal(); err != nil {
		return err
	}
	o.Pod, o.DataDir, o.ReadOnly, o.HTTP, o.Flight, o.Metrics, o.Reload = f.Pod, f.DataDir, f.ReadOnly, p.HTTP, p.Flight, p.Metrics, p.Reload
	s, err := open(ctx, o)
	if err != nil {
		return err
	}
	runs := []func(context.Context) error{s.Run}
	if beside != nil {
		runs = append(runs, func(ctx context.Context) error { return beside(ctx, s) })
	}
	return f.screen().Show(ctx, s.Runtime, p.Record, s.LogFile, runs...)
}

func (f *flags) serve(ctx context.Context, p cli.Program) error {
	s, err := open(ctx, launch.Options{Pod: f.Pod, DataDir: f.DataDir, ReadOnly: f.ReadOnly, Reload: p.Reload, Logger: p.Logger, HTTP: p.HTTP, Flight: p.Flight, Metrics: p.Metrics})
	if err != nil {
		return err
	}
	_, rec, err := replay.Record(s.Runtime, p.Record)
	if err != nil {
		return &cli.Exit{Code: cli.ExitUsage, Err: err}
	}
	return errors.Join(cli.Together(ctx, s.Run, rec), cli.Interrupted(ctx))
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
