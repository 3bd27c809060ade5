package offline

import (
	"context"
	"os"
	"time"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/runtime/doctor"
	"pitwall/runtime/launch"
)

// Doctor checks a spicepod and its store without a runtime. The errors are *api.CommandError of reason Unsound,
// for a spicepod with errors.
type Doctor struct{}

// load reads the spicepod.
func load(pod string) (*config.Config, error) {
	r := config.Inspect(pod, config.LoadOptions{})
	if r.Config == nil {
		return nil, refusal(api.Unsound, "%s", &launch.InvalidError{Path: r.Path, Problems: r.Problems})
	}
	return r.Config, nil
}

// Check goes through the production checklist.
func (Doctor) Check(ctx context.Context, pod string, readOnly bool) ([]api.Finding, error) {
	cfg, err := load(pod)
	if err != nil {
		return nil, err
	}
	in := doctor.Input{Config: cfg, ReadOnly: readOnly, Getenv: os.Getenv, Now: time.Now()}
	s := &store{redactor: cfg.Redactor()}
	switch c := cfg.Snapshots; {
	case !c.Present:
		in.StoreErr = "the spicepod has no snapshots: block"
	case !c.Enabled:
		in.StoreErr = "snapshots.enabled is false"
	case c.Location == "":
		in.StoreErr = "snapshots.location is not set"
	default:
		if err := s.open(ctx, cfg.Dir, api.StoreOptions{Location: c.Location, Params: revealed(cfg)}); err != nil {
			in.StoreErr = err.Error()
			break
		}
		defer s.m.Close()
		in.Store = s.m
	}
	return doctor.Check(ctx, in), ctx.Err()
}

// Alerts writes Prometheus rules for the datasets of the spicepod.
func (Doctor) Alerts(pod string) ([]byte, error) {
	cfg, err := load(pod)
	if err != nil {
		return nil, err
	}
	return doctor.Alerts(cfg, time.Now())
}

// Dashboard writes a Grafana dashboard.
func (Doctor) Dashboard(string) ([]byte, error) { return doctor.Dashboard() }

// revealed are the params of the store with their secrets.
func revealed(c *config.Config) map[string]string {
	out := map[string]string{}
	for k, v := range c.Snapshots.Params {
		out[k] = v.Reveal()
	}
	return out
}
