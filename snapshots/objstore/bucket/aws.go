package bucket

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
)

// The default credential chain may look for credentials for chainTimeout: outside of AWS its last step
// asks an address that does not answer. Where it found none it is not asked again for chainPause.
const (
	chainTimeout = 5 * time.Second
	chainPause   = 5 * time.Minute
)

// AWS reaches another service of AWS as a bucket of S3 is reached: with its credentials and region.
type AWS struct {
	// Config has the credentials and the region.
	Config aws.Config
	// Client sends the requests.
	Client *http.Client

	transport *Transport
	secrets   []string
}

// OpenAWS looks for the credentials that the params of S3 tell. A server may think for wait before it answers,
// besides client_timeout. An error is a *Fault, or what is wrong with the params. The caller closes it.
func OpenAWS(ctx context.Context, p *Params, wait time.Duration) (*AWS, error) {
	o := s3OptionsOf(p)
	if err := p.Err(); err != nil {
		return nil, err
	}
	t := NewTransport(o.timeout + wait)
	cfg, err := o.config(ctx, t)
	if err != nil {
		return nil, err
	}
	return &AWS{Config: cfg, Client: &http.Client{Transport: t}, transport: t, secrets: p.secrets}, nil
}

// Close ends all connections.
func (a *AWS) Close() { a.transport.Close() }

// Cause is an error of the service in short and without secrets.
func (a *AWS) Cause(err error) error { return Cause(err, AWSFault(err), a.secrets) }

// AWSFault explains an error of an AWS service; nil when it did not answer.
func AWSFault(err error) *Fault { return awsFault(err, errors.As) }

// config has the region and the credentials; an error is a *Fault. t takes over the certificates to trust.
func (o *s3Options) config(ctx context.Context, t *Transport) (cfg aws.Config, err error) {
	// The client of the credential chain honours AWS_CA_BUNDLE, which the store's then uses, too.
	chainClient := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.DisableKeepAlives = true })
	load := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithHTTPClient(chainClient), awsconfig.WithLogger(logging.Nop{}),
		awsconfig.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(r *retry.StandardOptions) {
				r.MaxAttempts, r.MaxBackoff = Attempts, 2*time.Second
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
	cfg, err = awsconfig.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return cfg, &Fault{Status: http.StatusForbidden, Err: err}
	}
	if c, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		t.base.TLSClientConfig = c.GetTransport().TLSClientConfig
	}
	if o.auth == "" || o.auth == "iam_role" {
		if err := o.chain(ctx, &cfg); err != nil {
			return cfg, &Fault{Status: http.StatusForbidden, Message: err.Error(), Err: err}
		}
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	return cfg, nil
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
	if errors.Is(err, ErrIdle) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// awsFault explains an error; as is such as errors.As.
func awsFault(err error, as func(error, any) bool) *Fault {
	var f *Fault
	var resp *awshttp.ResponseError
	if as(err, &resp) {
		f = &Fault{Status: resp.HTTPStatusCode()}
	}
	var api smithy.APIError
	if as(err, &api) {
		if f == nil {
			f = &Fault{}
		}
		f.Code, f.Message = api.ErrorCode(), api.ErrorMessage()
		switch f.Code {
		case "NoSuchBucket":
			f.Message = "there is no such bucket"
		case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AuthorizationHeaderMalformed", "XAdminUserNotFound":
			f.Status = http.StatusForbidden // some stores answer 400 or 404
		case "SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable":
			f.Status = http.StatusServiceUnavailable
		}
		if f.Message == "" {
			f.Message = http.StatusText(f.Status)
		}
	}
	return f
}
