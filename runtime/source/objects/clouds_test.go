package objects

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"pitwall/engines"
	"pitwall/runtime/source"
	"pitwall/snapshots/objstore/storetest"
)

// cloud is a store under test that is not S3.
type cloud struct {
	connector string
	params    map[string]string
	put       func(key string, body []byte)
	// denied are params with wrong credentials, nil if the server takes any
	denied map[string]string
	target string // URL of the server
	param  string // that names the endpoint
}

func TestGCS(t *testing.T) {
	srv, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1", PublicHost: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Stop()
	srv.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "box"})
	c := cloud{connector: "gs", params: map[string]string{"gcs_endpoint": srv.URL(), "gcs_skip_signature": "true", "allow_http": "true"}, target: srv.URL(), param: "gcs_endpoint"}
	c.put = func(key string, body []byte) {
		srv.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: "box", Name: key}, Content: body})
	}
	c.check(t)
	_, _, _, err = scan(t, Options{Connector: "gs", Path: "box/d/"}, map[string]string{"gcs_service_account_key": `{"type":"geheim"`}, source.Scan{})
	if source.KindOf(err) != source.Denied || strings.Contains(err.Error(), "geheim") {
		t.Errorf("wrong key: %v", err)
	}
}

func TestAzure(t *testing.T) {
	url, client := storetest.StartAzure(t, "box")
	c := cloud{connector: "abfss", params: map[string]string{"abfs_use_emulator": "true", "abfs_endpoint": url, "allow_http": "true"}, target: url, param: "abfs_endpoint"}
	c.denied = map[string]string{"abfs_account": storetest.AzureAccount, "abfs_access_key": "d3Jvbmc=", "abfs_endpoint": url, "allow_http": "true"}
	c.put = func(key string, body []byte) {
		if _, err := client.NewBlockBlobClient(key).UploadBuffer(t.Context(), body, nil); err != nil {
			t.Fatal(err)
		}
	}
	c.check(t)
}

func (c *cloud) with(more ...string) map[string]string {
	p := map[string]string{}
	for k, v := range c.params {
		p[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return p
}

// check runs what every store must do.
func (c *cloud) check(t *testing.T) {
	t.Helper()
	c.put("d/a.csv", []byte("n\n1\n2\n"))
	c.put("d/deep/b.csv", []byte("n\n3\n"))
	c.put("h/day=2024-01-01/a.csv", []byte("n\n1\n"))
	c.put("h/day=2024-01-02/a.csv", []byte("n\n2\n"))
	body := parquetBytes(t, 300_000, 6_000)
	c.put("x.parquet", body)
	for path, want := range map[string]int64{"d/": 6, "d": 6, "d/*.csv": 3, "**/b.csv": 3, "x.parquet": 300_000 * 299_999 / 2} {
		if _, sum, _, err := scan(t, Options{Connector: c.connector, Path: "box/" + path}, c.params, source.Scan{}); err != nil || sum != want {
			t.Errorf("%s: sum %d, %v; want %d", path, sum, err, want)
		}
	}
	got, r := lines(t, newSource(t, Options{Connector: c.connector, Path: "box/h/"}, c.params), source.Scan{Where: where("day", engines.Gt, time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))})
	if fmt.Sprint(got) != "[2,2024-01-02]" {
		t.Errorf("partitions: %v", got)
	}
	if o := r.(source.Lister).Objects(); len(o) != 1 || o[0].ETag == "" || o[0].Size == 0 || time.Since(o[0].Modified) > time.Hour {
		t.Errorf("listed %+v", o)
	}
	n, _, r, err := scan(t, Options{Connector: c.connector, Path: "box/x.parquet"}, c.params, source.Scan{Where: engines.And{where("n", engines.Ge, int64(150_000)), where("n", engines.Lt, int64(153_000))}})
	if read, _ := r.Progress(); err != nil || n < 3_000 || read > int64(len(body))/20 {
		t.Errorf("1 %%: %d rows, %d of %d bytes, %v", n, read, len(body), err)
	}
	for _, tt := range []struct {
		name, path string
		params     map[string]string
		fault      storetest.Fault
		kind       source.Kind
	}{
		{"unknown bucket", "nope/d/", c.params, nil, source.Missing},
		{"unknown object", "box/zzz.csv", c.params, nil, source.Missing},
		{"refuses", "box/d/", c.with(c.param, "http://127.0.0.1:1"), nil, source.Unavailable},
		{"hangs", "box/d/", c.with("client_timeout", "0.2"), storetest.Hang, source.Unavailable},
		{"503", "box/d/", c.params, storetest.Status(503), source.Unavailable},
		{"wrong credentials", "box/d/", c.denied, nil, source.Denied},
	} {
		if tt.params == nil {
			continue
		}
		params := c.with()
		for k, v := range tt.params {
			params[k] = v
		}
		if tt.kind == source.Denied {
			params = tt.params
		}
		if tt.fault != nil {
			proxy := storetest.NewProxy(t, c.target)
			proxy.Break(tt.fault)
			params[c.param] = proxy.URL + strings.TrimPrefix(c.target, "http://"+strings.SplitN(strings.TrimPrefix(c.target, "http://"), "/", 2)[0])
		}
		begin := time.Now()
		_, _, _, err := scan(t, Options{Connector: c.connector, Path: tt.path}, params, source.Scan{})
		if source.KindOf(err) != tt.kind {
			t.Errorf("%s: %v (kind %q), want kind %q", tt.name, err, source.KindOf(err), tt.kind)
		}
		t.Logf("%s: %v (%s)", tt.name, err, time.Since(begin).Round(time.Millisecond))
	}
	r, err = newSource(t, Options{Connector: c.connector, Path: "box/x.parquet"}, c.params).Read(t.Context(), source.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	c.put("x.parquet", body[:len(body)/2])
	if _, _, err = drain(t, r); source.KindOf(err) != source.Unavailable {
		t.Errorf("changed while it was read: %v (kind %q)", err, source.KindOf(err))
	}
	r.Release()
}
