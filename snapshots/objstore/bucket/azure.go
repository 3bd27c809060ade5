package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	azblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	azblockblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"
)

// azureOptions are the params of abfs://.
type azureOptions struct {
	container, account, url   string
	key, sas                  string
	tenant, client, clientKey string
	anonymous, allowHTTP      bool
	timeout                   time.Duration
}

// The account of the emulator; its key is public.
const (
	emulatorAccount = "devstoreaccount1"
	emulatorKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
	emulatorURL     = "http://127.0.0.1:10000/" + emulatorAccount
)

// locateAzure takes container/path and container@account.dfs.core.windows.net/path.
func locateAzure(p *Params, path string) Location {
	var o azureOptions
	var key string
	o.container, key = split(p, "abfs", path)
	host := ""
	o.container, host, _ = strings.Cut(o.container, "@")
	o.account = p.Text("abfs_account")
	if host != "" {
		account, _, _ := strings.Cut(host, ".")
		if o.account != "" && o.account != account {
			p.Problem(fmt.Errorf("the location names the account %s, the param abfs_account another one", account))
		}
		o.account = account
	}
	o.key, o.sas = p.Secret("abfs_access_key"), strings.TrimPrefix(p.Secret("abfs_sas_string"), "?")
	if o.sas != "" {
		for part := range strings.SplitSeq(o.sas, "&") {
			if sig, ok := strings.CutPrefix(part, "sig="); ok {
				p.secrets = append(p.secrets, sig)
			}
		}
	}
	o.tenant, o.client, o.clientKey = p.Text("abfs_tenant_id"), p.Text("abfs_client_id"), p.Secret("abfs_client_secret")
	o.anonymous = p.Bool("abfs_skip_signature", false)
	o.timeout = p.Seconds("client_timeout", DefaultTimeout)
	p.Together("abfs_tenant_id", "abfs_client_id", "abfs_client_secret")
	o.url = endpoint(p, "abfs_endpoint")
	if p.Bool("abfs_use_emulator", false) {
		if o.key == "" {
			o.account, o.key = emulatorAccount, emulatorKey
		}
		if o.url == "" {
			o.url = emulatorURL
		}
	}
	if o.account == "" && o.url == "" {
		p.Problem(errors.New("the account is missing: set abfs_account, or write abfss://container@account.dfs.core.windows.net/path"))
	}
	if o.url == "" {
		o.url = "https://" + o.account + ".blob.core.windows.net"
	}
	o.allowHTTP = strings.HasPrefix(o.url, "http://")
	ways := 0
	for _, set := range []bool{o.key != "", o.sas != "", o.clientKey != "", o.anonymous} {
		if set {
			ways++
		}
	}
	if ways > 1 {
		p.Problem(errors.New("only one of abfs_access_key, abfs_sas_string, abfs_client_secret and abfs_skip_signature can be set"))
	}
	name := "abfs://" + o.container + "/"
	return Location{Name: name, Key: key, Secrets: p.secrets, open: o.open, Endpoint: "params abfs_endpoint and abfs_account",
		Credentials: "params abfs_account, abfs_access_key, abfs_sas_string, abfs_tenant_id, abfs_client_id and abfs_client_secret"}
}

func (o *azureOptions) open(ctx context.Context) (*Bucket, error) {
	t := NewTransport(o.timeout)
	opts := &container.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: &http.Client{Transport: t}, InsecureAllowCredentialWithHTTP: o.allowHTTP,
		Retry: policy.RetryOptions{MaxRetries: Attempts - 1, RetryDelay: 200 * time.Millisecond, MaxRetryDelay: 2 * time.Second, ShouldRetry: azureRetry},
	}}
	c, err := o.connect(opts)
	if err != nil {
		return nil, &Fault{Status: http.StatusForbidden, Err: err}
	}
	b, err := azureblob.OpenBucket(ctx, c, nil)
	if err != nil {
		return nil, &Fault{Err: err}
	}
	return &Bucket{Bucket: b, transport: t, vendor: azureVendor{}, login: o.login}, nil
}

func (o *azureOptions) connect(opts *container.ClientOptions) (*container.Client, error) {
	url := o.url + "/" + o.container
	switch {
	case o.key != "":
		cred, err := container.NewSharedKeyCredential(o.account, o.key)
		if err != nil {
			return nil, errors.New("param abfs_access_key is not the base64 of a key")
		}
		return container.NewClientWithSharedKeyCredential(url, cred, opts)
	case o.sas != "":
		return container.NewClientWithNoCredential(url+"?"+o.sas, opts)
	case o.anonymous:
		return container.NewClientWithNoCredential(url, opts)
	}
	var cred azcore.TokenCredential
	var err error
	if o.clientKey != "" {
		cred, err = azidentity.NewClientSecretCredential(o.tenant, o.client, o.clientKey, &azidentity.ClientSecretCredentialOptions{ClientOptions: opts.ClientOptions})
	} else {
		cred, err = azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: opts.ClientOptions})
	}
	if err != nil {
		return nil, err
	}
	return container.NewClient(url, cred, opts)
}

// azureRetry says what the SDK's own rule says, but does not wait for a silent server again.
func azureRetry(resp *http.Response, err error) bool {
	if err != nil {
		return !errors.Is(err, ErrIdle)
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

type azureVendor struct{}

func (azureVendor) version(o *blob.ListObject) string {
	var raw container.BlobItem
	if o.As(&raw) && raw.Properties != nil && raw.Properties.ETag != nil {
		return string(*raw.Properties.ETag)
	}
	return ""
}

func (azureVendor) suspicious(string, []byte) bool { return false }

func (azureVendor) none() string { return `"0x1"` }

func (azureVendor) versionOf(a *blob.Attributes) string { return a.ETag }

func (azureVendor) versionRead(r *blob.Reader) string {
	var raw azblob.DownloadStreamResponse
	if r.As(&raw) && raw.ETag != nil {
		return string(*raw.ETag)
	}
	return ""
}

func (azureVendor) ifVersion(as func(any) bool, version string) bool {
	var in *azblockblob.UploadStreamOptions
	if !as(&in) {
		return false
	}
	tag := azcore.ETag(version)
	in.AccessConditions = &azblob.AccessConditions{ModifiedAccessConditions: &azblob.ModifiedAccessConditions{IfMatch: &tag}}
	return true
}

func (azureVendor) pin(as func(any) bool, version string) {
	var in *azblob.DownloadStreamOptions
	if as(&in) {
		tag := azcore.ETag(version)
		in.AccessConditions = &azblob.AccessConditions{ModifiedAccessConditions: &azblob.ModifiedAccessConditions{IfMatch: &tag}}
	}
}

func (azureVendor) fault(b *blob.Bucket, err error) *Fault {
	var resp *azcore.ResponseError
	if b.ErrorAs(err, &resp) || errors.As(err, &resp) {
		f := &Fault{Status: resp.StatusCode, Code: resp.ErrorCode, Message: http.StatusText(resp.StatusCode)}
		switch f.Code {
		case "ContainerNotFound":
			f.Message = "there is no such container"
		case "AuthenticationFailed", "InvalidAuthenticationInfo", "AuthorizationFailure", "NoAuthenticationInformation":
			f.Status = http.StatusForbidden
		}
		return f
	}
	var auth *azidentity.AuthenticationFailedError
	if errors.As(err, &auth) {
		return &Fault{Status: http.StatusForbidden, Message: "no token was given for the credentials"}
	}
	return nil
}
