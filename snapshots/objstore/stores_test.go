package objstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	"go.uber.org/goleak"

	"pitwall/runtime/source/objects/storetest"
)

// server is the S3 server of all tests: there can be one per process.
var server *storetest.S3

func TestMain(m *testing.M) {
	if job := os.Getenv("OBJSTORE_CHILD"); job != "" {
		os.Exit(child(job))
	}
	os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	os.Setenv("AWS_CONFIG_FILE", os.DevNull)
	os.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	s, stop, err := storetest.StartS3()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	server = s
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Println(err)
		code = 1
	}
	if err := goleak.Find(
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"), // of versitygw, ends at its next tick
		goleak.IgnoreAnyFunction("go.opencensus.io/stats/view.(*worker).start"),           // of fake-gcs-server, likewise
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),    // of versitygw, never ends
	); err != nil && code == 0 {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
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

// onAzure starts azurite, or skips the test where there is none.
func onAzure(t testing.TB) place {
	t.Helper()
	bin := os.Getenv("AZURITE_BLOB")
	if bin == "" {
		var err error
		if bin, err = exec.LookPath("azurite-blob"); err != nil {
			t.Skip("azurite-blob is not installed (npm install -g azurite@3.37.0), or set AZURITE_BLOB")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	c := exec.Command(bin, "--silent", "--skipApiVersionCheck", "--inMemoryPersistence", "--disableTelemetry", "--blobHost", "127.0.0.1", "--blobPort", fmt.Sprint(port))
	c.Dir = t.TempDir()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	const account, key = "devstoreaccount1", "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
	url := fmt.Sprintf("http://127.0.0.1:%d/%s", port, account)
	cred, err := container.NewSharedKeyCredential(account, key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(url+"/box", cred, &container.ClientOptions{ClientOptions: azcore.ClientOptions{
		InsecureAllowCredentialWithHTTP: true, Transport: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		if _, err = client.Create(ctx, nil); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("azurite does not answer: %v", err)
		case <-tick.C:
		}
	}
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
