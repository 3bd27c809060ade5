package snapshots

import (
	"context"
	"time"

	"pitwall/snapshots/metadata"
)

// Sound is the Result of a snapshot that can be loaded.
const Sound = "verified"

// Check is the result of reading a snapshot whole.
type Check struct {
	At time.Time
	// Result is Sound, "mismatch" or "missing"; Detail says what is wrong.
	Result, Detail string
}

// Note keeps the result of a check beside the metadata, for everybody who looks at the store.
func (m *Manager) Note(ctx context.Context, dataset string, id uint64, c Check) error {
	note := metadata.Check{AtMs: c.At.UnixMilli(), Result: c.Result, Detail: c.Detail}
	return wrap("note the check of", dataset, m.changeOwn(ctx, dataset, func(o *metadata.Own) error {
		if o.Checks[id] == note {
			return errSame
		}
		if o.Checks == nil {
			o.Checks = map[uint64]metadata.Check{}
		}
		o.Checks[id] = note
		return nil
	}))
}

// Checks returns the kept results by snapshot id.
func (m *Manager) Checks(ctx context.Context, dataset string) (map[uint64]Check, error) {
	o, _, err := m.loadOwn(ctx, dataset)
	if err != nil {
		return nil, wrap("read the checks of", dataset, err)
	}
	out := map[uint64]Check{}
	for id, c := range o.Checks {
		out[id] = Check{At: time.UnixMilli(c.AtMs).UTC(), Result: c.Result, Detail: c.Detail}
	}
	return out, nil
}
