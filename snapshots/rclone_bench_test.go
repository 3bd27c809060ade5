package snapshots

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"pitwall/snapshots/objstore/storetest"
)

// rclone copies one file; the benchmark is skipped where it is not installed.
func rclone(b *testing.B, endpoint, from, to string) {
	b.Helper()
	c := exec.Command("rclone", "--config", os.DevNull, "copyto", "--ignore-times", from, to)
	c.Env = append(os.Environ(), "RCLONE_CONFIG_BOX_TYPE=s3", "RCLONE_CONFIG_BOX_PROVIDER=Other", "RCLONE_CONFIG_BOX_ENDPOINT="+endpoint,
		"RCLONE_CONFIG_BOX_ACCESS_KEY_ID="+storetest.Key, "RCLONE_CONFIG_BOX_SECRET_ACCESS_KEY="+storetest.Secret, "RCLONE_CONFIG_BOX_REGION=us-east-1")
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
}

func needsRclone(b *testing.B) {
	b.Helper()
	if _, err := exec.LookPath("rclone"); err != nil {
		b.Skip("rclone is not installed")
	}
}

// The limit is rclone copyto of the same file, whose aim is 0.7.
func BenchmarkTransferCreateRclone(b *testing.B) {
	needsRclone(b)
	path, sum := benchFile(b)
	endpoint := serve(b)
	m, name := onS3(b, endpoint)
	race(b, func() {
		s, err := m.Create(b.Context(), createRequest(path))
		if err != nil || s.Checksum != sum {
			b.Fatal(s, err)
		}
		m.forget(b, s)
	}, func() { rclone(b, endpoint, path, "BOX:"+name+"/limit") })
}

// The limit is rclone copyto of the object of the same snapshot, whose aim is 0.7.
func BenchmarkTransferBootstrapRclone(b *testing.B) {
	needsRclone(b)
	path, _ := benchFile(b)
	endpoint := serve(b)
	m, name := onS3(b, endpoint)
	if _, err := m.Create(b.Context(), createRequest(path)); err != nil {
		b.Fatal(err)
	}
	rclone(b, endpoint, path, "BOX:"+name+"/limit")
	dir := b.TempDir()
	to := filepath.Join(dir, "limit")
	race(b, func() { fetchOnce(b, m, dir) }, func() {
		rclone(b, endpoint, "BOX:"+name+"/limit", to)
		if err := os.Remove(to); err != nil {
			b.Fatal(err)
		}
	})
}
