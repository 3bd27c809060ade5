// Package launch opens a spicepod with everything it needs: the engines that are built in, the
// runtime, and the watcher that reloads the file while it runs.
//
// Session.Run owns the goroutines of the runtime, the watcher and the network faces, and waits for them.
package launch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"pitwall/config"
	"pitwall/config/watch"
	"pitwall/engines"
	"pitwall/engines/arrowmem"
	"pitwall/engines/cayenne"
	"pitwall/engines/duckdb"
	"pitwall/engines/postgres"
	"pitwall/engines/sqlite"
	"pitwall/runtime"
	"pitwall/runtime/api"
	"pitwall/runtime/faces"
	"pitwall/runtime/source"
)

// Options of Open.
type Options struct {
	// Pod is a spicepod file or a folder that holds one.
	Pod string
	// DataDir holds the database files; empty means .spice/data beside the spicepod.
	DataDir  string
	ReadOnly bool
	// Reload says which versions of the spicepod are applied by themselves; empty is all of them.
	Reload api.ReloadMode
	// HTTP, Flight and Metrics are the addresses of the network faces, see faces.Options; empty leaves them closed.
	HTTP, Flight, Metrics string
	// Version is the build.
	Version string
	// Logger gets every event; nil writes them as JSON to pitwall.log beside the data directory, which
	// is what a console needs: nothing may be written over its frame.
	Logger *slog.Logger
	// Seed of jitter and backoff; 0 takes a random one.
	Seed uint64
	// Instance is the identity of this replica, see runtime.Options.
	Instance string
	// Sources makes the sources; nil means runtime.Connect.
	Sources func(d *config.Dataset, dir string) (source.Source, error)
}

// Engines are the engines that are built in.
func Engines() []engines.Opener {
	return []engines.Opener{duckdb.Opener{}, sqlite.Opener{}, cayenne.Opener{}, arrowmem.Opener{}, postgres.Opener{}}
}

// InvalidError says that the spicepod has errors; nothing runs.
type InvalidError struct {
	Path     string
	Problems []config.Problem
}

// Error lists the problems with their excerpts.
func (e *InvalidError) Error() string {
	var b strings.Builder
	for _, p := range config.Errors(e.Problems) {
		b.WriteString(p.Detail() + "\n")
	}
	n := len(config.Errors(e.Problems))
	fmt.Fprintf(&b, "the spicepod %s has %d error(s)", e.Path, n)
	return b.String()
}

// Session is an opened spicepod.
type Session struct {
	Runtime *runtime.Runtime
	Config  *config.Config
	// DataDir is where the database files are; LogFile where the log is, empty when the caller has it.
	DataDir, LogFile string
	// Faces are the open network faces.
	Faces   *faces.Faces
	watcher *watch.Watcher
	log     *os.File
}

// Open loads the spicepod and prepares the runtime. An *InvalidError lists what is wrong with the
// file; runtime.ErrLocked says that another process uses the data directory.
func Open(ctx context.Context, o Options) (*Session, error) {
	r := config.Inspect(o.Pod, config.LoadOptions{})
	if r.Config == nil {
		return nil, &InvalidError{r.Path, r.Problems}
	}
	dir := o.DataDir
	if dir == "" {
		dir = filepath.Join(r.Config.Dir, ".spice", "data")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &Session{Config: r.Config, DataDir: dir}
	if o.Logger == nil {
		if o.Logger, err = s.openLog(); err != nil {
			return nil, err
		}
	}
	s.watcher = watch.New(r.Config.Path, &watch.Options{Have: r.Config})
	s.Runtime, err = runtime.New(ctx, runtime.Options{Config: r.Config, DataDir: dir, Engines: Engines(), Versions: s.watcher.Versions(),
		ReadOnly: o.ReadOnly, Reload: o.Reload, Version: o.Version, Logger: o.Logger, Seed: o.Seed, Instance: o.Instance, Sources: o.Sources, Redactor: r.Redactor})
	if err != nil {
		return nil, errors.Join(err, s.closeLog())
	}
	s.Faces, err = faces.Open(s.Runtime, faces.Options{HTTP: o.HTTP, Flight: o.Flight, Metrics: o.Metrics,
		Auth: r.Config.Runtime.Auth, TLS: r.Config.Runtime.TLS, Version: o.Version})
	if err != nil {
		return nil, errors.Join(err, s.Runtime.Close(), s.closeLog())
	}
	if at := s.Faces.HTTP(); at != "" {
		scheme := "http"
		if r.Config.Runtime.TLS.Enabled {
			scheme = "https"
		}
		s.Runtime.Listens(scheme + "://" + at)
	}
	if at := s.Faces.Addresses(); at != "" {
		o.Logger.Info("listening on " + at)
	}
	return s, nil
}

// maxLog is the size in bytes at which a log is set aside at the next start.
const maxLog = 16 << 20

// openLog opens the log file. Where it can't be written, as in a read-only folder, there is none.
func (s *Session) openLog() (*slog.Logger, error) {
	dir := filepath.Dir(s.DataDir)
	name := filepath.Join(dir, "pitwall.log")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return slog.New(slog.DiscardHandler), nil //nolint:nilerr // see above
	}
	if st, err := os.Stat(name); err == nil && st.Size() > maxLog {
		if err := os.Rename(name, name+".old"); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return slog.New(slog.DiscardHandler), nil //nolint:nilerr // see above
	}
	s.log, s.LogFile = f, name
	return slog.New(slog.NewJSONHandler(f, nil)), nil
}

func (s *Session) closeLog() error {
	if s.log == nil {
		return nil
	}
	return s.log.Close()
}

// Run runs until ctx ends and everything it started has ended.
func (s *Session) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.Runtime.Run(ctx) })
	g.Go(func() error { return s.watcher.Run(ctx) })
	g.Go(func() error { return s.Faces.Run(ctx) })
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, s.closeLog())
}
