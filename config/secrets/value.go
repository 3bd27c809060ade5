// Package secrets resolves ${store:key} placeholders of a spicepod (spec data-refresh 1.2) and holds
// what may be secret in values that never show themselves in a log, an error or a frame. It starts no
// goroutine and never changes the environment of the process.
package secrets

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"unique"
)

// Mask stands for a secret wherever text is shown.
const Mask = "****"

// Value is a string that may contain a secret. Only Reveal gives the text; every formatting verb,
// slog and JSON show the template (such as "${env:PG_PASS}") or a mask.
//
// The secret text is kept behind a handle: fmt prints fields of unexported parents without asking
// their methods, and would print a plain string field.
type Value struct {
	raw    string // as written in the file, placeholders unresolved; Mask when that is the secret
	hidden unique.Handle[string]
	secret bool
}

// Plain returns a Value that is not secret.
func Plain(s string) Value { return Value{raw: s} }

// Hidden returns a Value whose whole text is secret although the file spells it out, such as a
// password in clear text. It shows as Mask.
func Hidden(s string) Value {
	return Value{raw: Mask, hidden: unique.Make(s), secret: true}
}

// Templated returns a secret Value that shows as the template and reveals resolved.
func Templated(template, resolved string) Value {
	return Value{raw: template, hidden: unique.Make(resolved), secret: true}
}

// Reveal returns the resolved text. Only what hands it to a server may call this.
func (v Value) Reveal() string {
	if v.secret {
		return v.hidden.Value()
	}
	return v.raw
}

// Raw returns the text as written in the file, placeholders unresolved; Mask for a Hidden value.
func (v Value) Raw() string { return v.raw }

// Secret reports whether the text must not be shown.
func (v Value) Secret() bool { return v.secret }

// Equal reports whether both hold the same template and the same resolved text.
func (v Value) Equal(o Value) bool {
	return v.secret == o.secret && v.raw == o.raw && v.Reveal() == o.Reveal()
}

// String returns the text when it is not secret, the template otherwise.
func (v Value) String() string { return v.raw }

// GoString masks for %#v.
func (v Value) GoString() string { return strconv.Quote(v.raw) }

// Format masks for every verb, also those that do not ask String, such as %x and %d.
func (v Value) Format(s fmt.State, verb rune) {
	switch verb {
	case 'q':
		io.WriteString(s, strconv.Quote(v.raw))
	case 'v':
		if s.Flag('#') {
			io.WriteString(s, v.GoString())
			return
		}
		io.WriteString(s, v.raw)
	default:
		io.WriteString(s, v.raw)
	}
}

// LogValue masks for slog.
func (v Value) LogValue() slog.Value { return slog.StringValue(v.raw) }

// MarshalText masks for JSON and text encoders.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.raw), nil }
