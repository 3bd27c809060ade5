package bucket

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestRules(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	longAgo := types.LifecycleRule{NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{}}
	//lint:ignore SA1019 old rules have their prefix there
	longAgo.Prefix = aws.String("x/")
	for _, c := range []struct {
		name string
		got  []Rule
		want []Rule
	}{
		{"S3, by prefix and tags", []Rule{s3Rule(types.LifecycleRule{ID: aws.String("a"), Expiration: &types.LifecycleExpiration{Days: aws.Int32(30)},
			Filter: &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{Prefix: aws.String("x/"), Tags: []types.Tag{{}}}}}, now)},
			[]Rule{{Name: "a", Prefix: "x/", Narrow: true, Days: 30}}},
		{"S3, as long ago", []Rule{s3Rule(longAgo, now)},
			[]Rule{{Prefix: "x/", OldVersions: true}}},
		{"S3, to colder storage", []Rule{s3Rule(types.LifecycleRule{Transitions: []types.Transition{{}}}, now)}, []Rule{{}}},
		{"S3, on a day", []Rule{s3Rule(types.LifecycleRule{Expiration: &types.LifecycleExpiration{Date: aws.Time(now.Add(49 * time.Hour))}}, now)}, []Rule{{Days: 2}}},
		{"S3, on a day long ago", []Rule{s3Rule(types.LifecycleRule{Expiration: &types.LifecycleExpiration{Date: aws.Time(now.Add(-time.Hour))}}, now)}, []Rule{{Days: 1}}},
		{"GCS, by age", gcsRules(storage.LifecycleCondition{AgeInDays: 30, MatchesPrefix: []string{"a/", "b/"}}), []Rule{{Prefix: "a/", Days: 30}, {Prefix: "b/", Days: 30}}},
		{"GCS, old versions", gcsRules(storage.LifecycleCondition{NumNewerVersions: 3}), []Rule{{OldVersions: true}}},
		{"GCS, old versions by age", gcsRules(storage.LifecycleCondition{AgeInDays: 7, Liveness: storage.Archived}), []Rule{{OldVersions: true}}},
		{"GCS, some", gcsRules(storage.LifecycleCondition{AgeInDays: 7, MatchesSuffix: []string{".tmp"}}), []Rule{{Days: 7, Narrow: true}}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, c.got, c.want)
		}
	}
	for prefix, want := range map[string]bool{"": true, "spice/": true, "spice/snapshots/month=": true, "spice/other/": false, "logs/": false} {
		if got := (Rule{Prefix: prefix}).Covers("spice/snapshots/"); got != want {
			t.Errorf("%q: %v", prefix, got)
		}
	}
}

// Who we are is told by the params, or by where the vendor's library finds credentials.
func TestLogins(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_REGION", "us-east-1")
	dir := t.TempDir()
	file := func(name, text string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	profile := file("credentials", "[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
	process := file("config", "[default]\ncredential_process = printf '{\"Version\":1,\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"SessionToken\":\"c\",\"Expiration\":\"2099-01-01T00:00:00Z\"}'\n")
	account := file("account.json", `{"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}`)
	for _, c := range []struct {
		name, connector, path string
		params, env           map[string]string
		want                  LoginKind
		from                  string
	}{
		{"key", "s3", "b/", map[string]string{"s3_key": "a", "s3_secret": "b"}, nil, LoginKey, "s3_key"},
		{"token", "s3", "b/", map[string]string{"s3_key": "a", "s3_secret": "b", "s3_session_token": "c"}, nil, LoginTemporary, "s3_session_token"},
		{"public", "s3", "b/", map[string]string{"s3_auth": "public"}, nil, LoginNone, "public"},
		{"environment", "s3", "b/", map[string]string{"s3_auth": "iam_role"}, map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, LoginKey, "AWS_ACCESS_KEY_ID"},
		{"environment with token", "s3", "b/", map[string]string{"s3_auth": "iam_role"}, map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}, LoginTemporary, "environment"},
		{"profile", "s3", "b/", map[string]string{"s3_auth": "iam_role"}, map[string]string{"AWS_SHARED_CREDENTIALS_FILE": profile}, LoginKey, "profile"},
		{"what renews itself", "s3", "b/", map[string]string{"s3_auth": "iam_role"}, map[string]string{"AWS_CONFIG_FILE": process}, LoginRole, "Process"},
		{"nothing", "s3", "b/", nil, nil, LoginNone, "no credentials"},
		{"Google, anonymous", "gs", "b/", map[string]string{"gcs_skip_signature": "true"}, nil, LoginNone, "gcs_skip_signature"},
		{"Google, file", "gs", "b/", nil, map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": account}, LoginKey, "authorized_user"},
		{"Azure, key", "abfs", "c/", map[string]string{"abfs_account": "x", "abfs_access_key": "YQ=="}, nil, LoginKey, "abfs_access_key"},
		{"Azure, SAS", "abfs", "c/", map[string]string{"abfs_account": "x", "abfs_sas_string": "sv=1&se=2030-01-01&sig=x"}, nil, LoginTemporary, "abfs_sas_string"},
		{"Azure, client", "abfs", "c/", map[string]string{"abfs_account": "x", "abfs_tenant_id": "00000000-0000-0000-0000-000000000000", "abfs_client_id": "b", "abfs_client_secret": "c"}, nil, LoginKey, "abfs_client_secret"},
		{"Azure, identity", "abfs", "c/", map[string]string{"abfs_account": "x"}, nil, LoginRole, "identity"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS"} {
				t.Setenv(name, "")
			}
			t.Setenv("AWS_CONFIG_FILE", os.DevNull)
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			p := NewParams(c.params)
			loc, ok := Locate(c.connector, c.path, p, ReadWrite)
			if !ok || p.Err() != nil {
				t.Fatal(ok, p.Err())
			}
			b, err := loc.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			got, err := b.login(t.Context())
			if err != nil || got.Kind != c.want || !strings.Contains(got.From, c.from) {
				t.Errorf("%+v, %v; want %s from %s", got, err, c.want, c.from)
			}
		})
	}
}
