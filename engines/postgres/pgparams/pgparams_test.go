package pgparams_test

import (
	"crypto/tls"
	"testing"

	"github.com/jackc/pgx/v5"

	"pitwall/engines/postgres/pgparams"
)

// A connection string without a TLS mode was tried in plain text.
func TestTLSIsVerifyFullUnlessSaidOtherwise(t *testing.T) {
	for _, c := range []struct {
		name   string
		params map[string]string
		// what TLS is asked for: "none", "verified" or "any certificate"; and whether plain text is tried after it
		want  string
		plain bool
	}{
		{"params", map[string]string{"pg_host": "db", "pg_pass": `it's \ "x"`}, "verified", false},
		{"params, disable", map[string]string{"pg_host": "db", "pg_sslmode": "disable"}, "none", false},
		{"keywords", map[string]string{"pg_connection_string": "host=db user=u"}, "verified", false},
		{"keywords with a mode", map[string]string{"pg_connection_string": "host=db sslmode = disable"}, "none", false},
		{"keywords and a param", map[string]string{"pg_connection_string": "host=db sslmode=disable", "pg_sslmode": "require"}, "any certificate", false},
		{"password like a mode", map[string]string{"pg_connection_string": "host=db password=xsslmode=disable"}, "verified", false},
		{"URL", map[string]string{"pg_connection_string": "postgres://u:p%2F@db:5433/x?application_name=a"}, "verified", false},
		{"URL with a mode", map[string]string{"pg_connection_string": "postgresql://u@db/x?sslmode=prefer"}, "any certificate", true},
		{"URL and a param", map[string]string{"pg_connection_string": "postgres://u@db/x?sslmode=prefer", "pg_sslmode": "disable"}, "none", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := pgparams.ConnString(c.params)
			if err != nil {
				t.Fatal(err)
			}
			conf, err := pgx.ParseConfig(text)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if got := meaning(conf.TLSConfig); got != c.want {
				t.Errorf("TLS %s, want %s", got, c.want)
			}
			plain := false
			for _, f := range conf.Fallbacks {
				plain = plain || f.TLSConfig == nil
			}
			if plain != c.plain || conf.Host != "db" {
				t.Errorf("plain text after it: %t; host %q", plain, conf.Host)
			}
			if p := c.params["pg_pass"]; conf.Password != p && p != "" {
				t.Errorf("password %q", conf.Password)
			}
		})
	}
	for _, bad := range []map[string]string{{"pg_sslmode": "yes"}, {"pg_sslrootcert": "/does/not/exist"}, {"pg_connection_string": "postgres://u:p@db:x/%"}} {
		if text, err := pgparams.ConnString(bad); err == nil {
			t.Errorf("%v: %q", bad, text)
		}
	}
}

func meaning(c *tls.Config) string {
	switch {
	case c == nil:
		return "none"
	case c.InsecureSkipVerify && c.VerifyPeerCertificate == nil:
		return "any certificate"
	default:
		return "verified"
	}
}
