package offline

import (
	"context"

	"pitwall/config"
	"pitwall/runtime"
	"pitwall/runtime/api"
)

// Steer implements api.Store.
func (s *store) Steer(ctx context.Context, c api.Command) (string, error) {
	if s.readOnly && api.Changes(c) {
		return "", refusal(api.ReadOnly, "the store is not changed: --read-only is set")
	}
	var err error
	var keep config.Retain
	switch c := c.(type) {
	case api.SetCurrent:
		_, err = s.find(ctx, c.Dataset, c.SnapshotID)
	case api.PinSnapshot:
		_, err = s.find(ctx, c.Dataset, c.SnapshotID)
	case api.DeleteSnapshot:
		_, err = s.find(ctx, c.Dataset, c.SnapshotID)
	case api.CollectSnapshots:
		keep = s.declared[c.Dataset]
		switch {
		case s.declared == nil:
			err = refusal(api.Invalid, "what is kept is said by snapshots_retain of the spicepod; name that by --pod")
		case !keep.Set():
			err = refusal(api.Invalid, "the spicepod has no snapshots_retain for dataset %s: all snapshots are kept", c.Dataset)
		}
	default:
		_, err = s.list(ctx, c.Target())
	}
	if err != nil {
		return "", err
	}
	text, err := runtime.Steer(ctx, s.m, keep, c)
	return text, s.explain(err, api.Refused)
}
