// Package runtime runs the accelerations of a spicepod: it opens their engines, refreshes them from
// their sources when they are due, writes and loads snapshots, and applies changes of the spicepod
// while it runs.
//
// Runtime.Run owns every goroutine: one loop, one for the bus that publishes States, and one actor
// per dataset, which owns that dataset's mutable state and the jobs it starts (at most one refresh
// and one snapshot or bootstrap at a time). Whoever starts a goroutine waits for it.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	gort "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"

	"pitwall/config"
	"pitwall/config/secrets"
	"pitwall/config/watch"
	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/runtime/query"
	"pitwall/runtime/source"
	"pitwall/snapshots"
)

// Options of New. Config, DataDir and Engines are required.
type Options struct {
	Config *config.Config
	// DataDir holds the database files. One runtime at a time uses it.
	DataDir string
	// Engines by name.
	Engines []engines.Opener
	// Sources makes the source of a dataset; nil means Connect.
	Sources func(d *config.Dataset, dir string) (source.Source, error)
	// Versions delivers new versions of the spicepod; nil disables hot reload.
	Versions <-chan watch.Version
	ReadOnly bool
	// Reload says which versions are applied by themselves; empty is api.ReloadAll.
	Reload api.ReloadMode
	// Version is the build, shown in the State.
	Version string
	// Logger gets every event; nil discards.
	Logger *slog.Logger
	// Redactor masks the secrets of Config in text that came from outside; nil changes nothing.
	Redactor *secrets.Redactor
	// Seed of jitter and backoff; 0 takes a random one.
	Seed uint64
	// Instance is the identity under which this replica writes snapshots; empty takes SPICE_INSTANCE_ID, or the
	// name of the host.
	Instance string
}

// ErrLocked is returned by New when another process uses the data directory.
var ErrLocked = errors.New("data directory is in use")

// Runtime implements api.Console.
type Runtime struct {
	o     Options
	bus   *bus
	lock  *flock.Flock
	slots *semaphore.Weighted // concurrent loads and refreshes
	// compactions are those that run at a time: each holds rows of its dataset in memory.
	compactions *semaphore.Weighted
	ids         atomic.Uint64 // of commands
	// redactor is that of the newest version of the spicepod.
	redactor atomic.Pointer[secrets.Redactor]
	runs     atomic.Uint64 // of refreshes

	queries *query.Engine

	life context.Context // of the datasets; ended by end
	end  context.CancelFunc

	snaps    *snapshots.Manager // nil when snapshots are not configured or can't be used
	snapsErr string
	process  string // new for every Runtime

	orders chan order // commands about the spicepod, for loop; never closed

	mu      sync.Mutex
	cfg     *config.Config
	actors  map[string]*actor
	stopped bool
	rng     *rand.Rand
	tasks   map[api.CommandID]api.Task // running
}

var _ api.Console = (*Runtime)(nil)

// New prepares the data directory and the snapshot location, and makes the datasets known. It starts
// nothing. Close releases them when Run is never called.
func New(ctx context.Context, o Options) (*Runtime, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Sources == nil {
		o.Sources = Connect
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	if o.Reload == "" {
		o.Reload = api.ReloadAll
	}
	o.Instance = identity(o.Instance)
	process, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	r := &Runtime{o: o, process: process.String(), cfg: o.Config, actors: map[string]*actor{}, tasks: map[api.CommandID]api.Task{}, orders: make(chan order, 16),
		rng: rand.New(rand.NewPCG(o.Seed, o.Seed))}
	limit := o.Config.Runtime.DatasetLoadParallelism
	if limit <= 0 {
		limit = max(2, gort.NumCPU())
	}
	r.queries = query.New(catalog{r})
	r.redactor.Store(o.Redactor)
	r.slots, r.compactions = semaphore.NewWeighted(int64(limit)), semaphore.NewWeighted(1)
	if err := r.lockDataDir(); err != nil {
		return nil, err
	}
	r.openSnapshots(ctx)
	cs := configStatus(o.Config, 1)
	cs.Reload = o.Reload
	r.bus = newBus(api.State{Version: o.Version, Process: r.process, ReadOnly: o.ReadOnly, Config: cs, Store: r.storeStatus(),
		ReadyOnRegistration: o.Config.Runtime.ReadyState == config.ReadyOnRegistration})
	r.life, r.end = context.WithCancel(context.WithoutCancel(ctx))
	r.registerAll(o.Config)
	return r, nil
}

// lockDataDir takes the data directory for this process. A directory that can't be written to is not
// an error here: memory datasets still work, and each file dataset says what it can't do.
func (r *Runtime) lockDataDir() error {
	if err := os.MkdirAll(r.o.DataDir, 0o755); err != nil {
		return nil //nolint:nilerr // see above
	}
	name := filepath.Join(r.o.DataDir, ".pitwall.lock")
	l := flock.New(name)
	ok, err := l.TryLock()
	switch {
	case errors.Is(err, fs.ErrPermission) || err != nil && strings.Contains(err.Error(), "read-only"):
		return nil
	case err != nil:
		return fmt.Errorf("lock %s: %w", r.o.DataDir, err)
	case !ok:
		pid, _ := os.ReadFile(name)
		return fmt.Errorf("%w: %s is used by another pitwall (pid %s); stop it, or give this one another --data-dir",
			ErrLocked, r.o.DataDir, strings.TrimSpace(string(pid)))
	}
	r.lock = l
	_ = os.WriteFile(name, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o644)
	return nil
}

// openSnapshots opens the configured location. A location that can't be used switches snapshots off
// and shows why; the datasets load in every case (spec acceleration-snapshots 4.1).
func (r *Runtime) openSnapshots(ctx context.Context) {
	c := r.o.Config.Snapshots
	switch {
	case !c.Present:
		r.snapsErr = "the spicepod has no snapshots: block"
	case !c.Enabled:
		r.snapsErr = "snapshots.enabled is false"
	case c.Location == "":
		r.snapsErr = "snapshots.location is not set"
	default:
		params := map[string]string{}
		for k, v := range c.Params {
			params[k] = v.Reveal()
		}
		m, err := snapshots.Open(ctx, c.Location, r.o.Config.Dir, params)
		if err != nil {
			r.snapsErr = r.redact(err.Error())
			return
		}
		r.snaps = m
	}
}

func (r *Runtime) storeStatus() api.StoreStatus {
	c := r.o.Config.Snapshots
	s := api.StoreStatus{Location: c.Location, Enabled: r.snaps != nil, OnFailure: string(c.BootstrapOnFailureBehavior)}
	if c.Present && c.Enabled && r.snaps == nil {
		s.Err = r.snapsErr
	}
	return s
}

// Close releases what New took. Run does it itself.
func (r *Runtime) Close() error {
	r.end()
	err := r.queries.Close()
	if r.snaps != nil {
		err = errors.Join(err, r.snaps.Close())
	}
	if r.lock != nil {
		err = errors.Join(err, r.lock.Close())
	}
	return err
}

// Run runs until ctx ends: refreshes and snapshots that are under way are abandoned, which loses
// nothing, and everything that was started has ended when it returns.
func (r *Runtime) Run(ctx context.Context) error {
	busCtx, stopBus := context.WithCancel(context.WithoutCancel(ctx))
	var busDone sync.WaitGroup
	busDone.Go(func() { r.bus.run(busCtx) })

	r.emit(api.Info, "", "runtime", fmt.Sprintf("started %s with %d datasets", r.o.Config.Name, len(r.o.Config.Datasets)),
		api.Field{Key: "version", Value: r.o.Version}, api.Field{Key: "data_dir", Value: r.o.DataDir}, api.Field{Key: "seed", Value: fmt.Sprint(r.o.Seed)})
	if s := r.storeStatus(); s.Err != "" {
		r.emit(api.ErrorLevel, "", "snapshot", "snapshots are off: "+s.Err)
	}
	for _, p := range r.o.Config.Warnings {
		r.emit(api.Warn, "", "config", p.String())
	}
	defer context.AfterFunc(ctx, r.end)()
	for _, d := range r.o.Config.Datasets {
		r.actors[d.Name].start()
	}
	r.loop(ctx)

	r.bus.change(func(s *api.State) { s.ShuttingDown = true })
	r.queries.Stop() // they hold what the actors close
	r.mu.Lock()
	r.stopped = true
	actors := r.actors
	r.mu.Unlock()
	r.leaveOrders()
	r.end() // and with it all actors
	for _, a := range actors {
		<-a.done
	}
	r.emit(api.Info, "", "runtime", "stopped")
	stopBus()
	busDone.Wait()
	return r.Close()
}

// loop applies new versions of the spicepod until ctx ends.
func (r *Runtime) loop(ctx context.Context) {
	n := announcements{rt: r}
	n.follow(ctx, r.o.Config)
	defer n.stop()
	l := reload{rt: r, mode: r.o.Reload, whole: r.o.Config}
	versions := r.o.Versions
	for {
		select {
		case <-ctx.Done():
			return
		case v, ok := <-versions:
			if !ok {
				versions = nil
				continue
			}
			l.arrived(ctx, v)
		case o := <-r.orders:
			r.carryOut(ctx, &l, o)
		}
		n.follow(ctx, r.config())
	}
}

// registerAll makes all datasets known before anybody can ask for one, and so that readiness can't be
// reported before.
func (r *Runtime) registerAll(c *config.Config) {
	files := dataFiles(c, r.o.DataDir)
	var all []*actor
	for _, d := range c.Datasets {
		all = append(all, r.newActor(r.life, d, files[d.Name]))
	}
	r.register(all)
	r.bus.publish()
}

// dataFiles decides the database file of every file dataset: one file each. A file named in the
// spicepod that several datasets share gets each dataset's name before its extension.
func dataFiles(c *config.Config, dataDir string) map[string]string {
	named := map[string]string{}
	users := map[string]int{}
	for _, d := range c.Datasets {
		key := string(d.Acceleration.Engine) + "_file"
		if d.Acceleration.Engine == config.EngineCayenne {
			key = "cayenne_file_path" // a folder
		}
		if p, ok := d.Acceleration.Params[key]; ok && p.Reveal() != "" {
			f := p.Reveal()
			if !filepath.IsAbs(f) {
				f = filepath.Join(c.Dir, f)
			}
			named[d.Name] = filepath.Clean(f)
			users[named[d.Name]]++
		}
	}
	out := map[string]string{}
	for _, d := range c.Datasets {
		if e := d.Acceleration.Engine; d.Acceleration.Mode == config.ModeMemory || e == config.EngineArrow || e == config.EnginePostgres {
			continue // in memory, or at a server
		}
		f, ok := named[d.Name]
		switch {
		case !ok:
			f = filepath.Join(dataDir, fileName(d.Name)+"."+string(d.Acceleration.Engine))
		case users[f] > 1:
			ext := filepath.Ext(f)
			f = strings.TrimSuffix(f, ext) + "_" + fileName(d.Name) + ext
		}
		out[d.Name] = f
	}
	return out
}

// fileName makes a dataset's name safe as a file name; different names stay different.
func fileName(dataset string) string {
	var b strings.Builder
	for _, c := range []byte(dataset) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_', c == '-', c == '.' && b.Len() > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// emit records an event and logs it.
func (r *Runtime) emit(level api.Level, dataset, kind, message string, fields ...api.Field) {
	r.event(api.Event{Level: level, Dataset: dataset, Kind: kind, Message: message, Fields: fields})
}

func (r *Runtime) event(e api.Event) {
	e.At = time.Now()
	e.Message = r.redact(e.Message)
	for i, f := range e.Fields {
		e.Fields[i].Value = r.redact(f.Value)
	}
	r.bus.event(e)
	level := slogLevel(e.Level)
	if !r.o.Logger.Enabled(context.Background(), level) {
		return
	}
	args := make([]slog.Attr, 0, 3+len(e.Fields))
	args = append(args, slog.String("kind", e.Kind))
	if e.Dataset != "" {
		args = append(args, slog.String("dataset", e.Dataset))
	}
	for _, f := range e.Fields {
		args = append(args, slog.String(f.Key, f.Value))
	}
	if e.Command != 0 {
		args = append(args, slog.Uint64("command", uint64(e.Command)))
	}
	r.o.Logger.LogAttrs(context.Background(), level, e.Message, args...)
}

func slogLevel(l api.Level) slog.Level {
	switch l {
	case api.Debug:
		return slog.LevelDebug
	case api.Warn:
		return slog.LevelWarn
	case api.ErrorLevel:
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}

// redact masks secrets.
func (r *Runtime) redact(s string) string {
	if d := r.redactor.Load(); d != nil {
		return d.Redact(s)
	}
	return s
}

// random runs fn with the seeded source of randomness.
func (r *Runtime) random(fn func(*rand.Rand) time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fn(r.rng)
}
