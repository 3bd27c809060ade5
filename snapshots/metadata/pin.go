package metadata

import (
	"maps"
	"slices"
	"strconv"
)

// The properties of a dataset are the one place in metadata.json that other writers keep as it is (spec section
// 1.2). A pin is there, and not in the file of pitwall's own state, so that one write changes pin and pointer.
const (
	pinProperty  = "pitwall-pinned-snapshot-id"
	nextProperty = "pitwall-next-snapshot-id"
)

func (d *Dataset) property(name string) (uint64, bool) {
	n, err := strconv.ParseUint(d.Properties[name], 10, 64)
	return n, err == nil
}

func (d *Dataset) setProperty(name string, n uint64) {
	p := maps.Clone(d.Properties)
	if p == nil {
		p = map[string]string{}
	}
	p[name] = strconv.FormatUint(n, 10)
	d.Properties = p
}

// Pinned is the id of the snapshot that stays current whatever is written; nil when none is pinned.
func (d *Dataset) Pinned() *uint64 {
	if id, ok := d.property(pinProperty); ok && d.Snapshot(id) != nil {
		return &id
	}
	return nil
}

// Pin makes a snapshot current and keeps it so until Unpin.
func (d *Dataset) Pin(id uint64) {
	d.setProperty(pinProperty, id)
	d.CurrentID = &id
}

// Unpin lets the pointer move again; it goes to the newest snapshot. It does nothing when there is no pin.
func (d *Dataset) Unpin() {
	if _, ok := d.Properties[pinProperty]; !ok {
		return
	}
	p := maps.Clone(d.Properties)
	delete(p, pinProperty)
	d.Properties, d.CurrentID = p, nil
	for _, s := range d.Snapshots {
		if d.CurrentID == nil || s.ID > *d.CurrentID {
			d.CurrentID = &s.ID
		}
	}
}

// Publish appends a record, whose id it sets, and moves the pointer to it unless another one is pinned.
func (d *Dataset) Publish(s *Snapshot) {
	s.ID = d.NextID()
	d.Snapshots = append(d.Snapshots, *s)
	id := s.ID
	if pinned := d.Pinned(); pinned != nil {
		id = *pinned
	}
	d.CurrentID = &id
}

// Target is the record that a new replica loads: the pinned one, also when another writer moved the pointer, or
// the current one; nil when there is none.
func (d *Dataset) Target() *Snapshot {
	if id := d.Pinned(); id != nil {
		return d.Snapshot(*id)
	}
	return d.Current()
}

// Remove takes records away. Their ids are not used again.
func (d *Dataset) Remove(ids map[uint64]bool) {
	next := d.NextID()
	d.Snapshots = slices.DeleteFunc(slices.Clone(d.Snapshots), func(s Snapshot) bool { return ids[s.ID] })
	if d.NextID() < next {
		d.setProperty(nextProperty, next)
	}
}
