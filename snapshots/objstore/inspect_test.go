package objstore

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"pitwall/snapshots/objstore/bucket"
)

// Every store can be proven, more than once, and does not list what is left of that.
func TestProveAndInspect(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		s := p.open(t)
		if ok, err := s.MayWrite(t.Context()); !ok || err != nil {
			t.Errorf("may write: %v, %v", ok, err)
		}
		for range 2 {
			if err := p.open(t).Prove(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if err := put(t.Context(), s, "metadata.json", "{}"); err != nil {
			t.Fatal(err)
		}
		var keys []string
		if err := s.List(t.Context(), "", func(key string, _ Attrs) bool { keys = append(keys, key); return true }); err != nil || !slices.Equal(keys, []string{"metadata.json"}) {
			t.Errorf("%v, %v", keys, err)
		}
		got, ok, err := s.Inspect(t.Context(), "metadata.json")
		if err != nil || ok != (p.params != nil) {
			t.Fatalf("%v, %v", ok, err)
		}
		if got.Versioned || got.VersionedErr != nil {
			t.Errorf("versioned: %+v", got)
		}
	})
}

func TestInspectGCS(t *testing.T) {
	srv, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1", PublicHost: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Stop)
	srv.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "box", VersioningEnabled: true})
	s := place{"gs://box/x/", map[string]string{"gcs_endpoint": srv.URL(), "gcs_skip_signature": "true", "allow_http": "true"}}.open(t)
	got, ok, err := s.Inspect(t.Context(), "metadata.json")
	if err != nil || !ok || !got.Versioned || got.Login.Kind != bucket.LoginNone || len(got.Rules) > 0 || got.RulesErr != nil {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
	if prefix, err := s.Prefix(t.Context()); prefix != "x/" || err != nil {
		t.Error(prefix, err)
	}
}

// What Azure tells whoever may only use blobs is little.
func TestInspectAzure(t *testing.T) {
	s := onAzure(t).open(t)
	got, ok, err := s.Inspect(t.Context(), "metadata.json")
	if err != nil || !ok || !errors.Is(got.VersionedErr, bucket.ErrUntold) || !errors.Is(got.RulesErr, bucket.ErrUntold) || got.Login.Kind != bucket.LoginKey {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
}

// A folder is looked for, not made.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for location, want := range map[string]string{"snaps": filepath.Join(dir, "snaps"), "file://./snaps": filepath.Join(dir, "snaps"), "file:///a/b": "/a/b", "/a/b": "/a/b"} {
		if got, ok, err := Folder(location, dir); got != want || !ok || err != nil {
			t.Errorf("%s: %s, %v, %v", location, got, ok, err)
		}
	}
	for _, location := range []string{"s3://box/x", "gs://box", "abfss://c@a.dfs.core.windows.net/x"} {
		if _, ok, err := Folder(location, dir); ok || err != nil {
			t.Errorf("%s: %v, %v", location, ok, err)
		}
	}
	if _, _, err := Folder("file://", dir); err == nil {
		t.Error("no folder is one")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}
