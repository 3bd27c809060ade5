package bucket

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/gcp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
)

// gcsOptions are the params of gs://.
type gcsOptions struct {
	bucket, endpoint string
	keyPath, key     string
	scope            string
	anonymous        bool
	timeout          time.Duration
}

// What the credentials are asked for.
const (
	gcsRead  = "https://www.googleapis.com/auth/devstorage.read_only"
	gcsWrite = "https://www.googleapis.com/auth/devstorage.read_write"
)

func locateGCS(p *Params, path string, a Access) Location {
	var o gcsOptions
	var key string
	o.bucket, key = split(p, "gs", path)
	o.endpoint = endpoint(p, "gcs_endpoint")
	o.keyPath, o.key = p.Text("gcs_service_account_path"), p.Secret("gcs_service_account_key")
	o.anonymous = p.Bool("gcs_skip_signature", false)
	o.timeout = p.Seconds("client_timeout", DefaultTimeout)
	if o.keyPath != "" && o.key != "" {
		p.Problem(errors.New("only one of gcs_service_account_path and gcs_service_account_key can be set"))
	}
	if o.anonymous && (o.keyPath != "" || o.key != "") {
		p.Problem(errors.New("gcs_skip_signature does not go with a service account"))
	}
	name := "gs://" + o.bucket + "/"
	o.scope = gcsRead
	if a == ReadWrite {
		o.scope = gcsWrite
	}
	return Location{Name: name, Key: key, Secrets: p.secrets, open: o.open,
		Credentials: "params gcs_service_account_path, gcs_service_account_key and gcs_skip_signature", Endpoint: "param gcs_endpoint"}
}

func (o *gcsOptions) open(ctx context.Context) (*Bucket, error) {
	t := NewTransport(o.timeout)
	client, err := o.client(ctx, t)
	if err != nil {
		return nil, &Fault{Status: http.StatusForbidden, Message: err.Error(), Err: err}
	}
	options := &gcsblob.Options{ClientOptions: []option.ClientOption{storage.WithDisabledClientMetrics()}}
	if o.endpoint != "" {
		options.ClientOptions = append(options.ClientOptions, option.WithEndpoint(o.endpoint+"/storage/v1/"), storage.WithJSONReads())
	}
	b, err := gcsblob.OpenBucket(ctx, client, o.bucket, options)
	if err != nil {
		return nil, &Fault{Err: err}
	}
	var raw *storage.Client
	if b.As(&raw) {
		raw.SetRetry(storage.WithMaxAttempts(Attempts), storage.WithBackoff(gax.Backoff{Initial: 200 * time.Millisecond, Max: 2 * time.Second}),
			storage.WithErrorFunc(func(err error) bool { return !errors.Is(err, ErrIdle) && storage.ShouldRetry(err) }))
	}
	return &Bucket{Bucket: b, transport: t, vendor: gcsVendor{o.bucket}, login: o.login}, nil
}

// client has the credentials of the service account, or those of the environment; without any it is
// anonymous, which is enough for public buckets.
func (o *gcsOptions) client(ctx context.Context, t http.RoundTripper) (*gcp.HTTPClient, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: t})
	key := []byte(o.key)
	if o.keyPath != "" {
		var err error
		if key, err = os.ReadFile(o.keyPath); err != nil {
			return nil, errors.New("gcs_service_account_path can't be read: " + err.Error())
		}
	}
	var creds *google.Credentials
	var err error
	switch {
	case o.anonymous:
		return gcp.NewAnonymousHTTPClient(t), nil
	case len(key) > 0:
		if creds, err = google.CredentialsFromJSONWithType(ctx, key, google.ServiceAccount, o.scope); err != nil {
			return nil, errors.New("the service account's key is not the JSON of a service account")
		}
	default:
		if creds, err = google.FindDefaultCredentials(ctx, o.scope); err != nil {
			return gcp.NewAnonymousHTTPClient(t), nil
		}
	}
	return gcp.NewHTTPClient(t, creds.TokenSource)
}

type gcsVendor struct{ bucket string }

func (gcsVendor) version(o *blob.ListObject) string {
	var raw storage.ObjectAttrs
	if o.As(&raw) {
		return strconv.FormatInt(raw.Generation, 10)
	}
	return ""
}

func (gcsVendor) suspicious(string, []byte) bool { return false }

func (gcsVendor) none() string { return "1" }

func (gcsVendor) versionOf(a *blob.Attributes) string {
	var raw storage.ObjectAttrs
	if a.As(&raw) {
		return strconv.FormatInt(raw.Generation, 10)
	}
	return ""
}

func (gcsVendor) versionRead(r *blob.Reader) string {
	var raw *storage.Reader
	if r.As(&raw) {
		return strconv.FormatInt(raw.Attrs.Generation, 10)
	}
	return ""
}

func (gcsVendor) ifVersion(as func(any) bool, version string) bool {
	var h **storage.ObjectHandle
	g, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		g = 1 // not one of this store: none of an object either
	}
	if !as(&h) {
		return false
	}
	*h = (*h).If(storage.Conditions{GenerationMatch: g})
	return true
}

func (gcsVendor) pin(as func(any) bool, version string) {
	var h **storage.ObjectHandle
	if g, err := strconv.ParseInt(version, 10, 64); err == nil && as(&h) {
		*h = (*h).Generation(g)
	}
}

func (gcsVendor) fault(b *blob.Bucket, err error) *Fault {
	var api *googleapi.Error
	if b.ErrorAs(err, &api) || errors.As(err, &api) {
		f := &Fault{Status: api.Code, Message: firstLine(strings.TrimSpace(api.Message))}
		if f.Message == "" {
			f.Message = http.StatusText(api.Code)
		}
		return f
	}
	var token *oauth2.RetrieveError
	if errors.As(err, &token) {
		return &Fault{Status: http.StatusForbidden, Code: token.ErrorCode, Message: "the credentials were refused"}
	}
	switch {
	case errors.Is(err, storage.ErrBucketNotExist):
		return &Fault{Status: http.StatusNotFound, Message: "there is no such bucket"}
	case errors.Is(err, storage.ErrObjectNotExist):
		return StatusFault(http.StatusNotFound)
	}
	return nil
}
