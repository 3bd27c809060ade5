package bucket

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"
)

func (v s3Vendor) inspect(ctx context.Context, b *blob.Bucket, _ string, s *Settings) {
	var c *s3.Client
	if !b.As(&c) {
		s.VersionedErr, s.RulesErr, s.RegionErr = ErrUntold, ErrUntold, ErrUntold
		return
	}
	versioning, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &v.bucket})
	if s.VersionedErr = err; err == nil {
		s.Versioned = versioning.Status == types.BucketVersioningStatusEnabled
	}
	rules, err := c.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &v.bucket})
	switch f := v.fault(b, err); {
	case err == nil:
		for _, r := range rules.Rules {
			if r.Status == types.ExpirationStatusEnabled {
				s.Rules = append(s.Rules, s3Rule(r, time.Now()))
			}
		}
	case f != nil && f.Code == "NoSuchLifecycleConfiguration":
	default:
		s.RulesErr = err
	}
	where, err := c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: &v.bucket})
	if s.RegionErr = err; err == nil {
		switch s.Region = string(where.LocationConstraint); s.Region {
		case "": // as it began
			s.Region = "us-east-1"
		case "EU":
			s.Region = "eu-west-1"
		}
	}
}

// s3Rule reads one rule. What moves objects to colder storage is no removal.
func s3Rule(r types.LifecycleRule, now time.Time) Rule {
	out := Rule{Name: aws.ToString(r.ID)}
	//lint:ignore SA1019 old rules have their prefix there
	out.Prefix = aws.ToString(r.Prefix)
	if f := r.Filter; f != nil {
		out.Prefix = aws.ToString(f.Prefix)
		out.Narrow = f.Tag != nil || f.ObjectSizeGreaterThan != nil || f.ObjectSizeLessThan != nil
		if a := f.And; a != nil {
			out.Prefix = aws.ToString(a.Prefix)
			out.Narrow = len(a.Tags) > 0 || a.ObjectSizeGreaterThan != nil || a.ObjectSizeLessThan != nil
		}
	}
	if e := r.Expiration; e != nil {
		out.Days = int(aws.ToInt32(e.Days))
		if e.Date != nil { // it goes on to remove what is made after that date
			out.Days = max(1, int(e.Date.Sub(now)/(24*time.Hour)))
		}
	}
	out.OldVersions = r.NoncurrentVersionExpiration != nil
	return out
}

// s3Login tells where the SDK has its credentials from.
func (o *s3Options) login(cfg aws.Config) func(context.Context) (Login, error) {
	return func(ctx context.Context) (Login, error) {
		switch o.auth {
		case "public":
			return Login{LoginNone, "param s3_auth: public"}, nil
		case "key":
			if o.token != "" {
				return Login{LoginTemporary, "params s3_key and s3_session_token"}, nil
			}
			return Login{LoginKey, "params s3_key and s3_secret"}, nil
		}
		if _, ok := cfg.Credentials.(aws.AnonymousCredentials); ok {
			return Login{LoginNone, "no credentials were found"}, nil
		}
		c, err := cfg.Credentials.Retrieve(ctx)
		if err != nil {
			return Login{}, err
		}
		from := strings.TrimSuffix(c.Source, "Credentials")
		switch {
		case c.Source == config.CredentialsSourceName:
			from = "the environment (AWS_ACCESS_KEY_ID)"
		case strings.HasPrefix(c.Source, "SharedConfigCredentials"), c.Source == credentials.StaticCredentialsName:
			from = "a profile with a key"
		case c.CanExpire:
			return Login{LoginRole, from}, nil
		}
		if c.SessionToken != "" {
			return Login{LoginTemporary, from}, nil
		}
		return Login{LoginKey, from}, nil
	}
}
