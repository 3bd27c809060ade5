package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// settings are the params of a dataset.
type settings struct {
	servers  []string
	tls      *tls.Config // nil without TLS
	sasl     sasl.Mechanism
	group    string        // empty when one is to be made
	maxSize  int           // of a batch, in messages
	maxBytes int           // of a batch; one fetch may come on top
	maxWait  time.Duration // from the first message of a batch on
	infer    int           // how many messages tell the first schema, of JSON
	flatten  bool
	registry *registryAt // nil unless messages are in Avro

	look time.Duration                                                     // between looks at the topic
	dial func(ctx context.Context, network, addr string) (net.Conn, error) // of tests; nil is the network
}

// defaultBytes bounds a batch whose messages are large.
const defaultBytes = 64 << 20

// defaultLook is how often a feed looks after its topic: for its ends, for new partitions, and whether it is still the
// same.
const defaultLook = 2 * time.Second

// registryAt is where the schema registry is.
type registryAt struct{ url, username, password string }

// reader reads params; the first error stays.
type reader struct {
	params map[string]string
	err    error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// one is a param that has one of some values, without regard to case.
func (r *reader) one(name, otherwise string, of ...string) string {
	v := r.params[name]
	if v == "" {
		return otherwise
	}
	i := slices.IndexFunc(of, func(x string) bool { return strings.EqualFold(x, v) })
	if i < 0 {
		r.fail("%s is %q: it may be %s", name, v, strings.Join(of, ", "))
		return otherwise
	}
	return of[i]
}

func (r *reader) bool(name string, otherwise bool) bool {
	return r.one(name, strconv.FormatBool(otherwise), "true", "false") == "true"
}

func (r *reader) count(name string, otherwise int) int {
	v := r.params[name]
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > 1_000_000 {
		r.fail("%s is %q: it may be 1 to 1000000", name, v)
	}
	return n
}

// duration reads a number with a unit, or of seconds.
func (r *reader) duration(name string, otherwise time.Duration) time.Duration {
	v := r.params[name]
	if v == "" {
		return otherwise
	}
	d, err := time.ParseDuration(v)
	if seconds, err2 := strconv.ParseFloat(v, 64); err2 == nil {
		d, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil || d < time.Millisecond || d > time.Hour {
		r.fail("%s is %q: it may be 1ms to 1h, such as 500ms or 1s", name, v)
	}
	return d
}

// settings reads the params.
func (o *Options) settings() (settings, error) {
	r := &reader{params: o.Params}
	s := settings{group: o.Params["kafka_consumer_group_id"], maxSize: r.count("batch_max_size", 10000),
		maxWait: r.duration("batch_max_duration", time.Second), look: defaultLook, maxBytes: defaultBytes}
	for server := range strings.SplitSeq(o.Params["kafka_bootstrap_servers"], ",") {
		if server = strings.TrimSpace(server); server != "" {
			s.servers = append(s.servers, server)
		}
	}
	if len(s.servers) == 0 {
		r.fail("kafka_bootstrap_servers is missing: it names brokers, such as broker1:9092,broker2:9092")
	}
	protocol := r.one("kafka_security_protocol", "SASL_SSL", "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
	if strings.HasSuffix(protocol, "SSL") {
		s.tls = r.tls(o.Dir)
	}
	mechanism := r.one("kafka_sasl_mechanism", "SCRAM-SHA-512", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
	if strings.HasPrefix(protocol, "SASL") {
		s.sasl = r.sasl(protocol, mechanism)
	}
	if o.Format == JSON {
		s.infer, s.flatten = r.count("schema_infer_max_records", 1), r.bool("flatten_json", false)
		return s, r.err
	}
	r.one("debezium_transport", "kafka", "kafka")
	if r.one("debezium_message_format", "json", "json", "avro") == "avro" {
		s.registry = r.registry()
	}
	return s, r.err
}

func (r *reader) sasl(protocol, mechanism string) sasl.Mechanism {
	user, password := r.params["kafka_sasl_username"], r.params["kafka_sasl_password"]
	if user == "" || password == "" {
		r.fail("kafka_sasl_username and kafka_sasl_password are needed with kafka_security_protocol %s: it may be PLAINTEXT or SSL without", protocol)
		return nil
	}
	switch mechanism {
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism()
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism()
	default:
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism()
	}
}

func (r *reader) registry() *registryAt {
	a := &registryAt{url: r.params["kafka_schema_registry_url"], username: r.params["kafka_schema_registry_username"],
		password: r.params["kafka_schema_registry_password"]}
	u, err := url.Parse(a.url)
	switch {
	case a.url == "":
		r.fail("kafka_schema_registry_url is missing: debezium_message_format avro needs it, such as http://registry:8081")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		r.fail("kafka_schema_registry_url is no URL: it may be http://host:port or https://host:port")
	}
	return a
}

// tls makes the settings of TLS.
func (r *reader) tls(dir string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if at := r.params["kafka_ssl_ca_location"]; at != "" {
		if !filepath.IsAbs(at) {
			at = filepath.Join(dir, at)
		}
		text, err := os.ReadFile(at)
		if err != nil {
			r.fail("kafka_ssl_ca_location can't be read: %w", err)
			return c
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			r.fail("kafka_ssl_ca_location: %s has no certificate in PEM", at)
		}
	}
	verify := r.bool("kafka_enable_ssl_certificate_verification", true)
	names := r.one("kafka_ssl_endpoint_identification_algorithm", "https", "https", "none") == "https"
	switch {
	case !verify:
		c.InsecureSkipVerify = true // the user asked for it
	case !names: // whoever has a certificate of the authority is trusted, whatever its name
		c.InsecureSkipVerify = true
		roots := c.RootCAs
		c.VerifyConnection = func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return errors.New("the broker has no certificate")
			}
			o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
			for _, cert := range s.PeerCertificates[1:] {
				o.Intermediates.AddCert(cert)
			}
			_, err := s.PeerCertificates[0].Verify(o)
			return err
		}
	}
	return c
}
