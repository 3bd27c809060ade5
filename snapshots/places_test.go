package snapshots

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"pitwall/snapshots/objstore/storetest"
)

// each runs a test on every kind of store, each with a bucket of its own.
func each(t *testing.T, f func(t *testing.T, p location)) {
	t.Run("file", func(t *testing.T) { f(t, location{url: "file://" + t.TempDir()}) })
	t.Run("s3", func(t *testing.T) { f(t, placeOnS3(t, server.URL)) })
	t.Run("gs", func(t *testing.T) {
		srv, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1", PublicHost: "127.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(srv.Stop)
		srv.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "box"})
		f(t, location{"gs://box/snaps", map[string]string{"gcs_endpoint": srv.URL(), "gcs_skip_signature": "true", "allow_http": "true"}})
	})
	t.Run("abfss", func(t *testing.T) {
		url, _ := storetest.StartAzure(t, "box")
		f(t, location{"abfss://box/snaps/", map[string]string{"abfs_use_emulator": "true", "abfs_endpoint": url, "allow_http": "true"}})
	})
}

// placeOnS3 makes a bucket behind an endpoint.
func placeOnS3(t *testing.T, endpoint string) location {
	t.Helper()
	name := "box-" + strings.ToLower(rand.Text())
	if err := server.CreateBucket(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return location{"s3://" + name + "/snaps/", map[string]string{"s3_endpoint": endpoint, "s3_region": "us-east-1", "s3_auth": "key",
		"s3_key": storetest.Key, "s3_secret": storetest.Secret, "allow_http": "true"}}
}
