package secrets

import (
	"fmt"
	"regexp"
	"strings"
)

// Any is the reserved store name that searches all stores, last declared first (spec data-refresh 1.2).
const Any = "secrets"

// placeholder is the syntax of spec data-refresh 1.2; anything else stays literal text.
var placeholder = regexp.MustCompile(`\$\{\s*([A-Za-z][A-Za-z0-9_-]*)\s*:\s*([A-Za-z][A-Za-z0-9_-]*)\s*\}`)

// Store looks secrets up. The error never contains a secret.
type Store interface {
	// Get returns the secret of that key; ok is false when the store does not have it.
	Get(key string) (value string, ok bool, err error)
}

// Missing says which secret could not be resolved and why. It implements error.
type Missing struct {
	Store, Key string
	// Reason says why, Hint what to do about it.
	Reason, Hint string
}

// Error names store and key.
func (m *Missing) Error() string {
	return fmt.Sprintf("secret %q of store %q %s", m.Key, m.Store, m.Reason)
}

// Resolver replaces placeholders by secrets. It is for one load of a file and not safe for
// concurrent use; every load makes a new one, so that rotated secrets are seen.
type Resolver struct {
	names    []string
	stores   map[string]Store
	resolved map[string]struct{}
}

// NewResolver returns a Resolver without stores.
func NewResolver() *Resolver {
	return &Resolver{stores: map[string]Store{}, resolved: map[string]struct{}{}}
}

// Add declares a store under a name. A name that is taken keeps its first store.
func (r *Resolver) Add(name string, s Store) {
	if _, ok := r.stores[name]; ok {
		return
	}
	r.names = append(r.names, name)
	r.stores[name] = s
}

// HasPlaceholder reports whether s contains a well-formed placeholder.
func HasPlaceholder(s string) bool { return placeholder.MatchString(s) }

// Resolve replaces every placeholder of raw. A secret that cannot be found becomes the empty string
// and is listed in the second result.
func (r *Resolver) Resolve(raw string) (Value, []*Missing) {
	spans := placeholder.FindAllStringSubmatchIndex(raw, -1)
	if spans == nil {
		return Plain(raw), nil
	}
	var missing []*Missing
	var b strings.Builder
	last := 0
	for _, m := range spans {
		b.WriteString(raw[last:m[0]])
		last = m[1]
		text, miss := r.get(raw[m[2]:m[3]], raw[m[4]:m[5]])
		if miss != nil {
			missing = append(missing, miss)
			continue
		}
		r.resolved[text] = struct{}{}
		b.WriteString(text)
	}
	b.WriteString(raw[last:])
	return Templated(raw, b.String()), missing
}

func (r *Resolver) get(store, key string) (string, *Missing) {
	if store == Any {
		return r.search(key)
	}
	s, ok := r.stores[store]
	if !ok {
		return "", &Missing{store, key, "cannot be resolved: no such store is declared",
			"declared stores: " + strings.Join(append(append([]string{}, r.names...), Any), ", ")}
	}
	text, ok, err := s.Get(key)
	switch {
	case err != nil:
		return "", &Missing{store, key, "cannot be read: " + err.Error(), ""}
	case !ok:
		return "", &Missing{store, key, "is not set", where(s, key)}
	}
	return text, nil
}

func (r *Resolver) search(key string) (string, *Missing) {
	var reason, hint string
	for i := len(r.names) - 1; i >= 0; i-- {
		s := r.stores[r.names[i]]
		text, ok, err := s.Get(key)
		if ok && err == nil {
			return text, nil
		}
		if err != nil && reason == "" {
			reason = "cannot be read: " + err.Error()
		}
		if hint == "" {
			hint = where(s, key)
		}
	}
	if reason == "" {
		reason = "is not set in any store"
	}
	return "", &Missing{Any, key, reason, hint}
}

// where asks a store how its user would set the key.
func where(s Store, key string) string {
	if w, ok := s.(interface{ Where(key string) string }); ok {
		return w.Where(key)
	}
	return ""
}

// Redactor masks every secret resolved so far.
func (r *Resolver) Redactor() *Redactor {
	all := make([]string, 0, len(r.resolved))
	for s := range r.resolved {
		all = append(all, s)
	}
	return NewRedactor(all...)
}
