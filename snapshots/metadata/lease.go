package metadata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// LeaseVersion is the only version of a lease there is.
const LeaseVersion = 1

// generationProperty is the generation of the lease under which the newest snapshot was published (spec 1.2).
const generationProperty = "writer-generation"

// Lease says which process writes the snapshots of a dataset (spec acceleration-snapshots 2.6). The times are in
// milliseconds since the epoch and only for people: nobody decides by them.
type Lease struct {
	Version    int    `json:"format-version"`
	Identity   string `json:"holder-identity"`
	Process    string `json:"holder-process"`
	Generation uint64 `json:"generation"`
	// DurationMs is how long others watch an unchanged lease before they take it over; 0 is released.
	DurationMs int64 `json:"lease-duration-ms"`
	AcquireMs  int64 `json:"acquire-time-ms"`
	RenewMs    int64 `json:"renew-time-ms"`
}

// LeaseKey is the key of the lease of a dataset, relative to the location.
func LeaseKey(dataset string) string { return "leases/" + dataset + ".json" }

// DecodeLease parses a lease.
func DecodeLease(b []byte) (*Lease, error) {
	if err := require(b, "format-version", "holder-identity", "generation", "lease-duration-ms"); err != nil {
		return nil, fmt.Errorf("the lease is not valid: %w", err)
	}
	l := &Lease{}
	if err := json.Unmarshal(b, l); err != nil {
		return nil, fmt.Errorf("the lease is not valid: %w", err)
	}
	if l.Version != LeaseVersion {
		return nil, fmt.Errorf("the lease has format-version %d; only %d is known", l.Version, LeaseVersion)
	}
	return l, nil
}

// Encode writes the lease with two spaces.
func (l *Lease) Encode() ([]byte, error) { return json.MarshalIndent(l, "", "  ") }

// Duration is how long the lease lasts after it was last seen to change, never above a day.
func (l *Lease) Duration() time.Duration {
	return time.Duration(min(max(0, l.DurationMs), MaxLease.Milliseconds())) * time.Millisecond
}

// The bounds of the duration of a lease.
const (
	MinLease = 30 * time.Second
	MaxLease = 24 * time.Hour
)

// Generation is that of the newest publication; 0 when there was none under a lease.
func (d *Dataset) Generation() uint64 {
	n, _ := d.property(generationProperty)
	return n
}

// SetGeneration records the generation of a publication.
func (d *Dataset) SetGeneration(n uint64) { d.setProperty(generationProperty, n) }

// require checks that the members are there and not null.
func require(raw json.RawMessage, names ...string) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	for _, n := range names {
		if v, ok := m[n]; !ok || bytes.Equal(bytes.TrimSpace(v), []byte("null")) {
			return fmt.Errorf("%s is missing", n)
		}
	}
	return nil
}
