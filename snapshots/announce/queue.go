// Package announce hears of new snapshots: it receives the events of a bucket from a queue of SQS, and reads what
// they mean for a location of snapshots. It starts no goroutines; what is to be done decides whoever calls it.
package announce

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"pitwall/snapshots/objstore"
	"pitwall/snapshots/objstore/bucket"
)

const (
	// longPoll is how long a request waits for a message, the most that SQS lets it.
	longPoll = 20 * time.Second
	// batch is how many messages are asked for, the most that SQS gives at once.
	batch = 10
)

// Queue is a queue of SQS. It connects when it is asked for messages.
type Queue struct {
	place  Place
	url    string
	server string // where the requests go; empty where the SDK knows
	region string // of the server; empty when its name does not tell
	params map[string]string

	aws    *bucket.AWS // nil until it is needed
	client *sqs.Client
}

// Message is a message that was received. It comes again, after the visibility timeout of the queue, until it is
// deleted.
type Message struct {
	Reading
	receipt string
}

// New returns the queue that tells of changes in a location of S3, with the params of the location, of which
// s3_queue_url is the queue. The error says what is wrong with them.
func New(location string, params map[string]string) (*Queue, error) {
	scheme, path, _ := strings.Cut(location, "://")
	if scheme != "s3" && scheme != "s3a" {
		return nil, errors.New("s3_queue_url needs a location in S3")
	}
	p := bucket.NewParams(params)
	loc, _ := bucket.Locate(scheme, path, p, bucket.Read)
	if err := p.Err(); err != nil {
		return nil, err
	}
	name, _, _ := strings.Cut(path, "/")
	q := &Queue{place: Place{Bucket: name, Prefix: strings.TrimSuffix(loc.Key, "/")}, url: p.Text("s3_queue_url"),
		params: objstore.Defaults(scheme, params)}
	if q.place.Prefix != "" {
		q.place.Prefix += "/"
	}
	u, err := url.Parse(q.url)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("s3_queue_url must be the URL of a queue, such as https://sqs.eu-west-1.amazonaws.com/123456789012/snapshots")
	case u.Scheme == "http" && !p.Bool("allow_http", false):
		return nil, errors.New("s3_queue_url is not encrypted; use https://, or set allow_http: true")
	}
	q.server, q.region = serverOf(u)
	return q, nil
}

// serverOf returns where the requests for a queue go, and the region that the name of the server tells. The oldest
// names of AWS, such as eu-west-1.queue.amazonaws.com, are left to the SDK, which has newer ones.
func serverOf(u *url.URL) (server, region string) {
	server = u.Scheme + "://" + u.Host
	host := strings.ToLower(u.Hostname())
	if !strings.HasSuffix(host, ".amazonaws.com") && !strings.HasSuffix(host, ".amazonaws.com.cn") && !strings.HasSuffix(host, ".api.aws") {
		return server, ""
	}
	labels := strings.Split(host, ".")
	for i, l := range labels {
		switch {
		case (l == "sqs" || l == "sqs-fips") && labels[i+1] != "amazonaws":
			return server, labels[i+1]
		case l == "queue" && i == 0:
			return "", "us-east-1"
		case l == "queue":
			return "", labels[i-1]
		}
	}
	return server, ""
}

// Place is the location that the messages are about.
func (q *Queue) Place() Place { return q.place }

// Receive waits for messages, for at most 20 seconds; none is no error.
func (q *Queue) Receive(ctx context.Context) ([]Message, error) {
	if err := q.open(ctx); err != nil {
		return nil, err
	}
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &q.url, MaxNumberOfMessages: batch,
		WaitTimeSeconds: int32(longPoll / time.Second)})
	if err != nil {
		return nil, q.cause(ctx, err)
	}
	var got []Message
	for _, m := range out.Messages {
		got = append(got, Message{Reading: q.place.Read(aws.ToString(m.Body)), receipt: aws.ToString(m.ReceiptHandle)})
	}
	return got, nil
}

// Delete deletes messages that one Receive returned.
func (q *Queue) Delete(ctx context.Context, list []Message) error {
	if len(list) == 0 {
		return nil
	}
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &q.url}
	for i, m := range list {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: &m.receipt})
	}
	out, err := q.client.DeleteMessageBatch(ctx, in)
	if err != nil {
		return q.cause(ctx, err)
	}
	if len(out.Failed) > 0 {
		f := out.Failed[0]
		return fmt.Errorf("%d of %d messages stay: %s: %s", len(out.Failed), len(list), aws.ToString(f.Code), aws.ToString(f.Message))
	}
	return nil
}

// Close ends the connections.
func (q *Queue) Close() {
	if q.aws != nil {
		q.aws.Close()
	}
}

func (q *Queue) open(ctx context.Context) error {
	if q.client != nil {
		return nil
	}
	a, err := bucket.OpenAWS(ctx, bucket.NewParams(q.params), longPoll)
	if err != nil {
		return err
	}
	if q.region != "" {
		a.Config.Region = q.region
	}
	q.aws = a
	q.client = sqs.NewFromConfig(a.Config, func(o *sqs.Options) {
		o.HTTPClient = a.Client
		if q.server != "" {
			o.BaseEndpoint = &q.server
		}
	})
	return nil
}

// cause is an error in short, with what can be done about it.
func (q *Queue) cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	why := q.aws.Cause(err)
	f := bucket.AWSFault(err)
	switch {
	case f == nil || f.Status == 0:
		return fmt.Errorf("%w; check s3_queue_url and the network", why)
	case strings.Contains(f.Code, "NonExistentQueue") || strings.Contains(f.Code, "QueueDoesNotExist"):
		return fmt.Errorf("%w; check s3_queue_url", why)
	case f.Status == http.StatusUnauthorized || f.Status == http.StatusForbidden:
		return fmt.Errorf("%w; check params s3_auth, s3_key and s3_secret, and that they allow sqs:ReceiveMessage and sqs:DeleteMessage", why)
	}
	return fmt.Errorf("%w (HTTP status %d)", why, f.Status)
}
