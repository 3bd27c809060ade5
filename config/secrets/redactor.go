package secrets

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// minRedacted is the length in bytes below which a secret is not masked in text: masking every "1"
// of a log would hide nothing and destroy the log.
const minRedacted = 4

// Redactor masks secrets in any text, also where they were quoted for JSON or escaped for a URL.
// It is immutable and safe for concurrent use; nil masks nothing.
type Redactor struct {
	replacer *strings.Replacer
	forms    func() []string // a function, so that no verb of fmt prints the secrets
}

// NewRedactor returns a Redactor for these secrets; those shorter than four bytes are left out.
func NewRedactor(all ...string) *Redactor {
	var forms []string
	for _, s := range all {
		if len(s) < minRedacted {
			continue
		}
		forms = append(forms, s, url.QueryEscape(s), url.PathEscape(s), quoted(s))
		for _, line := range strings.Split(s, "\n") {
			if line = strings.TrimSpace(line); len(line) >= minRedacted {
				forms = append(forms, line)
			}
		}
	}
	return masking(forms)
}

// And returns a Redactor that masks what either masks.
func (r *Redactor) And(o *Redactor) *Redactor {
	switch {
	case r == nil:
		return o
	case o == nil:
		return r
	}
	return masking(slices.Concat(r.forms(), o.forms()))
}

func masking(forms []string) *Redactor {
	if len(forms) == 0 {
		return nil
	}
	// Longest first: a secret that starts with another one must vanish as a whole.
	slices.SortFunc(forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	forms = slices.Compact(forms)
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range forms {
		pairs = append(pairs, f, Mask)
	}
	return &Redactor{strings.NewReplacer(pairs...), func() []string { return forms }}
}

// Redact returns text with every secret replaced by Mask.
func (r *Redactor) Redact(text string) string {
	if r == nil {
		return text
	}
	return r.replacer.Replace(text)
}

// quoted is s as it looks inside a JSON string.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return s
	}
	return string(b[1 : len(b)-1])
}
