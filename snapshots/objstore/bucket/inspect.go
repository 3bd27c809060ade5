package bucket

import (
	"context"
	"errors"
	"strings"
)

// ErrUntold is the error of what a store does not tell whoever may only use its objects.
var ErrUntold = errors.New("the store does not tell")

// Settings are how a bucket is set up, as far as its store tells. Each has an error in place of an answer, in
// short and without secrets; ErrUntold when the store never tells.
type Settings struct {
	// Versioned is true when objects that are replaced or removed are kept as old versions.
	Versioned    bool
	VersionedErr error
	// Rules are the lifecycle rules in force.
	Rules    []Rule
	RulesErr error
	// Region is where the bucket is.
	Region    string
	RegionErr error
	// Login is who we are for the store.
	Login    Login
	LoginErr error
}

// Rule is a lifecycle rule that removes objects.
type Rule struct {
	// Name is as its owner calls it; may be empty.
	Name string
	// Prefix begins the keys that it is about.
	Prefix string
	// Narrow is true when it is about some of them only, by tags or sizes.
	Narrow bool
	// Days is the age in days at which objects are removed; 0 leaves them.
	Days int
	// OldVersions is true when it removes old versions.
	OldVersions bool
}

// Covers tells whether the rule is about keys that begin with a prefix, or about some of them.
func (r Rule) Covers(prefix string) bool {
	return strings.HasPrefix(prefix, r.Prefix) || strings.HasPrefix(r.Prefix, prefix)
}

// Login tells what kind of credentials are used.
type Login struct {
	Kind LoginKind
	// From says where they come from.
	From string
}

// LoginKind is how long credentials are good for a thief.
type LoginKind string

// The kinds.
const (
	LoginRole      LoginKind = "role"      // of the machine, pod or federation; renewed by itself
	LoginTemporary LoginKind = "temporary" // they end, and nobody renews them
	LoginKey       LoginKind = "key"       // good until somebody takes it back
	LoginNone      LoginKind = "none"      // anonymous
)

// Inspect asks the store how the bucket is set up. key is an object in it that may be looked at.
func (b *Bucket) Inspect(ctx context.Context, key string, secrets []string) Settings {
	var s Settings
	b.vendor.inspect(ctx, b.Bucket, key, &s)
	if b.login != nil {
		s.Login, s.LoginErr = b.login(ctx)
	}
	for _, err := range []*error{&s.VersionedErr, &s.RulesErr, &s.RegionErr, &s.LoginErr} {
		if *err != nil && !errors.Is(*err, ErrUntold) {
			*err = Cause(*err, b.vendor.fault(b.Bucket, *err), secrets)
		}
	}
	return s
}
