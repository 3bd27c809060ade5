// Package wire writes what a frontend sees of a runtime as lines of JSON, and reads them again: States as
// the difference to the State before, commands, and the rows of a query. `pitwall attach` gets these lines
// over HTTP, a recording is a file of them. It starts no goroutines.
package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"pitwall/runtime/api"
)

// Fields are the fields of a struct that differ, by their names in package api, as JSON. A list that only
// grew in front is a front.
type Fields map[string]json.RawMessage

// front says that a list has new items in front of what it had, and how long it is now.
type front struct {
	Front json.RawMessage `json:"front"`
	Len   int             `json:"len"`
}

// Delta is what a State has that the one before had not. The first one of a stream has everything.
type Delta struct {
	// State are the fields of the State itself, without datasets, events and tasks.
	State Fields `json:"state,omitempty"`
	// Order is the names of all datasets; nil when they are the same as before.
	Order []string `json:"order,omitzero"`
	// Datasets are the fields that changed, by the name of the dataset.
	Datasets map[string]Fields `json:"datasets,omitempty"`
	// Events are the new ones.
	Events []api.Event `json:"events,omitempty"`
	// Tasks are those that are new or changed; Gone the ids of those that are not listed any more.
	Tasks []api.Task      `json:"tasks,omitempty"`
	Gone  []api.CommandID `json:"gone,omitempty"`
}

// apart are the fields of a State that a Delta has places of their own for.
var apart = []string{"Datasets", "Events", "Tasks"}

// Diff returns what to tell somebody who knows the State old, or nothing yet (nil), so that Apply makes it now.
func Diff(old, now *api.State) (*Delta, error) {
	first := old == nil
	if first {
		old = &api.State{}
	}
	d := &Delta{Datasets: map[string]Fields{}}
	var err error
	if d.State, err = diff(reflect.ValueOf(*old), reflect.ValueOf(*now), apart); err != nil {
		return nil, err
	}
	if first || !slices.EqualFunc(old.Datasets, now.Datasets, func(a, b *api.Dataset) bool { return a.Name == b.Name }) {
		d.Order = make([]string, len(now.Datasets))
		for i, ds := range now.Datasets {
			d.Order[i] = ds.Name
		}
	}
	if err := d.datasets(old, now); err != nil {
		return nil, err
	}
	seen := uint64(0)
	if n := len(old.Events); n > 0 {
		seen = old.Events[n-1].Seq
	}
	from, _ := slices.BinarySearchFunc(now.Events, seen+1, func(e api.Event, seq uint64) int { return int(int64(e.Seq) - int64(seq)) })
	d.Events = now.Events[from:]
	had := map[api.CommandID]api.Task{}
	for _, t := range old.Tasks {
		had[t.ID] = t
	}
	for _, t := range now.Tasks {
		if had[t.ID] != t {
			d.Tasks = append(d.Tasks, t)
		}
		delete(had, t.ID)
	}
	for _, t := range old.Tasks {
		if _, gone := had[t.ID]; gone {
			d.Gone = append(d.Gone, t.ID)
		}
	}
	return d, nil
}

func (d *Delta) datasets(old, now *api.State) error {
	had := map[string]*api.Dataset{}
	for _, ds := range old.Datasets {
		had[ds.Name] = ds
	}
	for i, ds := range now.Datasets {
		if i < len(old.Datasets) && old.Datasets[i] == ds {
			continue
		}
		was := had[ds.Name]
		if was == nil {
			was = &api.Dataset{}
		}
		if was == ds {
			continue
		}
		f, err := diff(reflect.ValueOf(*was), reflect.ValueOf(*ds), nil)
		if err != nil {
			return err
		}
		if len(f) > 0 {
			d.Datasets[ds.Name] = f
		}
	}
	return nil
}

// Empty tells whether nothing changed.
func (d *Delta) Empty() bool {
	for name := range d.State {
		if name != "Seq" && name != "At" {
			return false
		}
	}
	return d.Order == nil && len(d.Datasets)+len(d.Events)+len(d.Tasks)+len(d.Gone) == 0
}

// Apply returns the State that d makes of old, which stays as it is; nil is nothing yet. Deltas must be applied to
// each State once only, in their order: the new State may go on in the array of the old one's events.
func Apply(old *api.State, d *Delta) (*api.State, error) {
	var s api.State
	if old != nil {
		s = *old
	}
	if err := patch(reflect.ValueOf(&s).Elem(), d.State); err != nil {
		return nil, err
	}
	had := map[string]*api.Dataset{}
	for _, ds := range s.Datasets {
		had[ds.Name] = ds
	}
	names := d.Order
	if names == nil {
		names = make([]string, len(s.Datasets))
		for i, ds := range s.Datasets {
			names[i] = ds.Name
		}
	}
	list := make([]*api.Dataset, len(names))
	for i, name := range names {
		ds, f := had[name], d.Datasets[name]
		switch {
		case ds == nil && f == nil:
			return nil, fmt.Errorf("nothing is said about the dataset %q", name)
		case ds == nil:
			ds = &api.Dataset{}
		}
		if f != nil {
			next := *ds
			if err := patch(reflect.ValueOf(&next).Elem(), f); err != nil {
				return nil, fmt.Errorf("dataset %q: %w", name, err)
			}
			ds = &next
		}
		list[i] = ds
	}
	s.Datasets = list
	if len(d.Events) > 0 {
		s.Events = append(s.Events, d.Events...)
		s.Events = s.Events[max(0, len(s.Events)-api.EventWindow):]
	}
	s.Tasks = tasks(s.Tasks, d)
	return &s, nil
}

func tasks(old []api.Task, d *Delta) []api.Task {
	if len(d.Tasks)+len(d.Gone) == 0 {
		return old
	}
	list := slices.DeleteFunc(slices.Clone(old), func(t api.Task) bool { return slices.Contains(d.Gone, t.ID) })
	for _, t := range d.Tasks {
		if i := slices.IndexFunc(list, func(o api.Task) bool { return o.ID == t.ID }); i >= 0 {
			list[i] = t
		} else {
			list = append(list, t)
		}
	}
	return list
}

// diff returns the fields of two structs of one type that differ, but for those that are left out.
func diff(old, now reflect.Value, out []string) (Fields, error) {
	f := Fields{}
	for i := range now.NumField() {
		name := now.Type().Field(i).Name
		a, b := old.Field(i), now.Field(i)
		if slices.Contains(out, name) || same(a, b) {
			continue
		}
		v := b.Interface()
		if n := grown(a, b); n > 0 {
			items, err := json.Marshal(b.Slice(0, n).Interface())
			if err != nil {
				return nil, err
			}
			v = front{items, b.Len()}
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		f[name] = raw
	}
	return f, nil
}

// same compares without looking into what is one and the same thing.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Slice:
		if a.Len() == b.Len() && a.Pointer() == b.Pointer() {
			return true
		}
	case reflect.Pointer:
		if a.Pointer() == b.Pointer() {
			return true
		}
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// grown tells how many items are new in front of a list of structs, when the rest is the beginning of what it had.
func grown(a, b reflect.Value) int {
	if b.Kind() != reflect.Slice || b.Type().Elem().Kind() != reflect.Struct || a.Len() < 2 || b.Len() < 2 {
		return 0
	}
	first := a.Index(0).Interface()
	for n := 1; n < b.Len(); n++ {
		if !reflect.DeepEqual(b.Index(n).Interface(), first) {
			continue
		}
		keep := b.Len() - n
		if keep <= a.Len() && reflect.DeepEqual(b.Slice(n, b.Len()).Interface(), a.Slice(0, keep).Interface()) {
			return n
		}
		return 0
	}
	return 0
}

// patch sets fields of a struct. What they had is not touched: others share it. Fields that are not known are those
// of a newer pitwall.
func patch(to reflect.Value, f Fields) error {
	for name, raw := range f {
		field := to.FieldByName(name)
		if !field.IsValid() {
			continue
		}
		if field.Kind() == reflect.Slice && len(raw) > 0 && raw[0] == '{' {
			if err := grow(field, raw); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		v := reflect.New(field.Type())
		if err := json.Unmarshal(raw, v.Interface()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		field.Set(v.Elem())
	}
	return nil
}

// grow puts the items of a front before those of the list.
func grow(field reflect.Value, raw json.RawMessage) error {
	var fr front
	if err := json.Unmarshal(raw, &fr); err != nil {
		return err
	}
	items := reflect.New(field.Type())
	if err := json.Unmarshal(fr.Front, items.Interface()); err != nil {
		return err
	}
	keep := fr.Len - items.Elem().Len()
	if keep < 0 || keep > field.Len() {
		return fmt.Errorf("a list of %d can't keep %d items", field.Len(), keep)
	}
	field.Set(reflect.AppendSlice(items.Elem(), field.Slice(0, keep)))
	return nil
}
