package kafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"pitwall/runtime/source"
)

func TestWrongParams(t *testing.T) {
	file := filepath.Join(t.TempDir(), "no.pem")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		format      Format
		name, value string
		says        []string
	}{
		{JSON, "kafka_bootstrap_servers", " , ", []string{"kafka_bootstrap_servers", "broker1:9092"}},
		{JSON, "kafka_security_protocol", "TLS", []string{"PLAINTEXT", "SASL_SSL"}},
		{JSON, "kafka_security_protocol", "SASL_PLAINTEXT", []string{"kafka_sasl_username", "kafka_sasl_password"}},
		{JSON, "kafka_sasl_mechanism", "GSSAPI", []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}},
		{JSON, "kafka_enable_ssl_certificate_verification", "no", []string{"true", "false"}},
		{JSON, "kafka_ssl_endpoint_identification_algorithm", "http", []string{"https", "none"}},
		{JSON, "kafka_ssl_ca_location", "/is/not/there.pem", []string{"no such file"}},
		{JSON, "kafka_ssl_ca_location", file, []string{"no certificate"}},
		{JSON, "batch_max_size", "0", []string{"1 to 1000000"}},
		{JSON, "batch_max_duration", "soon", []string{"1ms to 1h"}},
		{JSON, "schema_infer_max_records", "-1", []string{"1 to"}},
		{JSON, "flatten_json", "yes", []string{"true", "false"}},
		{Debezium, "debezium_transport", "http", []string{"kafka"}},
		{Debezium, "debezium_message_format", "xml", []string{"json", "avro"}},
		{Debezium, "debezium_message_format", "avro", []string{"kafka_schema_registry_url"}},
		{"csv", "", "", []string{"csv"}},
	} {
		o := Options{Topic: "t", Dataset: "t", Format: tt.format, Params: map[string]string{"kafka_bootstrap_servers": "x:1", "kafka_security_protocol": "SSL"}}
		o.Params[tt.name] = tt.value
		_, err := New(o)
		if source.KindOf(err) != source.Unsupported {
			t.Errorf("%s %q: %v", tt.name, tt.value, err)
			continue
		}
		for _, says := range append(tt.says, tt.name) {
			if tt.value != "SASL_PLAINTEXT" && tt.value != "avro" && !strings.Contains(err.Error(), says) {
				t.Errorf("%s %q: %v does not say %q", tt.name, tt.value, err, says)
			}
		}
	}
	if _, err := New(Options{Format: JSON}); source.KindOf(err) != source.Unsupported || !strings.Contains(err.Error(), "kafka:topic") {
		t.Errorf("without a topic: %v", err)
	}
	if _, err := New(Options{Topic: "t", Format: JSON, Params: map[string]string{"kafka_bootstrap_servers": "x:1"}}); err == nil || !strings.Contains(err.Error(), "SASL_SSL") {
		t.Errorf("the default is SASL_SSL: %v", err)
	}
	s, err := New(Options{Topic: "t", Format: Debezium, Params: map[string]string{"kafka_bootstrap_servers": "x:1, y:2", "kafka_security_protocol": "plaintext"}})
	if err != nil || s.settings.maxSize != 10000 || s.settings.maxWait != time.Second || !slices.Equal(s.settings.servers, []string{"x:1", "y:2"}) || s.settings.registry != nil {
		t.Errorf("defaults: %+v, %v", s, err)
	}
}

// authority makes a certificate for a name, and the file of its authority.
func authority(t *testing.T, name string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSNames: []string{name}}
	if ip := net.ParseIP(name); ip != nil {
		c.DNSNames, c.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// These are on the real network, with real TLS.
func TestSecurity(t *testing.T) {
	good, file := authority(t, "127.0.0.1")
	another, anotherFile := authority(t, "kafka.example.com")
	sha256 := []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "me", "secret")}
	sha512 := []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "me", "secret")}
	plainOpts := []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("PLAIN", "me", "secret")}
	withTLS := func(c tls.Certificate, opts ...kfake.Opt) []kfake.Opt {
		return append([]kfake.Opt{kfake.TLS(&tls.Config{Certificates: []tls.Certificate{c}})}, opts...)
	}
	me := []string{"kafka_sasl_username", "me", "kafka_sasl_password", "secret"}
	with := func(more []string, params ...string) []string { return append(slices.Clone(params), more...) }
	for _, tt := range []struct {
		name   string
		opts   []kfake.Opt
		auth   sasl.Mechanism
		params []string
		kind   source.Kind
	}{
		{"PLAIN", plainOpts, plain.Auth{User: "me", Pass: "secret"}.AsMechanism(), with(me, "kafka_security_protocol", "SASL_PLAINTEXT", "kafka_sasl_mechanism", "PLAIN"), ""},
		{"PLAIN, a wrong password", plainOpts, plain.Auth{User: "me", Pass: "secret"}.AsMechanism(),
			[]string{"kafka_security_protocol", "SASL_PLAINTEXT", "kafka_sasl_mechanism", "PLAIN", "kafka_sasl_username", "me", "kafka_sasl_password", "x"}, source.Unavailable},
		{"SCRAM-SHA-256", sha256, scram.Auth{User: "me", Pass: "secret"}.AsSha256Mechanism(), with(me, "kafka_security_protocol", "SASL_PLAINTEXT", "kafka_sasl_mechanism", "SCRAM-SHA-256"), ""},
		{"SCRAM-SHA-512 by default", sha512, scram.Auth{User: "me", Pass: "secret"}.AsSha512Mechanism(), with(me, "kafka_security_protocol", "SASL_PLAINTEXT"), ""},
		{"SCRAM, a wrong password", sha512, scram.Auth{User: "me", Pass: "secret"}.AsSha512Mechanism(),
			[]string{"kafka_security_protocol", "SASL_PLAINTEXT", "kafka_sasl_username", "me", "kafka_sasl_password", "x"}, source.Unavailable},
		{"another mechanism", sha512, scram.Auth{User: "me", Pass: "secret"}.AsSha512Mechanism(), with(me, "kafka_security_protocol", "SASL_PLAINTEXT", "kafka_sasl_mechanism", "PLAIN"), source.Unavailable},
		{"TLS and SCRAM", withTLS(good, sha512...), scram.Auth{User: "me", Pass: "secret"}.AsSha512Mechanism(), with(me, "kafka_ssl_ca_location", file), ""},
		{"TLS", withTLS(good), nil, []string{"kafka_security_protocol", "SSL", "kafka_ssl_ca_location", file}, ""},
		{"TLS of an authority that is not known", withTLS(good), nil, []string{"kafka_security_protocol", "SSL"}, source.Denied},
		{"TLS that is not verified", withTLS(good), nil, []string{"kafka_security_protocol", "SSL", "kafka_enable_ssl_certificate_verification", "false"}, ""},
		{"TLS of another name", withTLS(another), nil, []string{"kafka_security_protocol", "SSL", "kafka_ssl_ca_location", anotherFile}, source.Denied},
		{"TLS of another name, which is not looked at", withTLS(another), nil,
			[]string{"kafka_security_protocol", "SSL", "kafka_ssl_ca_location", anotherFile, "kafka_ssl_endpoint_identification_algorithm", "none"}, ""},
		{"TLS of another authority, its name not looked at", withTLS(another), nil,
			[]string{"kafka_security_protocol", "SSL", "kafka_ssl_ca_location", file, "kafka_ssl_endpoint_identification_algorithm", "none"}, source.Denied},
		{"no TLS", withTLS(good), nil, []string{"kafka_security_protocol", "PLAINTEXT"}, source.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(1, topic)}, tt.opts...)...)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			opts := []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}
			if strings.HasPrefix(tt.name, "TLS") {
				opts = append(opts, kgo.DialTLSConfig(&tls.Config{InsecureSkipVerify: true}))
			}
			if tt.auth != nil {
				opts = append(opts, kgo.SASL(tt.auth))
			}
			o := Options{Topic: topic, Dataset: "t", Format: JSON, Params: map[string]string{"kafka_bootstrap_servers": c.ListenAddrs()[0]}}
			for i := 0; i < len(tt.params); i += 2 {
				o.Params[tt.params[i]] = tt.params[i+1]
			}
			s, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			if tt.kind == "" {
				p, err := kgo.NewClient(opts...)
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				if err := p.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(`{"i":1}`)}).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
			f, err := s.Follow(t.Context(), nil)
			if tt.kind != "" {
				var e *source.Error
				// kfake closes the connection of whoever is not who he says, where Kafka answers: see TestDenied.
				if !errors.As(err, &e) || e.Kind != tt.kind || e.Hint == "" || tt.auth != nil && !strings.Contains(e.Hint, "kafka_sasl_password") {
					t.Errorf("%v, want %s", err, tt.kind)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			follower := &follower{t: t, Feed: f}
			defer follower.close()
			if rows, _ := follower.all(); fmt.Sprint(rows) != "[c 1]" {
				t.Errorf("%v", rows)
			}
		})
	}
}

// Whoever may not read the topic is told so.
func TestDenied(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		s := b.source(JSON, "kafka_security_protocol", "SASL_PLAINTEXT", "kafka_sasl_mechanism", "PLAIN", "kafka_sasl_username", "you", "kafka_sasl_password", "secret")
		if _, err := s.Follow(t.Context(), nil); source.KindOf(err) != source.Denied {
			t.Errorf("%v", err)
		}
	}, kfake.EnableSASL(), kfake.EnableACLs(), kfake.User("PLAIN", "you", "secret"), kfake.Superuser("PLAIN", "me", "secret"))
}

func TestDeniedByItsPassword(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		b.cluster.ControlKey(36, func(q kmsg.Request) (kmsg.Response, error, bool) { // SASL
			b.cluster.KeepControl()
			answer := q.ResponseKind().(*kmsg.SASLAuthenticateResponse)
			answer.ErrorCode = kerr.SaslAuthenticationFailed.Code
			return answer, nil, true
		})
		s := b.source(JSON, "kafka_security_protocol", "SASL_PLAINTEXT", "kafka_sasl_mechanism", "PLAIN", "kafka_sasl_username", "me", "kafka_sasl_password", "secret")
		if _, err := s.Follow(t.Context(), nil); source.KindOf(err) != source.Denied {
			t.Errorf("%v", err)
		}
	}, kfake.EnableSASL(), kfake.Superuser("PLAIN", "me", "secret"))
}

func TestRegistryFails(t *testing.T) {
	enc := encodings()[2]
	inBubble(t, func(t *testing.T, b *broker) {
		r := b.registry()
		b.send(enc, 0, insert(1, "a"))
		r.set(http.StatusServiceUnavailable)
		f := b.follow(b.source(Debezium, enc.params...), nil)
		for range 2 {
			if g, err := f.within(time.Hour); g != nil || source.KindOf(err) != source.Unavailable || !strings.Contains(err.Error(), "schema registry") {
				t.Fatalf("%v, %v", g, err)
			}
		}
		r.set(0)
		if g := f.next(); fmt.Sprint(g) != "c 1 a" || r.asked < 3 {
			t.Errorf("%+v, asked %d times", g, r.asked)
		}
		asked := r.asked
		b.send(enc, 0, insert(2, "b"))
		if g := f.next(); fmt.Sprint(g) != "c 2 b" || r.asked != asked {
			t.Errorf("%+v, asked %d times, then %d", g, asked, r.asked)
		}
		b.putKeyed(0, nil, []byte{0, 0, 0, 0, 99, 0})
		_, err := f.Next(t.Context())
		var bad *source.RecordError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), "no schema 99") {
			t.Errorf("%v", err)
		}
		f = b.follow(b.source(Debezium, append(enc.params, "kafka_schema_registry_password", "x")...), nil)
		if _, err := f.Next(t.Context()); source.KindOf(err) != source.Denied {
			t.Errorf("%v", err)
		}
	})
}

func TestObjects(t *testing.T) {
	for _, tt := range []struct {
		name   string
		params []string
		values []string
		rows   []string
		schema string // of the last batch
	}{
		{"flattened", []string{"flatten_json", "true"}, []string{`{"a":{"b":1,"c":{"d":"x"}},"e":[{"f":1}]}`, `{"a":{"b":2,"c":null}}`, `{"a":"now a text","e":{}}`},
			[]string{`c 1 x [{"f":1}]`, "c 2 - -", "c - - - now a text"}, "a.b int64, a.c.d utf8, e utf8, a utf8"},
		{"not flattened", nil, []string{`{"a":{"b":1}}`}, []string{`c {"b":1}`}, "a utf8"},
		{"several tell the schema", []string{"schema_infer_max_records", "3"}, []string{`{"a":1}`, `{"a":2.5}`, `{"b":true}`, `{"a":3}`},
			[]string{"c 1 -", "c 2.5 -", "c - true", "c 3 -"}, "a float64, b bool"},
		{"none and null", nil, []string{`{"a":1}`, ``, ` null `, `{"a":2}`}, []string{"c 1", "c 2"}, "a int64"},
		{"no values at first", nil, []string{`{}`, `{"a":null}`, `{"a":1}`, `{}`}, []string{"c -", "c -", "c 1", "c -"}, "a int64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *broker) {
				b.put(0, tt.values...)
				f := b.follow(b.source(JSON, tt.params...), nil)
				rows, batches := f.all()
				last := batches[len(batches)-1]
				if diff := cmp.Diff(tt.rows, rows); diff != "" || last.schema != tt.schema {
					t.Errorf("%s, schema %s", diff, last.schema)
				}
			})
		})
	}
	for _, bad := range []string{`{}`, `{"a":null}`, `{"a":1`, `[1]`, `7`, `{"a":01}`, `{"a":"\x"}`, "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}"} {
		inBubble(t, func(t *testing.T, b *broker) {
			b.put(0, bad)
			f := b.follow(b.source(JSON), nil)
			_, err := f.Next(t.Context())
			var r *source.RecordError
			if !errors.As(err, &r) || string(r.Record.Value) != bad {
				t.Errorf("%s: %v", bad, err)
			}
		})
	}
}
