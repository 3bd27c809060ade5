package objects

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"pitwall/runtime/source/objects/storetest"
)

// server is the S3 server of all tests: there can be one per process.
var server *storetest.S3

func TestMain(m *testing.M) {
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
