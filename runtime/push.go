package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/runtime/source"
	"pitwall/runtime/source/push"
)

var _ api.Pusher = (*Runtime)(nil)

// Push applies events to a dataset that takes them; see api.Pusher.
func (r *Runtime) Push(ctx context.Context, dataset string, p api.Push) (api.Pushed, error) {
	r.mu.Lock()
	a := r.actors[dataset]
	r.mu.Unlock()
	refuse := func(why api.PushReason, again time.Duration, format string, args ...any) error {
		return &api.PushError{Reason: why, Again: again, Message: r.redact(dataset + ": " + fmt.Sprintf(format, args...))}
	}
	var to *push.Source
	if a != nil {
		to = a.pushed.Load()
	}
	switch {
	case to == nil:
		return api.Pushed{}, refuse(api.PushNoDataset, 0, "there is no dataset of this name that takes changes; one has from: cdc:name")
	case r.o.ReadOnly:
		return api.Pushed{}, refuse(api.PushReadOnly, 0, "read-only: start without --read-only to change things")
	}
	n, again, err := to.Push(ctx, p.Body, p.Key)
	var bad *push.BadError
	switch {
	case err == nil:
		return api.Pushed{Applied: n, Again: again}, nil
	case errors.As(err, &bad):
		return api.Pushed{}, refuse(api.PushBad, 0, "%v", bad)
	case errors.Is(err, push.ErrBusy):
		return api.Pushed{}, refuse(api.PushBusy, time.Second, "%v: send them again in a moment", err)
	case errors.Is(err, push.ErrStopped):
		return api.Pushed{}, refuse(api.PushStopped, 5*time.Second, "%v: it is paused, stopped or not open yet", err)
	default:
		return api.Pushed{}, err
	}
}

// connectStream makes the stream of the dataset. What is sent to a dataset goes to the source that was made last.
func (a *actor) connectStream(cfg *config.Dataset) (source.Streamer, error) {
	if cfg.Connector != "cdc" {
		return ConnectStream(cfg, a.rt.o.Config.Dir)
	}
	s := push.New(cfg.From)
	a.pushed.Store(s)
	return s, nil
}
