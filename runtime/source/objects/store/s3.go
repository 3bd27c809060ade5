package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

// The default credential chain may look for credentials for chainTimeout: outside of AWS its last step
// asks an address that does not answer. Where it found none it is not asked again for chainPause.
const (
	chainTimeout = 5 * time.Second
	chainPause   = 5 * time.Minute
)

// s3Options are the params of s3://.
type s3Options struct {
	bucket, region, endpoint, auth string
	key, secret, token             string
	pathStyle                      bool
	timeout                        time.Duration

	noneAt atomic.Int64 // when the chain found nothing, in Unix seconds
}

func locateS3(p *reader, path string) Location {
	o := &s3Options{}
	var key string
	o.bucket, key = bucket(p, "s3", path)
	o.region = p.text("s3_region")
	o.endpoint = endpoint(p, "s3_endpoint")
	o.key, o.secret, o.token = p.secret("s3_key"), p.secret("s3_secret"), p.secret("s3_session_token")
	o.timeout = p.seconds("client_timeout", defaultTimeout)
	o.pathStyle = o.endpoint != ""
	switch p.oneOf("s3_url_style", "path", "vhost", "virtual") {
	case "path":
		o.pathStyle = true
	case "vhost", "virtual":
		o.pathStyle = false
	}
	p.together("s3_key", "s3_secret")
	switch o.auth = p.oneOf("s3_auth", "public", "key", "iam_role"); {
	case o.auth == "" && o.key != "":
		o.auth = "key"
	case o.auth == "key" && o.key == "":
		p.problem(errors.New("param s3_auth: key needs s3_key and s3_secret"))
	case (o.auth == "public" || o.auth == "iam_role") && o.key != "":
		p.problem(fmt.Errorf("param s3_auth: %s does not go with s3_key; use s3_auth: key", o.auth))
	}
	name := "s3://" + o.bucket + "/"
	f := faults{secrets: p.secrets, params: "params s3_auth, s3_key, s3_secret, s3_session_token and s3_region", endpoint: "params s3_endpoint, s3_url_style and s3_region"}
	return Location{Path: key, Name: name + key, open: func(ctx context.Context) (Store, error) { return o.open(ctx, name, f) }}
}

// endpoint reads the URL of a server. Plain http must be allowed, because it shows the data to the
// network.
func endpoint(p *reader, param string) string {
	v := strings.TrimSuffix(p.text(param), "/")
	allowed := p.bool("allow_http", false)
	switch {
	case v == "":
		return ""
	case !strings.Contains(v, "://"):
		return "https://" + v
	case strings.HasPrefix(v, "http://") && !allowed:
		p.problem(fmt.Errorf("param %s is not encrypted; use https://, or set allow_http: true", param))
	case !strings.HasPrefix(v, "http://") && !strings.HasPrefix(v, "https://"):
		p.problem(fmt.Errorf("param %s must begin with https:// or http://", param))
	}
	return v
}

func (o *s3Options) open(ctx context.Context, name string, f faults) (Store, error) {
	t := newTransport(o.timeout)
	// The client of the credential chain honours AWS_CA_BUNDLE, which the store's then uses, too.
	chainClient := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.DisableKeepAlives = true })
	load := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithHTTPClient(chainClient), awsconfig.WithLogger(logging.Nop{}),
		awsconfig.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(r *retry.StandardOptions) {
				r.MaxAttempts, r.MaxBackoff = attempts, 2*time.Second
				r.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(stillIdle)}, r.Retryables...)
			})
		}),
	}
	if o.region != "" {
		load = append(load, awsconfig.WithRegion(o.region))
	}
	switch o.auth {
	case "key":
		load = append(load, awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.key, o.secret, o.token)))
	case "public":
		load = append(load, awsconfig.WithCredentialsProvider(aws.AnonymousCredentials{}))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, f.wrap(ctx, name, err, &fault{status: http.StatusForbidden})
	}
	if c, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		t.base.TLSClientConfig = c.GetTransport().TLSClientConfig
	}
	if o.auth == "" || o.auth == "iam_role" {
		if err := o.chain(ctx, &cfg); err != nil {
			return nil, f.wrap(ctx, name, err, &fault{status: http.StatusForbidden, message: err.Error()})
		}
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	b, err := s3blob.OpenBucket(ctx, s3.NewFromConfig(cfg, func(so *s3.Options) {
		so.UsePathStyle = o.pathStyle
		so.HTTPClient = &http.Client{Transport: t}
		so.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		if o.endpoint != "" {
			so.BaseEndpoint = aws.String(o.endpoint)
		}
	}), o.bucket, nil)
	if err != nil {
		return nil, f.wrap(ctx, name, err, nil)
	}
	return &bucketStore{Bucket: b, name: name, faults: f, transport: t, vendor: s3Vendor{}}, nil
}

// chain looks for the credentials of the environment, the profile or the instance's role. Without any a
// bucket may still be public, unless s3_auth says that there must be a role.
func (o *s3Options) chain(ctx context.Context, cfg *aws.Config) error {
	if o.auth == "" && time.Since(time.Unix(o.noneAt.Load(), 0)) < chainPause {
		cfg.Credentials = aws.AnonymousCredentials{}
		return nil
	}
	chain, cancel := context.WithTimeout(ctx, chainTimeout)
	defer cancel()
	switch _, err := cfg.Credentials.Retrieve(chain); {
	case err == nil:
		return nil
	case o.auth == "iam_role":
		return errors.New("no credentials were found in the environment, the profile or the instance's role")
	}
	o.noneAt.Store(time.Now().Unix())
	cfg.Credentials = aws.AnonymousCredentials{}
	return nil
}

// stillIdle keeps the SDK from waiting for a silent server several times as long as client_timeout says.
func stillIdle(err error) aws.Ternary {
	if errors.Is(err, errIdle) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

type s3Vendor struct{}

func (s3Vendor) version(o *blob.ListObject) string {
	var raw types.Object
	if o.As(&raw) {
		return aws.ToString(raw.ETag)
	}
	return ""
}

func (s3Vendor) versionOf(a *blob.Attributes) string { return a.ETag }

func (s3Vendor) pin(as func(any) bool, version string) {
	var in *s3.GetObjectInput
	if as(&in) {
		in.IfMatch = aws.String(version)
	}
}

func (s3Vendor) fault(b *blob.Bucket, err error) *fault {
	var f *fault
	var resp *awshttp.ResponseError
	if b.ErrorAs(err, &resp) {
		f = &fault{status: resp.HTTPStatusCode()}
	}
	var api smithy.APIError
	if b.ErrorAs(err, &api) {
		if f == nil {
			f = &fault{}
		}
		f.code, f.message = api.ErrorCode(), api.ErrorMessage()
		switch f.code {
		case "NoSuchBucket":
			f.message = "there is no such bucket"
		case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AuthorizationHeaderMalformed", "XAdminUserNotFound":
			f.status = http.StatusForbidden // some stores answer 400 or 404
		case "SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable":
			f.status = http.StatusServiceUnavailable
		}
		if f.message == "" {
			f.message = http.StatusText(f.status)
		}
	}
	return f
}
