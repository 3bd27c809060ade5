package api

import (
	"fmt"
	"time"
)

// ReloadMode says which valid versions of the spicepod are applied by themselves.
type ReloadMode string

// The modes.
const (
	// ReloadAll applies every valid version: for a runtime without anybody in front of it.
	ReloadAll ReloadMode = "all"
	// ReloadSafe has a version wait that would drop local data of a dataset.
	ReloadSafe ReloadMode = "safe"
	// ReloadHand has every version wait.
	ReloadHand ReloadMode = "hand"
)

// ReloadModes are all modes.
func ReloadModes() []ReloadMode { return []ReloadMode{ReloadAll, ReloadSafe, ReloadHand} }

// Plan is what a valid version of the spicepod would change that waits to be applied.
type Plan struct {
	// Since is when it was read.
	Since   time.Time
	Changes []PlanChange
}

// PlanChange is one change: a dataset that is new or gone, or a field that has another value.
type PlanChange struct {
	// Op is "+", "-" or "~".
	Op string
	// Dataset is empty outside of the datasets.
	Dataset string
	// Field is the path within the dataset, with Old and New, without secrets, "" where unset; Effect is "live",
	// "refresh" or "restart". All are empty for a dataset that is new or gone.
	Field, Old, New, Effect string
	// Drops says which local data goes; empty when none does.
	Drops string
}

// String is the change as one line.
func (c PlanChange) String() string {
	if c.Field == "" {
		return c.Op + " " + c.Dataset
	}
	from, to := c.Old, c.New
	if from == "" {
		from = "unset"
	}
	if to == "" {
		to = "unset"
	}
	name := c.Dataset
	if name != "" {
		name += " "
	}
	return fmt.Sprintf("%s %s%s: %s -> %s (%s)", c.Op, name, c.Field, from, to, c.Effect)
}

// Drops are the datasets whose local data would go.
func (p *Plan) Drops() []string {
	var out []string
	for _, c := range p.Changes {
		if c.Drops != "" {
			out = append(out, c.Dataset)
		}
	}
	return out
}

// safe tells whether something can be applied without dropping data.
func (p *Plan) safe() bool {
	dropped := map[string]bool{}
	for _, d := range p.Drops() {
		dropped[d] = true
	}
	for _, c := range p.Changes {
		if !dropped[c.Dataset] {
			return true
		}
	}
	return false
}

// ApplyConfig applies the version of the spicepod that waits: what drops no local data, or with Drops all of it.
type ApplyConfig struct{ Drops bool }

// RevertConfig writes the last version that was applied as a whole over the file on disk. What was there is kept
// beside it as FILE.rejected.
type RevertConfig struct{}

// SetReload says which versions of the spicepod are applied by themselves, until the runtime ends.
type SetReload struct{ Mode ReloadMode }

// Target is empty: it is about the whole runtime.
func (c ApplyConfig) Target() string { return "" }

// Verb returns the word for it.
func (c ApplyConfig) Verb() string { return "apply config" }

// Target is empty: it is about the whole runtime.
func (c RevertConfig) Target() string { return "" }

// Verb returns the word for it.
func (c RevertConfig) Verb() string { return "revert config" }

// Target is empty: it is about the whole runtime.
func (c SetReload) Target() string { return "" }

// Verb returns the word for it.
func (c SetReload) Verb() string { return "set reload" }

// refuseConfig says why a command about the spicepod makes no sense now. known is false when c is none.
func refuseConfig(s *State, c Command) (why string, known bool) {
	const same = "the file on disk is what runs"
	cfg := &s.Config
	switch c := c.(type) {
	case ApplyConfig:
		switch {
		case cfg.Broken:
			return "the file on disk has errors", true
		case cfg.Pending == nil:
			return same, true
		case !c.Drops && !cfg.Pending.safe():
			return "all that waits drops local data; it has to be applied with that", true
		}
		return "", true
	case RevertConfig:
		if !cfg.Broken && cfg.Pending == nil {
			return same, true
		}
		return "", true
	case SetReload:
		for _, m := range ReloadModes() {
			if m == c.Mode {
				return "", true
			}
		}
		return fmt.Sprintf("reload %q is not all, safe or hand", c.Mode), true
	}
	return "", false
}
