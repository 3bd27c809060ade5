// Package storetest starts object stores for tests: a real S3 server in this process, and a proxy in
// front of any store that counts what passes and breaks what it is told to break. The server runs until
// its stop function is called; there can be one per process.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// The credentials of the server.
const (
	Key    = "pitwall-test"
	Secret = "pitwall-test-secret"
)

// S3 is a running server.
type S3 struct {
	// URL is its endpoint.
	URL string
	// Dir has a folder per bucket; a file put there directly is an object without an ETag.
	Dir string

	client *s3.Client
}

// StartS3 starts versitygw over a temporary folder. stop ends it and removes the folder.
func StartS3() (s *S3, stop func() error, err error) {
	root, err := os.MkdirTemp("", "pitwall-s3-")
	if err != nil {
		return nil, nil, err
	}
	data, versions := filepath.Join(root, "data"), filepath.Join(root, "versions")
	if err := errors.Join(os.Mkdir(data, 0o755), os.Mkdir(versions, 0o755)); err != nil {
		return nil, nil, err
	}
	be, err := posix.New(data, meta.XattrMeta{}, posix.PosixOpts{VersioningDir: versions})
	if err != nil {
		return nil, nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	addr := l.Addr().String()
	l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	var ended error
	running.Go(func() {
		ended = embedgw.RunVersityGW(ctx, be, &embedgw.Config{RootUserAccess: Key, RootUserSecret: Secret, Ports: []string{addr},
			MaxConnections: 1000, MaxRequests: 1000, MultipartMaxParts: 10000, KeepAlive: true, Quiet: true})
	})
	// Closed with the server: it does not end connections on which nothing was asked yet.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	s = &S3{URL: "http://" + addr, Dir: data}
	s.client = s3.New(s3.Options{HTTPClient: &http.Client{Transport: transport}, Region: "us-east-1", BaseEndpoint: aws.String(s.URL), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(Key, Secret, "")})
	stop = func() error {
		transport.CloseIdleConnections()
		cancel()
		running.Wait()
		return errors.Join(ended, os.RemoveAll(root))
	}
	if err := s.ready(ctx, &http.Client{Transport: transport}); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return s, stop, nil
}

// ready waits until the server answers.
func (s *S3) ready(ctx context.Context, client *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		resp, err := client.Get(s.URL)
		if err == nil {
			return resp.Body.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("versitygw does not answer: %w", err)
		case <-tick.C:
		}
	}
}

// CreateBucket makes an empty bucket.
func (s *S3) CreateBucket(ctx context.Context, name string) error {
	_, err := s.client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name})
	return err
}
