// Package apikey checks the API keys of runtime.auth, for all network faces alike.
package apikey

import (
	"crypto/sha256"
	"crypto/subtle"
)

// Key is an API key (runtime.auth.api-key).
type Key struct {
	// Sum is the SHA-256 of the key: the key itself is not kept.
	Sum [sha256.Size]byte
	// Write is true when the key may change things.
	Write bool
}

// New returns the key of a text.
func New(text string, write bool) Key { return Key{Sum: sha256.Sum256([]byte(text)), Write: write} }

// Keys are all keys of a runtime.
type Keys []Key

// Allowed tells what a text that somebody sent allows. It looks at all keys, so that the time it takes says nothing
// about them.
func (k Keys) Allowed(text string) (known, write bool) {
	sum := sha256.Sum256([]byte(text))
	for _, key := range k {
		if subtle.ConstantTimeCompare(sum[:], key.Sum[:]) == 1 {
			known, write = true, write || key.Write
		}
	}
	return known, write
}
