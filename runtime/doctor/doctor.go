// Package doctor checks the production checklist (seed acceleration-snapshots, "Production checklist") against
// a spicepod and its snapshot store, and writes alert rules and a dashboard for its datasets. It starts no
// goroutines and changes nothing, but that a store is proven by a small object below pitwall/.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/snapshots"
)

// Input is what is looked at. Config is required.
type Input struct {
	Config *config.Config
	// Store is nil when snapshots are off or the location can't be used; StoreErr says why.
	Store    *snapshots.Manager
	StoreErr string
	// State is that of a running runtime; nil without one.
	State *api.State
	// ReadOnly has nothing be written, not even to prove the store.
	ReadOnly bool
	// Getenv reads the environment of whoever writes the snapshots.
	Getenv func(string) string
	Now    time.Time
}

// timeout bounds how long the store is asked; each request has its own client_timeout.
const timeout = time.Minute

// The lines of the checklist.
const (
	lineStore       = "store"
	lineConditional = "conditional writes"
	lineReaders     = "read-only"
	lineVersioning  = "versioning"
	lineLifecycle   = "lifecycle"
	lineCredentials = "credentials"
	lineSecrets     = "secrets"
	lineRegion      = "region"
	lineFallback    = "fallback"
	lineObject      = "current"
	lineFresh       = "fresh"
	lineFailures    = "failures"
	lineAlerts      = "alerts"
)

// titles are what the lines ask for.
var titles = map[string]string{
	lineStore:       "The snapshot store can be reached",
	lineConditional: "The store obeys conditional writes, so that two writers never overwrite each other",
	lineReaders:     "Who only reads snapshots has credentials that can't write them",
	lineVersioning:  "The bucket keeps old versions of its objects",
	lineLifecycle:   "A lifecycle rule bounds what is kept, and leaves what is needed",
	lineCredentials: "The credentials are those of a role, not a long-lived key",
	lineSecrets:     "No secret of the store is written in the spicepod",
	lineRegion:      "The bucket is in the region of the runtime",
	lineFallback:    "Datasets that must not start empty fall back to older snapshots",
	lineObject:      "The current snapshot is there, and nobody has found it damaged",
	lineFresh:       "Snapshots are not older than twice their trigger",
	lineFailures:    "No snapshot failed within 15 minutes",
	lineAlerts:      "Alerts tell of failed and of stale snapshots",
}

// doctor is one run.
type doctor struct {
	Input
	// loads and writes are the datasets that load snapshots and that write them.
	loads, writes []*config.Dataset
	stored        map[string][]snapshots.Snapshot
	out           []api.Finding
}

// Check goes through the checklist, in its order.
func Check(ctx context.Context, in Input) []api.Finding {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	d := &doctor{Input: in, stored: map[string][]snapshots.Snapshot{}}
	for _, ds := range in.Config.Datasets {
		if loads(ds) {
			d.loads = append(d.loads, ds)
		}
		if writes(ds) {
			d.writes = append(d.writes, ds)
		}
	}
	if len(d.loads)+len(d.writes) == 0 {
		why := "no dataset uses snapshots"
		if d.StoreErr != "" {
			why += ": " + d.StoreErr
		}
		d.add(lineStore, api.FindingNone, why, "")
		return d.out
	}
	if d.store(ctx) {
		d.bucket(ctx)
	}
	d.secrets()
	d.fallback()
	if d.Store != nil && d.out[0].State == api.FindingOK {
		d.current(ctx)
		d.fresh()
	}
	d.failures()
	d.add(lineAlerts, api.FindingNone, "pitwall does not see your Prometheus", "load the rules that pitwall doctor --alerts writes")
	return d.out
}

// uses tells whether a dataset has to do with snapshots.
func uses(ds *config.Dataset) bool {
	return ds.Acceleration.Enabled && ds.Unsupported == "" && ds.Acceleration.Snapshots != config.SnapshotsDisabled
}

func loads(ds *config.Dataset) bool {
	return uses(ds) && ds.Acceleration.Snapshots != config.SnapshotsCreateOnly
}

func writes(ds *config.Dataset) bool {
	return uses(ds) && ds.Acceleration.Snapshots != config.SnapshotsBootstrapOnly && ds.Acceleration.RefreshMode != config.RefreshSnapshot
}

// add adds a finding about no dataset in particular.
func (d *doctor) add(line string, s api.FindingState, found, remedy string) {
	d.out = append(d.out, api.Finding{Check: line, Title: titles[line], State: s, Found: found, Remedy: remedy})
}

// verdict is what a line says of one dataset.
type verdict struct {
	state         api.FindingState
	found, remedy string
}

// each checks a line for datasets. Those that are well, and those that it does not apply to, share a finding.
func (d *doctor) each(line string, list []*config.Dataset, check func(*config.Dataset) verdict) {
	type group struct {
		names []string
		first verdict
	}
	shared := map[api.FindingState]*group{}
	for _, ds := range list {
		v := check(ds)
		if v.state == api.FindingWarning || v.state == api.FindingProblem {
			d.out = append(d.out, api.Finding{Check: line, Title: titles[line], Dataset: ds.Name, State: v.state, Found: v.found, Remedy: v.remedy})
			continue
		}
		g := shared[v.state]
		if g == nil {
			g = &group{first: v}
			shared[v.state] = g
		}
		g.names = append(g.names, ds.Name)
	}
	for _, s := range []api.FindingState{api.FindingOK, api.FindingNone} {
		switch g := shared[s]; {
		case g == nil:
		case len(g.names) == 1:
			d.out = append(d.out, api.Finding{Check: line, Title: titles[line], Dataset: g.names[0], State: s, Found: g.first.found, Remedy: g.first.remedy})
		default:
			d.add(line, s, fmt.Sprintf("%d datasets: %s", len(g.names), names(g.names)), g.first.remedy)
		}
	}
}

// namesShown is how many datasets a finding names.
const namesShown = 5

// names lists the first of the names.
func names(list []string) string {
	if more := len(list) - namesShown; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:namesShown], ", "), more)
	}
	return strings.Join(list, ", ")
}

func namesOf(list []*config.Dataset) string {
	var out []string
	for _, ds := range list {
		out = append(out, ds.Name)
	}
	return names(out)
}

// all are the datasets that have to do with snapshots.
func (d *doctor) all() []*config.Dataset {
	out := slices.Clone(d.writes)
	for _, ds := range d.loads {
		if !slices.Contains(out, ds) {
			out = append(out, ds)
		}
	}
	return out
}

// Problems tells how many findings are problems, and how many are warnings.
func Problems(list []api.Finding) (problems, warnings int) {
	for _, f := range list {
		switch f.State {
		case api.FindingProblem:
			problems++
		case api.FindingWarning:
			warnings++
		}
	}
	return problems, warnings
}
