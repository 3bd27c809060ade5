package bucket

import (
	"context"
	"net/http"
	"strings"

	azblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"gocloud.dev/blob"
)

// inspect sees versions by those of an object; rules and regions belong to the account, whose management is
// another API with other credentials.
func (v azureVendor) inspect(ctx context.Context, b *blob.Bucket, key string, s *Settings) {
	s.RulesErr, s.RegionErr = ErrUntold, ErrUntold
	a, err := b.Attributes(ctx, key)
	if err != nil {
		if s.VersionedErr = err; v.fault(b, err) != nil && v.fault(b, err).Status == http.StatusNotFound {
			s.VersionedErr = ErrUntold
		}
		return
	}
	var raw azblob.GetPropertiesResponse
	if a.As(&raw) {
		s.Versioned = raw.VersionID != nil
		return
	}
	s.VersionedErr = ErrUntold
}

// login tells which of the credentials are used.
func (o *azureOptions) login(context.Context) (Login, error) {
	switch {
	case o.key != "":
		return Login{LoginKey, "param abfs_access_key"}, nil
	case o.sas != "" && strings.Contains(o.sas, "se="):
		return Login{LoginTemporary, "param abfs_sas_string"}, nil
	case o.sas != "":
		return Login{LoginKey, "param abfs_sas_string"}, nil
	case o.clientKey != "":
		return Login{LoginKey, "param abfs_client_secret"}, nil
	case o.anonymous:
		return Login{LoginNone, "param abfs_skip_signature"}, nil
	}
	return Login{LoginRole, "the default identity"}, nil
}
