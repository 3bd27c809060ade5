package runtime

import (
	"context"
	"os"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/doctor"
)

// Doctor implements api.Console.
func (r *Runtime) Doctor(ctx context.Context) ([]api.Finding, error) {
	r.mu.Lock()
	cfg := r.cfg
	r.mu.Unlock()
	s := r.State()
	return doctor.Check(ctx, doctor.Input{Config: cfg, Store: r.snaps, StoreErr: r.snapsErr, State: s, ReadOnly: s.ReadOnly,
		Getenv: os.Getenv, Now: time.Now()}), ctx.Err()
}
