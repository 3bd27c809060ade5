package runtime

import (
	"context"
	"fmt"
	"time"

	"pitwall/config"
	"pitwall/runtime/api"
)

// watcher is a source that tells when it changed.
type watcher interface {
	Watch(ctx context.Context, changed func()) error
}

// filesChanged is the message of a source that changed.
type filesChanged struct{}

// watchFiles has changes of the source's files start refreshes, where file_watcher asks for it (spec
// data-refresh 2.8). It begins with the first successful open and ends with the actor.
func (a *actor) watchFiles() {
	w, ok := a.src.(watcher)
	if !ok || a.watching || !a.cfg().FileWatcher() {
		return
	}
	a.watching = true
	changed := func() {
		select {
		case a.inbox <- filesChanged{}:
		case <-a.ctx.Done():
		}
	}
	a.jobs.Go(func() {
		for {
			err := w.Watch(a.ctx, changed)
			if err == nil {
				return
			}
			f := a.explain(err)
			a.emit(api.Warn, "refresh", fmt.Sprintf("file_watcher: %s; it looks again in %s", f.Message, watchAgain), hintField(f.Hint)...)
			select {
			case <-a.ctx.Done():
				return
			case <-time.After(watchAgain):
				changed() // perhaps they did meanwhile; otherwise nothing is loaded
			}
		}
	})
}

// watchAgain is how long a watcher that failed, such as of a folder that is gone, waits for its next try.
const watchAgain = 30 * time.Second

// filesChanged starts a refresh, after the one that runs: it may have read the files before the change.
func (a *actor) filesChanged() {
	switch {
	case !a.cfg().Acceleration.Enabled || a.cfg().Acceleration.RefreshMode == config.RefreshChanges:
	case a.st.Held:
		a.missedChange = true
	case a.run != nil || a.next != nil:
		if a.next == nil {
			a.next = &request{trigger: "file_watcher"}
		}
	default:
		a.ask(request{trigger: "file_watcher"}, nil)
	}
}
