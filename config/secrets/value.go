// Package secrets resolves ${store:key} placeholders of a spicepod and holds what may be secret in
// values that never show themselves in a log, an error or a frame.
package secrets

import "log/slog"

// Value is a string that may contain a secret. Only Reveal gives the text; every formatting verb,
// slog and JSON show the template (such as "${env:PG_PASS}") or a mask.
type Value struct {
	raw      string // as written in the file, placeholders unresolved
	resolved string
	secret   bool
}

// Plain returns a Value that is not secret.
func Plain(s string) Value { return Value{raw: s, resolved: s} }

// Reveal returns the resolved text. Only what hands it to a server may call this.
func (v Value) Reveal() string { return v.resolved }

// Raw returns the text as written in the file, placeholders unresolved.
func (v Value) Raw() string { return v.raw }

// String returns the text when it is not secret, the template otherwise.
func (v Value) String() string {
	if v.secret {
		return v.raw
	}
	return v.resolved
}

// GoString masks for %#v.
func (v Value) GoString() string { return v.String() }

// LogValue masks for slog.
func (v Value) LogValue() slog.Value { return slog.StringValue(v.String()) }

// MarshalText masks for JSON and text encoders.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }
