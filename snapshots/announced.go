package snapshots

import "context"

// Readable reads metadata.json and tells what is wrong with it; a location without one is fine.
func (m *Manager) Readable(ctx context.Context) error {
	_, _, err := m.load(ctx)
	return wrap("read the metadata of", "", err)
}
