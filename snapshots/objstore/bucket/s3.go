package bucket

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

// s3Options are the params of s3://.
type s3Options struct {
	bucket, region, endpoint, auth string
	key, secret, token             string
	pathStyle                      bool
	timeout                        time.Duration

	noneAt atomic.Int64 // when the chain found nothing, in Unix seconds
}

func locateS3(p *Params, path string) Location {
	o := s3OptionsOf(p)
	var key string
	o.bucket, key = split(p, "s3", path)
	name := "s3://" + o.bucket + "/"
	return Location{Name: name, Key: key, Secrets: p.secrets, open: o.open,
		Credentials: "params s3_auth, s3_key, s3_secret, s3_session_token and s3_region", Endpoint: "params s3_endpoint, s3_url_style and s3_region"}
}

// s3OptionsOf reads the params, without the bucket.
func s3OptionsOf(p *Params) *s3Options {
	o := &s3Options{}
	o.region = p.Text("s3_region")
	o.endpoint = endpoint(p, "s3_endpoint")
	o.key, o.secret, o.token = p.Secret("s3_key"), p.Secret("s3_secret"), p.Secret("s3_session_token")
	o.timeout = p.Seconds("client_timeout", DefaultTimeout)
	o.pathStyle = o.endpoint != ""
	switch p.OneOf("s3_url_style", "path", "vhost", "virtual") {
	case "path":
		o.pathStyle = true
	case "vhost", "virtual":
		o.pathStyle = false
	}
	p.Together("s3_key", "s3_secret")
	switch o.auth = p.OneOf("s3_auth", "public", "key", "iam_role"); {
	case o.auth == "" && o.key != "":
		o.auth = "key"
	case o.auth == "key" && o.key == "":
		p.Problem(errors.New("param s3_auth: key needs s3_key and s3_secret"))
	case (o.auth == "public" || o.auth == "iam_role") && o.key != "":
		p.Problem(fmt.Errorf("param s3_auth: %s does not go with s3_key; use s3_auth: key", o.auth))
	}
	return o
}

// endpoint reads the URL of a server. Plain http must be allowed, because it shows the data to the
// network.
func endpoint(p *Params, param string) string {
	v := strings.TrimSuffix(p.Text(param), "/")
	allowed := p.Bool("allow_http", false)
	switch {
	case v == "":
		return ""
	case !strings.Contains(v, "://"):
		return "https://" + v
	case strings.HasPrefix(v, "http://") && !allowed:
		p.Problem(fmt.Errorf("param %s is not encrypted; use https://, or set allow_http: true", param))
	case !strings.HasPrefix(v, "http://") && !strings.HasPrefix(v, "https://"):
		p.Problem(fmt.Errorf("param %s must begin with https:// or http://", param))
	}
	return v
}

func (o *s3Options) open(ctx context.Context) (*Bucket, error) {
	t := NewTransport(o.timeout)
	cfg, err := o.config(ctx, t)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(cfg, func(so *s3.Options) {
		so.UsePathStyle = o.pathStyle
		so.HTTPClient = &http.Client{Transport: t}
		so.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		if o.endpoint != "" {
			so.BaseEndpoint = aws.String(o.endpoint)
		}
	})
	b, err := s3blob.OpenBucket(ctx, client, o.bucket, nil)
	if err != nil {
		return nil, &Fault{Err: err}
	}
	return &Bucket{Bucket: b, transport: t, vendor: s3Vendor{client, o.bucket}, login: o.login(cfg)}, nil
}

type s3Vendor struct {
	client *s3.Client
	bucket string
}

// create is what gocloud does, which reads the first 16 MiB into memory that grows, and so takes 50 MiB more.
func (v s3Vendor) create(ctx context.Context, key string, r io.Reader, m Multipart) error {
	manager := transfermanager.New(v.client, func(o *transfermanager.Options) {
		o.PartSizeBytes, o.MultipartUploadThreshold, o.Concurrency = m.PartBytes, m.PartBytes, m.Parallel
	})
	_, err := manager.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: &v.bucket, Key: &key, Body: r, IfNoneMatch: aws.String("*"),
		ContentType: aws.String(binary), Metadata: m.Metadata})
	return err
}

func (s3Vendor) version(o *blob.ListObject) string {
	var raw types.Object
	if o.As(&raw) {
		return aws.ToString(raw.ETag)
	}
	return ""
}

// suspicious knows that most ETags are the MD5 of the object.
func (s3Vendor) suspicious(version string, body []byte) bool {
	tag := strings.Trim(version, `"`)
	sum := md5.Sum(body)
	return tag == "" || len(tag) == 2*md5.Size && tag != hex.EncodeToString(sum[:])
}

func (s3Vendor) none() string { return `"00000000000000000000000000000000"` }

func (s3Vendor) versionOf(a *blob.Attributes) string { return a.ETag }

func (s3Vendor) versionRead(r *blob.Reader) string {
	var out s3.GetObjectOutput
	if r.As(&out) {
		return aws.ToString(out.ETag)
	}
	return ""
}

func (s3Vendor) ifVersion(as func(any) bool, version string) bool {
	var in *transfermanager.UploadObjectInput
	if !as(&in) {
		return false
	}
	in.IfMatch = aws.String(version)
	return true
}

func (s3Vendor) pin(as func(any) bool, version string) {
	var in *s3.GetObjectInput
	if as(&in) {
		in.IfMatch = aws.String(version)
	}
}

func (s3Vendor) fault(b *blob.Bucket, err error) *Fault {
	return awsFault(err, func(err error, to any) bool { return b.ErrorAs(err, to) })
}
