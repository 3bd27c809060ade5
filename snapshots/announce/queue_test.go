package announce

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pitwall/snapshots/objstore/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// params are those of a queue that a server has.
func params(url string, more ...string) map[string]string {
	p := map[string]string{"s3_queue_url": url, "s3_key": storetest.Key, "s3_secret": storetest.Secret, "s3_region": "us-east-1", "allow_http": "true"}
	for i := 0; i < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return p
}

func TestMessagesStayUntilTheyAreDeleted(t *testing.T) {
	server := storetest.StartSQS(t)
	name := server.Queue("q", 1)
	q, err := New("s3://b/snaps", params(server.URL+server.Path(name)))
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if q.Place() != (Place{"b", "snaps/"}) || q.Place().String() != "s3://b/snaps/" {
		t.Errorf("%+v", q.Place())
	}
	bodies := map[Meaning]string{Commit: s3("b", "snaps/metadata.json", "ObjectCreated:Put"), NotS3: "hello", Foreign: s3("c", "x", "ObjectCreated:Put")}
	for _, body := range bodies {
		server.Send(name, body)
	}
	receive := func(want int) map[Meaning]Message {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		got := map[Meaning]Message{}
		for len(got) < want {
			list, err := q.Receive(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range list {
				got[m.Meaning] = m
			}
		}
		return got
	}
	receive(3)
	got := receive(3) // they come again
	if err := q.Delete(t.Context(), []Message{got[Commit], got[NotS3]}); err != nil {
		t.Fatal(err)
	}
	server.Drained(name, 1)
	if got := receive(1); got[Foreign].Detail != "s3://c/x" {
		t.Errorf("%+v", got)
	}
	if err := q.Delete(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestFaultsOfAQueueSayWhatToDo(t *testing.T) {
	server := storetest.StartSQS(t)
	name := server.Queue("q", 30)
	for _, c := range []struct {
		name, url string
		fault     storetest.Fault
		want      []string
	}{
		{"no such queue", server.Path("nowhere"), nil, []string{"check s3_queue_url"}},
		{"denied", server.Path(name), storetest.Status(http.StatusForbidden), []string{"s3_auth", "sqs:ReceiveMessage"}},
		{"unavailable", server.Path(name), storetest.Status(http.StatusServiceUnavailable), []string{"503"}},
		{"nobody there", "http://127.0.0.1:1/1/q", nil, []string{"connection refused", "check s3_queue_url"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			proxy := storetest.NewProxy(t, server.URL)
			proxy.Break(c.fault)
			if strings.HasPrefix(c.url, "/") {
				c.url = proxy.URL + c.url
			}
			q, err := New("s3://b/snaps/", params(c.url))
			if err != nil {
				t.Fatal(err)
			}
			defer q.Close()
			_, err = q.Receive(t.Context())
			if err == nil {
				t.Fatal("there is no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
			if strings.Contains(err.Error(), storetest.Secret) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
		})
	}
}

// A consumer ends at once, also in the middle of a long poll.
func TestWaitForMessagesEndsWithItsContext(t *testing.T) {
	proxy := storetest.NewProxy(t, "http://127.0.0.1:1")
	waits := make(chan struct{}, 1)
	proxy.Break(func(w http.ResponseWriter, r *http.Request) bool {
		waits <- struct{}{}
		return storetest.Hang(w, r)
	})
	q, err := New("s3://b/snaps/", params(proxy.URL+"/1/q"))
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-waits
		cancel()
	}()
	if _, err := q.Receive(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestQueuesThatCannotBeUsed(t *testing.T) {
	good := "https://sqs.eu-west-1.amazonaws.com/1/q"
	for _, c := range []struct {
		location string
		params   map[string]string
		want     string
	}{
		{"gs://b/snaps", params(good), "location in S3"},
		{"file:///snaps", params(good), "location in S3"},
		{"s3://b/snaps", params("arn:aws:sqs:eu-west-1:1:q"), "must be the URL"},
		{"s3://b/snaps", params("http://queues.example/1/q", "allow_http", "false"), "allow_http"},
		{"s3://b/snaps", params(good, "s3_auth", "iam_role"), "s3_auth"},
		{"s3://b/snaps", params(good, "allow_http", "perhaps"), "allow_http"},
	} {
		if _, err := New(c.location, c.params); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), storetest.Secret) {
			t.Errorf("%s %v: %v", c.location, c.params, err)
		}
	}
}

func TestServersOfQueues(t *testing.T) {
	for _, c := range []struct{ url, server, region string }{
		{"https://sqs.eu-west-1.amazonaws.com/1/q", "https://sqs.eu-west-1.amazonaws.com", "eu-west-1"},
		{"https://sqs.cn-north-1.amazonaws.com.cn/1/q", "https://sqs.cn-north-1.amazonaws.com.cn", "cn-north-1"},
		{"https://sqs-fips.us-east-2.amazonaws.com/1/q", "https://sqs-fips.us-east-2.amazonaws.com", "us-east-2"},
		{"https://sqs.eu-west-1.api.aws/1/q", "https://sqs.eu-west-1.api.aws", "eu-west-1"},
		{"https://vpce-1-a.sqs.eu-west-1.vpce.amazonaws.com/1/q", "https://vpce-1-a.sqs.eu-west-1.vpce.amazonaws.com", "eu-west-1"},
		{"https://queue.amazonaws.com/1/q", "", "us-east-1"},
		{"https://eu-west-1.queue.amazonaws.com/1/q", "", "eu-west-1"},
		{"http://127.0.0.1:4566/1/q", "http://127.0.0.1:4566", ""},
		{"https://sqs.amazonaws.com.example:9324/1/q", "https://sqs.amazonaws.com.example:9324", ""},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if server, region := serverOf(u); server != c.server || region != c.region {
			t.Errorf("%s: %q %q", c.url, server, region)
		}
	}
}
