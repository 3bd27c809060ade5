// Package offline works on a snapshot store without a runtime in front of it: after a disaster, from a laptop.
// It sees what is in the store, and never the data of a running pitwall. It starts no goroutines.
package offline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"pitwall/config"
	"pitwall/config/secrets"
	"pitwall/config/suggest"
	"pitwall/runtime/api"
	"pitwall/runtime/launch"
	"pitwall/snapshots"
	"pitwall/snapshots/objstore"
)

// store implements api.Store.
type store struct {
	m        *snapshots.Manager
	readOnly bool
	// declared are the datasets of the spicepod, with what snapshots they keep; nil without one.
	declared map[string]config.Retain
	redactor *secrets.Redactor // nil without a spicepod
}

// Open opens a store. It does not connect to an object store yet. The error is an *api.CommandError of reason
// Invalid, Unreachable for a folder that is not there, or Unsound for a spicepod with errors.
func Open(ctx context.Context, o api.StoreOptions) (api.Store, error) {
	s := &store{readOnly: o.ReadOnly}
	dir := "."
	if o.Location == "" {
		cfg, err := s.pod(&o)
		if err != nil {
			return nil, err
		}
		dir = cfg.Dir
	}
	if err := s.open(ctx, dir, o); err != nil {
		return nil, err
	}
	return s, nil
}

// pod fills the options from the spicepod.
func (s *store) pod(o *api.StoreOptions) (*config.Config, error) {
	r := config.Inspect(o.Pod, config.LoadOptions{})
	if r.Config == nil {
		e := &launch.InvalidError{Path: r.Path, Problems: r.Problems}
		return nil, refusal(api.Unsound, "%s; mend it, or name the store by --location", e)
	}
	c := r.Config
	if c.Snapshots.Location == "" {
		return nil, refusal(api.Invalid, "the spicepod %s has no snapshots.location; name the store by --location", c.Path)
	}
	params := revealed(c)
	for k, v := range o.Params {
		params[k] = v
	}
	o.Location, o.Params = c.Snapshots.Location, params
	s.redactor = r.Redactor
	s.declared = map[string]config.Retain{}
	for _, d := range c.Datasets {
		s.declared[d.Name] = d.Acceleration.SnapshotsRetain
	}
	return c, nil
}

func (s *store) open(ctx context.Context, dir string, o api.StoreOptions) error {
	// To open a folder makes it, which is not what somebody wants who looks for what is there.
	root, local, err := objstore.Folder(o.Location, dir)
	if local && err == nil {
		if st, serr := os.Stat(root); serr != nil || !st.IsDir() {
			return refusal(api.Unreachable, "there is no folder %s; the first pitwall that runs makes it", root)
		}
	}
	s.m, err = snapshots.Open(ctx, o.Location, dir, o.Params)
	if err != nil {
		return s.explain(err, api.Invalid)
	}
	return nil
}

func refusal(r api.Reason, format string, args ...any) error {
	return &api.CommandError{Reason: r, Message: fmt.Sprintf(format, args...)}
}

// explain makes an *api.CommandError of an error of the store; invalid is what the kind Invalid means there.
func (s *store) explain(err error, invalid api.Reason) error {
	if err == nil || errors.As(err, new(*api.CommandError)) {
		return err
	}
	reason := api.Unreachable
	switch snapshots.KindOf(err) {
	case snapshots.Canceled:
		return err
	case snapshots.BadMetadata, snapshots.Corrupt, snapshots.Missing, snapshots.WrongEngine, snapshots.WrongSchema:
		reason = api.Unsound
	case snapshots.LocalFailed, snapshots.DiskFull:
		reason = api.Local
	case snapshots.Conflict:
		reason = api.Refused
	case snapshots.Invalid:
		reason = invalid
	}
	text := err.Error()
	if hint := snapshots.HintOf(err); hint != "" {
		text += "; " + hint
	}
	return refusal(reason, "%s", s.redactor.Redact(text))
}

// Location implements api.Store.
func (s *store) Location() string { return s.m.Location() }

// Close implements api.Store.
func (s *store) Close() error { return s.m.Close() }

// Datasets implements api.Store.
func (s *store) Datasets(ctx context.Context) ([]api.StoredDataset, error) {
	list, err := s.m.Datasets(ctx)
	if err != nil {
		return nil, s.explain(err, api.Unreachable)
	}
	out := make([]api.StoredDataset, len(list))
	for i, d := range list {
		out[i] = api.StoredDataset{Name: d.Dataset, Engine: d.Engine, Snapshots: d.Snapshots, Bytes: d.Bytes, Newest: d.Newest, Current: d.Current}
	}
	return out, nil
}

// list returns the snapshots of a dataset that the store, or at least the spicepod, knows, newest first.
func (s *store) list(ctx context.Context, dataset string) ([]snapshots.Snapshot, error) {
	list, _, err := s.m.Stored(ctx, dataset)
	if err != nil {
		return nil, s.explain(err, api.Unreachable)
	}
	if _, declared := s.declared[dataset]; declared || len(list) > 0 {
		return list, nil
	}
	stored, err := s.m.Datasets(ctx)
	if err != nil {
		return nil, s.explain(err, api.Unreachable)
	}
	var names []string
	for _, d := range stored {
		if names = append(names, d.Dataset); d.Dataset == dataset {
			return nil, nil
		}
	}
	if len(names) == 0 {
		return nil, refusal(api.NotFound, "%s has no snapshots of any dataset", s.Location())
	}
	meant := ""
	if near := suggest.Nearest(dataset, names); near != "" {
		meant = fmt.Sprintf("did you mean %s? ", near)
	}
	return nil, refusal(api.NotFound, "%s has no snapshots of dataset %q; %sit has those of %s", s.Location(), dataset, meant, some(names))
}

// Snapshots implements api.Store.
func (s *store) Snapshots(ctx context.Context, dataset string) ([]api.Snapshot, error) {
	list, err := s.list(ctx, dataset)
	if err != nil {
		return nil, err
	}
	out := make([]api.Snapshot, len(list))
	checks := s.checks(ctx, dataset)
	for i, x := range list {
		out[i] = shown(x, checks[x.ID])
	}
	return out, nil
}

// checks are the kept results of verifications, as far as they can be read: they are only shown.
func (s *store) checks(ctx context.Context, dataset string) map[uint64]snapshots.Check {
	checks, err := s.m.Checks(ctx, dataset)
	if err != nil {
		return nil
	}
	return checks
}

func shown(x snapshots.Snapshot, c snapshots.Check) api.Snapshot {
	return api.Snapshot{ID: x.ID, Created: x.Created, URI: x.URI, Checksum: x.Checksum, Algorithm: x.Algorithm,
		Bytes: x.Bytes, Rows: x.Rows, Engine: x.Engine, Current: x.Current, Pinned: x.Pinned,
		Incremental: x.Incremental, Stored: x.Stored,
		Verified: api.Verification{State: api.VerifyState(c.Result), At: c.At, Detail: c.Detail}}
}

// Snapshot implements api.Store.
func (s *store) Snapshot(ctx context.Context, dataset string, id uint64) (api.Snapshot, error) {
	x, err := s.find(ctx, dataset, id)
	if err != nil {
		return api.Snapshot{}, err
	}
	return shown(x, s.checks(ctx, dataset)[id]), nil
}

// Objects implements api.Store.
func (s *store) Objects(ctx context.Context, list []api.Snapshot) map[uint64]api.ObjectState {
	asked := make([]snapshots.Snapshot, len(list))
	for i, x := range list {
		asked[i] = snapshots.Snapshot{ID: x.ID, URI: x.URI, Bytes: x.Bytes, Incremental: x.Incremental}
	}
	looks := s.m.Look(ctx, asked)
	out := map[uint64]api.ObjectState{}
	for _, x := range list {
		switch l := looks[x.ID]; {
		case l.Err != nil:
			out[x.ID] = api.ObjectUnknown
		case l.Bytes == x.Bytes:
			out[x.ID] = api.ObjectThere
		default:
			out[x.ID] = api.ObjectOther
		}
	}
	return out
}

// find returns one snapshot.
func (s *store) find(ctx context.Context, dataset string, id uint64) (snapshots.Snapshot, error) {
	list, err := s.list(ctx, dataset)
	if err != nil {
		return snapshots.Snapshot{}, err
	}
	var ids []string
	for _, x := range slices.Backward(list) {
		if x.ID == id {
			return x, nil
		}
		ids = append(ids, fmt.Sprint(x.ID))
	}
	if len(ids) == 0 {
		return snapshots.Snapshot{}, refusal(api.NotFound, "dataset %s has no snapshots in %s", dataset, s.Location())
	}
	return snapshots.Snapshot{}, refusal(api.NotFound, "dataset %s has no snapshot %d in %s; it has: %s", dataset, id, s.Location(), some(ids))
}

// someShown is how many names an error lists.
const someShown = 12

// some lists names, the last ones when there are many.
func some(names []string) string {
	if n := len(names) - someShown; n > 0 {
		return fmt.Sprintf("(%d more), %s", n, strings.Join(names[n:], ", "))
	}
	return strings.Join(names, ", ")
}
