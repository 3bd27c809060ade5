package storetest

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// Main is the TestMain of a package whose tests share one S3 server: it starts it, hands it to use, runs the
// tests and looks for goroutines that they left. It returns the exit code.
func Main(m *testing.M, use func(*S3)) int {
	os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	os.Setenv("AWS_CONFIG_FILE", os.DevNull)
	os.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	s, stop, err := StartS3()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	use(s)
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
	return code
}
