// Package watch delivers the versions of a spicepod as its files change (spec data-refresh 1.7). It
// starts no goroutine of its own; Run owns the one of fsnotify and ends it before it returns.
package watch

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"pitwall/config"
	"pitwall/config/secrets"
)

const (
	// debounce is how long the files must be quiet: editors save in several steps.
	debounce = 100 * time.Millisecond
	// poll is how often the content is compared without any event: network mounts send none, and
	// Docker and Kubernetes mounts lose some (spec data-refresh 10, issues 4895 and 4980).
	poll = 2 * time.Second
	// settle is how many debounce times a broken file must stay as it is before it is reported: a
	// file that was truncated is about to be written.
	settle = 5
)

// Version is one settled state of the spicepod.
type Version struct {
	// Config is nil when the spicepod is broken; Problems say why.
	Config   *config.Config
	Problems []config.Problem
	// Hash is the hash of the content, as Config.Hash; empty when there is no file.
	Hash string
	// At is when the version was read.
	At time.Time
	// Redactor masks the secrets of the version, also of a broken one.
	Redactor *secrets.Redactor
}

// Options of a Watcher. The zero value is ready for use.
type Options struct {
	// Load is handed to config.Inspect.
	Load config.LoadOptions
	// Have is the version the caller already has; it is not delivered again.
	Have *config.Config
	// Debounce and Poll are 100 ms and 2 s when zero.
	Debounce, Poll time.Duration
	// PollOnly does without events of the system.
	PollOnly bool
}

// EnsureDefaults fills in what is zero.
func (o *Options) EnsureDefaults() {
	if o.Debounce <= 0 {
		o.Debounce = debounce
	}
	if o.Poll <= 0 {
		o.Poll = poll
	}
}

// Watcher watches one spicepod, the files it refers to and those of its secret stores.
type Watcher struct {
	path string
	o    Options
	out  chan Version // closed by Run

	events *fsnotify.Watcher // nil when polling only
	names  map[string]bool   // absolute paths whose events matter

	last   string // fingerprint of the version delivered last
	broken string // fingerprint of a broken version that has to settle
	since  time.Time

	inputs  []string // the files of the last look
	content string   // what they held, see contentOf
}

// New returns a Watcher of the file or directory path; o may be nil. Call Run once.
func New(path string, o *Options) *Watcher {
	w := &Watcher{path: path, out: make(chan Version, 1)}
	if o != nil {
		w.o = *o
	}
	w.o.EnsureDefaults()
	return w
}

// Versions returns the channel of versions. It holds the newest version only: a receiver that is slow
// misses those in between. It is closed when Run returns.
func (w *Watcher) Versions() <-chan Version { return w.out }

// Run delivers the present version, unless it is Options.Have, and then each new one until ctx ends.
// It returns nil then. Without events of the system, such as when their limit is reached, it polls.
func (w *Watcher) Run(ctx context.Context) error {
	defer close(w.out)
	var events <-chan fsnotify.Event
	var errs <-chan error
	if !w.o.PollOnly {
		if fw, err := fsnotify.NewWatcher(); err == nil {
			defer fw.Close()
			w.events, events, errs = fw, fw.Events, fw.Errors
		}
	}
	timer := time.NewTimer(0) // the first look
	defer timer.Stop()
	ticker := time.NewTicker(w.o.Poll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case ev, ok := <-events:
			if !ok {
				events = nil
			} else if w.matters(ev.Name) {
				timer.Reset(w.o.Debounce)
			}
		case err, ok := <-errs:
			if !ok {
				errs = nil
			} else if errors.Is(err, fsnotify.ErrEventOverflow) {
				timer.Reset(w.o.Debounce)
			}
		case <-timer.C:
			w.look(timer)
		case <-ticker.C:
			// A spicepod of thousands of datasets takes a second to check: a poll looks at the bytes first.
			if w.broken != "" || w.content == "" || contentOf(w.inputs) != w.content {
				w.look(timer)
			}
		}
	}
}

// look reads the spicepod and delivers it when it differs. A broken one is delivered when it is the
// same some time later; timer is set for that.
func (w *Watcher) look(timer *time.Timer) {
	r := config.Inspect(w.path, w.o.Load)
	if w.follow(r) {
		// A directory is watched only now: what happened in it since it was read is not an event.
		timer.Reset(w.o.Debounce)
	}
	now := time.Now()
	print := fingerprint(r)
	w.inputs = slices.Concat([]string{r.Path}, r.Files, r.Inputs)
	w.content = contentOf(w.inputs)
	// A caller without any version gets the present one at once, whatever it is like.
	first := w.last == "" && w.o.Have == nil
	switch {
	case print == w.last:
		w.broken = ""
		return
	case w.last == "" && r.Config != nil && w.o.Have != nil && w.o.Have.Hash == r.Hash:
		w.last, w.broken = print, ""
		return
	case r.Config == nil && !first && print != w.broken:
		w.broken, w.since = print, now
		timer.Reset(settle * w.o.Debounce)
		return
	case r.Config == nil && !first && now.Sub(w.since) < settle*w.o.Debounce:
		timer.Reset(settle*w.o.Debounce - now.Sub(w.since))
		return
	}
	w.last, w.broken = print, ""
	select {
	case <-w.out: // the receiver has not taken the version before
	default:
	}
	w.out <- Version{Config: r.Config, Problems: r.Problems, Hash: r.Hash, At: now, Redactor: r.Redactor}
}
