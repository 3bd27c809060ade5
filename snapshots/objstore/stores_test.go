package objstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"pitwall/snapshots/objstore/storetest"
)

// server is the S3 server of all tests: there can be one per process.
var server *storetest.S3

func TestMain(m *testing.M) {
	if job := os.Getenv("OBJSTORE_CHILD"); job != "" {
		os.Exit(child(job))
	}
	os.Exit(storetest.Main(m, func(s *storetest.S3) { server = s }))
}

// place is a location under test.
type place struct {
	location string
	params   map[string]string
}

func (p place) open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(t.Context(), p.location, "", p.params)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// each runs a test on every kind of store, each with a bucket of its own.
func each(t *testing.T, f func(t *testing.T, p place)) {
	t.Run("file", func(t *testing.T) { f(t, place{location: "file://" + t.TempDir()}) })
	t.Run("s3", func(t *testing.T) { f(t, onS3(t, server.URL)) })
	t.Run("gs", func(t *testing.T) { f(t, onGCS(t)) })
	t.Run("abfss", func(t *testing.T) { f(t, onAzure(t)) })
}

// onS3 makes a bucket and names a folder of it behind an endpoint.
func onS3(t testing.TB, endpoint string) place {
	t.Helper()
	name := "box-" + strings.ToLower(rand.Text())
	if err := server.CreateBucket(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return place{"s3://" + name + "/spice/snapshots/", map[string]string{"s3_endpoint": endpoint, "s3_region": "us-east-1", "s3_key": storetest.Key,
		"s3_secret": storetest.Secret, "allow_http": "true"}}
}

func onGCS(t testing.TB) place {
	t.Helper()
	srv, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1", PublicHost: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Stop)
	srv.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "box"})
	return place{"gs://box/spice/snapshots", map[string]string{"gcs_endpoint": srv.URL(), "gcs_skip_signature": "true", "allow_http": "true"}}
}

func onAzure(t testing.TB) place {
	t.Helper()
	url, _ := storetest.StartAzure(t, "box")
	return place{"abfss://box/spice/snapshots/", map[string]string{"abfs_use_emulator": "true", "abfs_endpoint": url, "allow_http": "true"}}
}

// put stores text.
func put(ctx context.Context, s *Store, key, text string) error {
	return s.Create(ctx, key, strings.NewReader(text), int64(len(text)))
}

// environment passes a place to a child process.
func (p place) environment(t testing.TB) []string {
	t.Helper()
	b, err := json.Marshal(p.params)
	if err != nil {
		t.Fatal(err)
	}
	return []string{"OBJSTORE_LOCATION=" + p.location, "OBJSTORE_PARAMS=" + string(b)}
}

func ofEnvironment() (*Store, error) {
	var params map[string]string
	if err := json.NewDecoder(bytes.NewReader([]byte(os.Getenv("OBJSTORE_PARAMS")))).Decode(&params); err != nil {
		return nil, err
	}
	return Open(context.Background(), os.Getenv("OBJSTORE_LOCATION"), "", params)
}
