package config

import (
	"fmt"
	"maps"
	"slices"
)

// Effect says what a changed field costs. Effects are ordered: the larger one wins.
type Effect int

// The effects.
const (
	// EffectNone is the effect of no change.
	EffectNone Effect = iota
	// EffectLive fields are applied to the running dataset without touching its data.
	EffectLive
	// EffectRefresh fields decide which rows are loaded: the data must be reloaded.
	EffectRefresh
	// EffectRestart fields need a new store or source of the dataset; at the top level, a restart of
	// pitwall.
	EffectRestart
)

// String is the effect as one word.
func (e Effect) String() string {
	switch e {
	case EffectLive:
		return "live"
	case EffectRefresh:
		return "refresh"
	case EffectRestart:
		return "restart"
	}
	return "none"
}

// MarshalText writes the effect as String does.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Change is what differs between two versions of a spicepod (spec data-refresh 1.7). Comments, order
// and spelling make no difference; a secret that resolves to another text does.
type Change struct {
	// Added and Removed are in the order of their file.
	Added, Removed []*Dataset
	// Changed is in the order of the new file.
	Changed []DatasetChange
	// Top lists changes outside of datasets. Those of EffectRestart need a restart of pitwall.
	Top []FieldChange
}

// Empty reports whether nothing differs.
func (c Change) Empty() bool {
	return len(c.Added)+len(c.Removed)+len(c.Changed)+len(c.Top) == 0
}

// NeedsRestart lists the top-level changes that only a restart of pitwall applies.
func (c Change) NeedsRestart() []FieldChange {
	var out []FieldChange
	for _, f := range c.Top {
		if f.Effect == EffectRestart {
			out = append(out, f)
		}
	}
	return out
}

// DatasetChange is a dataset of both versions that differs.
type DatasetChange struct {
	Name     string
	Old, New *Dataset
	Fields   []FieldChange
}

// Effect is the largest effect of the fields.
func (d DatasetChange) Effect() Effect {
	e := EffectNone
	for _, f := range d.Fields {
		e = max(e, f.Effect)
	}
	return e
}

// FieldChange is one changed field. Old and New show no secret and are "" where the field is unset.
type FieldChange struct {
	// Path is relative to the dataset, such as acceleration.engine; at the top level it is absolute.
	Path     string
	Old, New string
	Effect   Effect
}

// String is path: old -> new (effect).
func (f FieldChange) String() string {
	return fmt.Sprintf("%s: %s -> %s (%s)", f.Path, or(f.Old, "unset"), or(f.New, "unset"), f.Effect)
}

// Diff compares two versions; nil is a version without anything.
func Diff(old, new *Config) Change {
	if old == nil {
		old = &Config{}
	}
	if new == nil {
		new = &Config{}
	}
	c := Change{Top: compare(topFields(old), topFields(new))}
	for _, d := range new.Datasets {
		before := old.Dataset(d.Name)
		if before == nil {
			c.Added = append(c.Added, d)
			continue
		}
		if fields := compare(datasetFields(before), datasetFields(d)); len(fields) > 0 {
			c.Changed = append(c.Changed, DatasetChange{Name: d.Name, Old: before, New: d, Fields: fields})
		}
	}
	for _, d := range old.Datasets {
		if new.Dataset(d.Name) == nil {
			c.Removed = append(c.Removed, d)
		}
	}
	return c
}

// compare lists the fields that differ, in order of path.
func compare(old, new fieldSet) []FieldChange {
	paths := slices.Sorted(maps.Keys(old))
	for p := range new {
		if _, ok := old[p]; !ok {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	var out []FieldChange
	for _, p := range paths {
		a, b := old[p], new[p]
		if a.key == b.key {
			continue
		}
		change := FieldChange{Path: p, Old: a.shown, New: b.shown, Effect: max(a.effect, b.effect)}
		if change.Old == change.New && change.New != "" {
			change.New += " (another value)" // a secret that was rotated
		}
		out = append(out, change)
	}
	return out
}
