package snapshots

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"pitwall/snapshots/objstore/storetest"
)

// childServer is set for the process that is the S3 server of a benchmark: a process of its own, so that what is
// measured and looked for in this one is ours.
const childServer = "SNAPSHOTS_S3_SERVER"

// serveS3 serves until stdin ends.
func serveS3() int {
	s, stop, err := storetest.StartS3()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(s.URL)
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// serve starts an S3 server that ends with the test, and returns its endpoint.
func serve(t testing.TB) string {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childServer+"=1")
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	// The server has its own things to say, too.
	said := bufio.NewReader(out)
	var line string
	for err = nil; err == nil && !strings.HasPrefix(line, "http://"); {
		line, err = said.ReadString('\n')
	}
	t.Cleanup(func() {
		in.Close()
		_, _ = io.Copy(io.Discard, said)
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}
