package bucket

import (
	"context"
	"encoding/json"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"golang.org/x/oauth2/google"
)

func (v gcsVendor) inspect(ctx context.Context, b *blob.Bucket, _ string, s *Settings) {
	var c *storage.Client
	if !b.As(&c) {
		s.VersionedErr, s.RulesErr, s.RegionErr = ErrUntold, ErrUntold, ErrUntold
		return
	}
	a, err := c.Bucket(v.bucket).Attrs(ctx)
	if err != nil {
		s.VersionedErr, s.RulesErr, s.RegionErr = err, err, err
		return
	}
	if s.Versioned, s.Region = a.VersioningEnabled, a.Location; s.Region == "" {
		s.RegionErr = ErrUntold
	}
	for _, r := range a.Lifecycle.Rules {
		if r.Action.Type == storage.DeleteAction {
			s.Rules = append(s.Rules, gcsRules(r.Condition)...)
		}
	}
}

// gcsRules is a rule of each prefix of a condition.
func gcsRules(c storage.LifecycleCondition) []Rule {
	r := Rule{Narrow: len(c.MatchesSuffix) > 0 || len(c.MatchesStorageClasses) > 0}
	r.OldVersions = c.Liveness == storage.Archived || c.NumNewerVersions > 0 || c.DaysSinceNoncurrentTime > 0 || !c.NoncurrentTimeBefore.IsZero()
	if !r.OldVersions {
		r.Days = int(c.AgeInDays)
	}
	if len(c.MatchesPrefix) == 0 {
		return []Rule{r}
	}
	var out []Rule
	for _, r.Prefix = range c.MatchesPrefix {
		out = append(out, r)
	}
	return out
}

// login tells where the credentials are from.
func (o *gcsOptions) login(ctx context.Context) (Login, error) {
	switch {
	case o.anonymous:
		return Login{LoginNone, "param gcs_skip_signature"}, nil
	case o.key != "":
		return Login{LoginKey, "param gcs_service_account_key"}, nil
	case o.keyPath != "":
		return Login{LoginKey, "param gcs_service_account_path"}, nil
	}
	c, err := google.FindDefaultCredentials(ctx, o.scope)
	if err != nil {
		return Login{LoginNone, "no credentials were found"}, nil //nolint:nilerr // see client
	}
	if len(c.JSON) == 0 {
		return Login{LoginRole, "the metadata server"}, nil
	}
	var file struct{ Type string }
	if err := json.Unmarshal(c.JSON, &file); err != nil {
		return Login{}, err
	}
	switch file.Type {
	case "service_account", "authorized_user":
		return Login{LoginKey, "a file with a key of type " + file.Type + " (GOOGLE_APPLICATION_CREDENTIALS)"}, nil
	}
	return Login{LoginRole, file.Type}, nil
}
