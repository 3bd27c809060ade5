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

// changed is the message that what the dataset is loaded from may have changed.
type changed struct {
	// trigger of the refresh that it starts.
	trigger string
}

const byWatcher = "file_watcher"

// watchFiles has changes of the source's files start refreshes, where file_watcher asks for it (spec
// data-refresh 2.8). It begins with the first successful open and ends with the actor.
func (a *actor) watchFiles() {
	w, ok := a.src.(watcher)
	if !ok || a.watching || !a.cfg().FileWatcher() {
		return
	}
	a.watching = true
	tell := func() {
		select {
		case a.inbox <- changed{byWatcher}:
		case <-a.ctx.Done():
		}
	}
	a.jobs.Go(func() {
		for {
			err := w.Watch(a.ctx, tell)
			if err == nil {
				return
			}
			f := a.explain(err)
			a.emit(api.Warn, "refresh", fmt.Sprintf("file_watcher: %s; it looks again in %s", f.Message, watchAgain), hintField(f.Hint)...)
			select {
			case <-a.ctx.Done():
				return
			case <-time.After(watchAgain):
				tell() // perhaps they did meanwhile; otherwise nothing is loaded
			}
		}
	})
}

// watchAgain is how long a watcher that failed, such as of a folder that is gone, waits for its next try.
const watchAgain = 30 * time.Second

// sourceChanged starts a refresh, after the one that runs: it may have read before the change. One that waits
// will read what there is then.
func (a *actor) sourceChanged(trigger string) {
	switch {
	case !a.cfg().Acceleration.Enabled || a.cfg().Acceleration.RefreshMode == config.RefreshChanges:
	case a.st.Held:
		a.missed = trigger
	case a.next != nil || a.pending != nil:
	case a.run != nil:
		a.next = &request{trigger: trigger}
	default:
		a.ask(request{trigger: trigger}, nil)
	}
}
