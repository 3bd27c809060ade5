package objects

import (
	"os"
	"testing"

	"pitwall/snapshots/objstore/storetest"
)

// server is the S3 server of all tests: there can be one per process.
var server *storetest.S3

func TestMain(m *testing.M) {
	os.Exit(storetest.Main(m, func(s *storetest.S3) { server = s }))
}
