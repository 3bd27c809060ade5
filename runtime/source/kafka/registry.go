package kafka

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"pitwall/runtime/source"
	"pitwall/runtime/source/debezium"
)

// registryTimeout bounds how long the schema registry may take.
const registryTimeout = 10 * time.Second

// registry asks a schema registry. It implements debezium.Schemas.
type registry struct {
	client *sr.Client
	http   *http.Client
}

func newRegistry(at registryAt, conf *settings) (*registry, error) {
	r := &registry{http: &http.Client{Timeout: registryTimeout, Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf.tls.Clone(), IdleConnTimeout: time.Minute, DialContext: conf.dial}}}
	opts := []sr.ClientOpt{sr.URLs(at.url), sr.HTTPClient(r.http), sr.UserAgent("pitwall")}
	if at.username != "" {
		opts = append(opts, sr.BasicAuth(at.username, at.password))
	}
	var err error
	r.client, err = sr.NewClient(opts...)
	return r, err
}

// Schema implements debezium.Schemas. That there is none of this number is an error of the message.
func (r *registry) Schema(ctx context.Context, id int) (string, error) {
	s, err := r.client.SchemaByID(ctx, id)
	if err == nil && s.Type != sr.TypeAvro {
		return "", fmt.Errorf("%w: schema %d is of %s, not of Avro", debezium.ErrEvent, id, s.Type)
	}
	if err == nil && len(s.References) > 0 {
		return "", fmt.Errorf("%w: schema %d is made of others, which is none that Debezium writes", debezium.ErrEvent, id)
	}
	if err == nil {
		return s.Schema, nil
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	e := &source.Error{Kind: source.Unavailable, Place: "schema registry", Err: fmt.Errorf("schema %d: %w", id, err),
		Hint: "see whether kafka_schema_registry_url is right and the registry runs"}
	var answer *sr.ResponseError
	if errors.As(err, &answer) {
		switch answer.StatusCode {
		case http.StatusNotFound:
			return "", fmt.Errorf("%w: the schema registry has no schema %d: %w", debezium.ErrEvent, id, err)
		case http.StatusUnauthorized, http.StatusForbidden:
			e.Kind, e.Hint = source.Denied, "correct kafka_schema_registry_username and kafka_schema_registry_password"
		}
	}
	return "", e
}
