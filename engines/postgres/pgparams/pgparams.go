// Package pgparams reads the pg_ params, with which a spicepod names a PostgreSQL server, for the source
// and for the engine of that name.
package pgparams

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// hasMode finds the TLS mode among the keywords of a connection string.
var hasMode = regexp.MustCompile(`(?:^|\s)sslmode\s*=`)

// ConnString makes of pg_host, pg_port, pg_db, pg_user, pg_pass, pg_sslmode and pg_sslrootcert, or of a
// pg_connection_string (URL or keywords), the connection string that pgx reads. The TLS mode is
// verify-full unless pg_sslmode or the connection string say otherwise (spec data-refresh 2.8), also
// where pgx would fall back to plain text. An error never has the password.
func ConnString(p map[string]string) (string, error) {
	mode := p["pg_sslmode"]
	switch mode {
	case "", "disable", "allow", "prefer", "require", "verify-ca", "verify-full":
	default:
		return "", fmt.Errorf("pg_sslmode %q is not disable, prefer, require, verify-ca or verify-full", mode)
	}
	if f := p["pg_sslrootcert"]; f != "" {
		if _, err := os.Stat(f); err != nil {
			return "", fmt.Errorf("pg_sslrootcert: %w", err)
		}
	}
	tls := [][2]string{{"sslmode", mode}, {"sslrootcert", p["pg_sslrootcert"]}}
	given := p["pg_connection_string"]
	switch {
	case strings.HasPrefix(given, "postgres://"), strings.HasPrefix(given, "postgresql://"):
		return complete(given, tls)
	case given != "":
		if mode == "" && !hasMode.MatchString(given) {
			tls[0][1] = "verify-full"
		}
		return given + " " + keywords(tls), nil
	}
	if mode == "" {
		tls[0][1] = "verify-full"
	}
	return keywords([][2]string{{"host", p["pg_host"]}, {"port", p["pg_port"]}, {"dbname", p["pg_db"]}, {"user", p["pg_user"]},
		{"password", p["pg_pass"]}}) + keywords(tls), nil
}

// complete adds what a URL does not say itself.
func complete(given string, tls [][2]string) (string, error) {
	u, err := url.Parse(given)
	if err != nil {
		return "", fmt.Errorf("pg_connection_string is no URL")
	}
	q := u.Query()
	for _, kv := range tls {
		if kv[1] != "" {
			q.Set(kv[0], kv[1])
		}
	}
	if q.Get("sslmode") == "" {
		q.Set("sslmode", "verify-full")
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// keywords writes what is not empty.
func keywords(kvs [][2]string) string {
	var b strings.Builder
	for _, kv := range kvs {
		if kv[1] != "" {
			fmt.Fprintf(&b, "%s='%s' ", kv[0], strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(kv[1]))
		}
	}
	return b.String()
}
