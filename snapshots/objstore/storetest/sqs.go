package storetest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// SQS is a running server of queues.
type SQS struct {
	// URL is its endpoint.
	URL string

	t      testing.TB
	client *sqs.Client
}

// StartSQS starts moto, which speaks the protocol of SQS, or skips the test where there is none. It ends with the
// test.
func StartSQS(t testing.TB) *SQS {
	t.Helper()
	bin := os.Getenv("MOTO_SERVER")
	if bin == "" {
		var err error
		if bin, err = exec.LookPath("moto_server"); err != nil {
			t.Skip("moto_server is not installed (pip install moto==5.2.5 flask==3.1.3 flask-cors==6.0.5), or set MOTO_SERVER")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	l.Close()
	cmd := exec.Command(bin, "-H", "127.0.0.1", "-p", fmt.Sprint(addr.Port))
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	s := &SQS{URL: fmt.Sprintf("http://%s", addr), t: t}
	s.client = sqs.New(sqs.Options{HTTPClient: &http.Client{Transport: transport}, Region: "us-east-1", BaseEndpoint: &s.URL,
		Credentials: credentials.NewStaticCredentialsProvider(Key, Secret, "")})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		if _, err = s.client.ListQueues(ctx, &sqs.ListQueuesInput{}); err == nil {
			return s
		}
		select {
		case <-ctx.Done():
			t.Fatalf("moto does not answer: %v", err)
		case <-tick.C:
		}
	}
}

// Queue makes a queue, whose messages come again after some seconds when they are not deleted, and returns its name.
func (s *SQS) Queue(name string, visibility int) string {
	s.t.Helper()
	_, err := s.client.CreateQueue(s.t.Context(), &sqs.CreateQueueInput{QueueName: &name,
		Attributes: map[string]string{"VisibilityTimeout": strconv.Itoa(visibility)}})
	if err != nil {
		s.t.Fatal(err)
	}
	return name
}

// Path is the path of the URL of a queue.
func (s *SQS) Path(name string) string { return "/123456789012/" + name }

// Send puts a message on a queue.
func (s *SQS) Send(name, body string) {
	s.t.Helper()
	if _, err := s.client.SendMessage(s.t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(s.URL + s.Path(name)), MessageBody: &body}); err != nil {
		s.t.Fatal(err)
	}
}

// Kept returns how many messages a queue holds, also those that were received and not deleted.
func (s *SQS) Kept(name string) int {
	s.t.Helper()
	out, err := s.client.GetQueueAttributes(s.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: aws.String(s.URL + s.Path(name)),
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for _, a := range []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible} {
		v, err := strconv.Atoi(out.Attributes[string(a)])
		if err != nil {
			s.t.Fatalf("%s: %v", a, err)
		}
		n += v
	}
	return n
}

// Drained waits until a queue holds that many messages.
func (s *SQS) Drained(name string, n int) {
	s.t.Helper()
	deadline := time.After(30 * time.Second)
	for tick := time.NewTicker(50 * time.Millisecond); s.Kept(name) != n; {
		select {
		case <-deadline:
			s.t.Fatalf("the queue %s holds %d messages, not %d", name, s.Kept(name), n)
		case <-tick.C:
		}
	}
}
