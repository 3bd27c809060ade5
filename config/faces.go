package config

import (
	"crypto/tls"
	"fmt"
	"strings"

	"pitwall/config/secrets"
)

// Auth is runtime.auth: who may use the network faces.
type Auth struct {
	// Enabled is false when everybody may do everything.
	Enabled bool
	// Keys may be empty, when all of them are secrets that are not set: then nobody may do anything.
	Keys []APIKey
}

// APIKey is one entry of runtime.auth.api-key.keys: KEY, KEY:ro or KEY:rw.
type APIKey struct {
	Text secrets.Value
	// Write is true for KEY:rw; the others may only read.
	Write bool
}

// TLS is runtime.tls. The zero value is no TLS.
type TLS struct {
	Enabled bool
	// CertificateFile and KeyFile are absolute paths of PEM files; CertificatePEM and KeyPEM are the PEM
	// text itself where the spicepod holds that.
	CertificateFile, KeyFile string
	CertificatePEM, KeyPEM   secrets.Value
}

// Certificate loads the pair; nil when TLS is off.
func (t TLS) Certificate() (*tls.Certificate, error) {
	if !t.Enabled {
		return nil, nil
	}
	var pair tls.Certificate
	var err error
	if t.CertificateFile != "" {
		pair, err = tls.LoadX509KeyPair(t.CertificateFile, t.KeyFile)
	} else {
		pair, err = tls.X509KeyPair([]byte(t.CertificatePEM.Reveal()), []byte(t.KeyPEM.Reveal()))
	}
	return &pair, err
}

// shown tells versions of the block apart without a secret.
func (t TLS) shown() string {
	switch {
	case !t.Enabled:
		return ""
	case t.CertificateFile != "":
		return t.CertificateFile + " " + t.KeyFile
	default:
		return "from the spicepod"
	}
}

// shown tells versions of the block apart without a secret.
func (a Auth) shown() string {
	if !a.Enabled {
		return ""
	}
	write := 0
	for _, k := range a.Keys {
		if k.Write {
			write++
		}
	}
	return fmt.Sprintf("%d API keys, %d of them may write", len(a.Keys), write)
}

// auth reads runtime.auth.
func (l *loader) auth(d *document, raw rawAuth) Auth {
	const at = "runtime.auth.api-key"
	if !d.has(at) || raw.APIKey.Enabled != nil && !*raw.APIKey.Enabled {
		return Auth{}
	}
	if len(raw.APIKey.Keys) == 0 {
		d.errorf(at, "keys: ['${secrets:api_key}:rw']", "API keys are switched on, but there is none: nobody could use the runtime")
	}
	out := Auth{Enabled: true}
	for i, text := range raw.APIKey.Keys {
		path := fmt.Sprintf("%s.keys[%d]", at, i)
		write := strings.HasSuffix(text, ":rw")
		text = strings.TrimSuffix(strings.TrimSuffix(text, ":rw"), ":ro")
		v, missing := l.resolver.Resolve(text)
		for _, m := range missing {
			d.warnf(path, m.Hint, "secret %q of store %q %s: nobody can use this key", m.Key, m.Store, m.Reason)
		}
		if missing != nil {
			continue
		}
		if v.Reveal() == "" {
			d.errorf(path, "", "the key is empty")
		}
		if !v.Secret() {
			v = secrets.Hidden(text)
		}
		out.Keys = append(out.Keys, APIKey{v, write})
	}
	return out
}

// tls reads runtime.tls.
func (l *loader) tls(d *document, raw rawTLS) TLS {
	const at = "runtime.tls"
	if !d.has(at) || raw.Enabled != nil && !*raw.Enabled {
		return TLS{}
	}
	t := TLS{Enabled: true}
	texts, _ := l.resolve(d, SeverityError, "runtime.tls", at, scalarMap{"certificate": raw.Certificate, "key": raw.Key})
	t.CertificatePEM, t.KeyPEM = texts["certificate"], secrets.Hidden(texts["key"].Reveal())
	switch {
	case raw.CertificateFile != "" && raw.KeyFile != "":
		t.CertificateFile, t.KeyFile = absFrom(l.dir, raw.CertificateFile), absFrom(l.dir, raw.KeyFile)
	case raw.Certificate != "" && raw.Key != "":
	default:
		d.errorf(at, "certificate_file: and key_file:, or certificate: and key:", "TLS needs a certificate and its key")
		return TLS{}
	}
	if _, err := t.Certificate(); err != nil {
		d.errorf(at, "both as PEM", "the certificate can't be used: %s", l.resolver.Redactor().Redact(err.Error()))
	}
	return t
}
