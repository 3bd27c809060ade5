package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"pitwall/runtime/source"
)

// These bound how long the loss of a broker stays unnoticed.
const (
	dialTimeout    = 5 * time.Second
	requestTimeout = 10 * time.Second
	maxBackoff     = 2 * time.Second
)

// client makes a client that reads what it is told to; it connects when it is first used.
func (s *Source) client() (*kgo.Client, error) {
	conf := &s.settings
	opts := []kgo.Opt{
		kgo.SeedBrokers(conf.servers...), kgo.ClientID("pitwall"), kgo.SoftwareNameAndVersion("pitwall", "1"),
		// Where to go on is never for the client to guess.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.RequestRetries(3), kgo.RetryTimeout(requestTimeout), kgo.MetadataMinAge(500 * time.Millisecond), kgo.MetadataMaxAge(time.Minute),
		kgo.RetryBackoffFn(func(fails int) time.Duration { return min(time.Duration(fails)*200*time.Millisecond, maxBackoff) }),
		kgo.DisableClientMetrics(),
	}
	switch {
	case conf.dial != nil:
		opts = append(opts, kgo.Dialer(conf.dial))
	case conf.tls != nil:
		d := &tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTimeout}, Config: conf.tls}
		opts = append(opts, kgo.Dialer(d.DialContext))
	default:
		opts = append(opts, kgo.Dialer((&net.Dialer{Timeout: dialTimeout}).DialContext))
	}
	if conf.sasl != nil {
		opts = append(opts, kgo.SASL(conf.sasl))
	}
	c, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, &source.Error{Kind: source.Unsupported, Place: s.place(), Err: err, Hint: "correct params of the dataset"}
	}
	return c, nil
}

// explain makes of what the client says an error of a source.
func (s *Source) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", s.place(), ctx.Err())
	}
	e := &source.Error{Kind: source.Unavailable, Place: s.place(), Err: err, Hint: "see whether the brokers of kafka_bootstrap_servers run and can be reached"}
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var first *kgo.ErrFirstReadEOF
	var code *kerr.Error
	switch {
	case errors.As(err, &certificate), errors.As(err, &authority), errors.As(err, &name):
		e.Kind, e.Hint = source.Denied, "set kafka_ssl_ca_location to the certificate of the authority that the brokers' certificates are of"
	case errors.As(err, &first):
		e.Hint = "see whether kafka_security_protocol is the brokers': they close the connection without an answer"
	case errors.Is(err, io.EOF) && s.settings.sasl != nil:
		e.Hint += "; some close the connection when kafka_sasl_username or kafka_sasl_password is wrong"
	case errors.As(err, &code):
		switch code {
		case kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState:
			e.Kind, e.Hint = source.Denied, "correct kafka_sasl_mechanism, kafka_sasl_username and kafka_sasl_password"
		case kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.GroupAuthorizationFailed:
			e.Kind, e.Hint = source.Denied, "allow the user to describe and read the topic"
		case kerr.UnknownTopicOrPartition, kerr.UnknownTopicID:
			e.Err = fmt.Errorf("the topic does not exist: %w", err)
			e.Hint = "see whether the name is right; Debezium makes a topic with the first change of its table"
		case kerr.InvalidTopicException:
			e.Kind, e.Hint = source.Unsupported, "correct the topic in from"
		}
	}
	return e
}
