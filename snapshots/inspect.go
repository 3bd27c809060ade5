package snapshots

import (
	"context"

	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore/bucket"
)

// Prove finds out whether the location can be written to by several writers. Kind Invalid: its store ignores
// conditions; Denied: we may not write.
func (m *Manager) Prove(ctx context.Context) error { return wrap("write to", "", m.store.Prove(ctx)) }

// MayWrite tells whether the credentials allow to write.
func (m *Manager) MayWrite(ctx context.Context) (bool, error) {
	ok, err := m.store.MayWrite(ctx)
	return ok, wrap("write to", "", err)
}

// Bucket is the bucket of a location.
type Bucket struct {
	bucket.Settings
	// Prefix begins the keys of the location.
	Prefix string
}

// Bucket asks how the bucket of the location is set up; nil for a folder.
func (m *Manager) Bucket(ctx context.Context) (*Bucket, error) {
	s, ok, err := m.store.Inspect(ctx, metadata.Name)
	if err != nil || !ok {
		return nil, wrap("look at", "", err)
	}
	prefix, err := m.store.Prefix(ctx)
	return &Bucket{s, prefix}, wrap("look at", "", err)
}
