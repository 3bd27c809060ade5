package announce

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// s3 is an event as S3 sends it.
func s3(bucket, key, name string) string {
	return fmt.Sprintf(`{"Records":[%s]}`, s3Record(bucket, key, name))
}

func s3Record(bucket, key, name string) string {
	return fmt.Sprintf(`{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-1","eventTime":"2026-11-22T10:00:00.000Z","eventName":%q,
"s3":{"s3SchemaVersion":"1.0","configurationId":"c","bucket":{"name":%q,"ownerIdentity":{"principalId":"A"},"arn":"arn:aws:s3:::b"},
"object":{"key":%q,"size":9,"eTag":"0","sequencer":"0"}}}`, name, bucket, url.QueryEscape(key))
}

// sns is a message as SNS delivers it.
func sns(body string) string {
	text, err := json.Marshal(map[string]string{"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:eu-west-1:1:t",
		"Subject": "Amazon S3 Notification", "Message": body, "Timestamp": "2026-11-22T10:00:00.000Z", "SignatureVersion": "1"})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// bridge is an event as EventBridge delivers it: the key is as it is.
func bridge(bucket, key, kind string) string {
	return fmt.Sprintf(`{"version":"0","id":"1","detail-type":%q,"source":"aws.s3","account":"1","time":"2026-11-22T10:00:00Z","region":"eu-west-1",
"resources":["arn:aws:s3:::b"],"detail":{"version":"0","bucket":{"name":%q},"object":{"key":%q,"size":9,"etag":"0","sequencer":"0"},
"request-id":"R","requester":"1","source-ip-address":"1.2.3.4","reason":"PutObject"}}`, kind, bucket, key)
}

func TestWhatMessagesMean(t *testing.T) {
	const put, created = "ObjectCreated:Put", "Object Created"
	odd := "a b/100%+é/"
	for _, c := range []struct {
		name, prefix, body string
		want               Meaning
	}{
		{"commit", "snaps/", s3("b", "snaps/metadata.json", put), Commit},
		{"commit by a copy", "snaps/", s3("b", "snaps/metadata.json", "ObjectCreated:Copy"), Commit},
		{"commit by parts", "snaps/", s3("b", "snaps/metadata.json", "ObjectCreated:CompleteMultipartUpload"), Commit},
		{"commit told by another store", "snaps/", s3("b", "snaps/metadata.json", "s3:ObjectCreated:Put"), Commit},
		{"commit in a whole bucket", "", s3("b", "metadata.json", put), Commit},
		{"commit by SNS", "snaps/", sns(s3("b", "snaps/metadata.json", put)), Commit},
		{"commit by EventBridge", "snaps/", bridge("b", "snaps/metadata.json", created), Commit},
		{"commit by EventBridge by SNS", "snaps/", sns(bridge("b", "snaps/metadata.json", created)), Commit},
		{"commit below an odd prefix", odd, s3("b", odd+"metadata.json", put), Commit},
		{"commit below an odd prefix by EventBridge", odd, bridge("b", odd+"metadata.json", created), Commit},
		{"commit of an incremental snapshot", "snaps/", s3("b", "snaps/pitwall/my.trips.json", put), Commit},
		{"one of several is a commit", "snaps/", fmt.Sprintf(`{"Records":[%s,%s]}`, s3Record("b", "snaps/metadata.json", put), s3Record("b", "snaps/x", put)), Commit},
		{"removed", "snaps/", s3("b", "snaps/metadata.json", "ObjectRemoved:Delete"), Other},
		{"removed by EventBridge", "snaps/", bridge("b", "snaps/metadata.json", "Object Deleted"), Other},
		{"another object", "snaps/", s3("b", "snaps/month=2026-11/day=2026-11-22/dataset=d/d.duckdb", put), Other},
		{"metadata.json deeper down", "snaps/", s3("b", "snaps/old/metadata.json", put), Other},
		{"a block", "snaps/", s3("b", "snaps/pitwall/packs/x.json", put), Other},
		{"a lease", "snaps/", s3("b", "snaps/leases/d.json", put), Other},
		{"only an ending", "snaps/", s3("b", "snaps/.json", put), Other},
		{"own state of nobody", "snaps/", s3("b", "snaps/pitwall/.json", put), Other},
		{"another bucket", "snaps/", s3("c", "snaps/metadata.json", put), Foreign},
		{"another folder", "snaps/", s3("b", "snaps2/metadata.json", put), Foreign},
		{"one of several is foreign", "snaps/", fmt.Sprintf(`{"Records":[%s,%s]}`, s3Record("c", "x", put), s3Record("b", "snaps/metadata.json", put)), Foreign},
		{"test", "snaps/", `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-22T10:00:00Z","Bucket":"b","RequestId":"R","HostId":"H"}`, Test},
		{"test by SNS", "snaps/", sns(`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}`), Test},
		{"text", "snaps/", "hello", NotS3},
		{"empty", "snaps/", "", NotS3},
		{"null", "snaps/", "null", NotS3},
		{"a list", "snaps/", "[]", NotS3},
		{"no records", "snaps/", `{"Records":[]}`, NotS3},
		{"a record of something else", "snaps/", `{"Records":[{"eventSource":"aws:sqs","body":"x"}]}`, NotS3},
		{"a subscription", "snaps/", `{"Type":"SubscriptionConfirmation","Message":"You have chosen"}`, NotS3},
		{"EventBridge of something else", "snaps/", `{"source":"aws.ec2","detail-type":"EC2","detail":{"bucket":{"name":"b"},"object":{"key":"snaps/metadata.json"}}}`, NotS3},
		{"wrapped twice", "snaps/", sns(sns(s3("b", "snaps/metadata.json", put))), NotS3},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Place{"b", c.prefix}.Read(c.body)
			if got.Meaning != c.want {
				t.Errorf("%+v, want meaning %d", got, c.want)
			}
			if (got.Detail != "") != (c.want == Foreign || c.want == NotS3) {
				t.Errorf("detail %q", got.Detail)
			}
			if want := c.want == Commit || c.name == "one of several is foreign"; got.Commit != want {
				t.Errorf("commit %v", got.Commit)
			}
		})
	}
}

// FuzzRead looks for bodies that break the reader, and for commits that nobody wrote.
func FuzzRead(f *testing.F) {
	for _, body := range []string{
		s3("b", "snaps/metadata.json", "ObjectCreated:Put"), sns(s3("b", "snaps/metadata.json", "ObjectCreated:Put")),
		bridge("b", "snaps/metadata.json", "Object Created"), sns(bridge("c", "x", "Object Created")), s3("b", "snaps/x", "ObjectRemoved:Delete"),
		`{"Event":"s3:TestEvent"}`, `{"Records":[{"s3":null}]}`, "hello", "[]", "",
	} {
		f.Add(body)
	}
	p := Place{"b", "snaps/"}
	f.Fuzz(func(t *testing.T, body string) {
		got := p.Read(body)
		if got.Meaning == Commit && !got.Commit || got.Commit && got.Meaning != Commit && got.Meaning != Foreign {
			t.Errorf("%+v", got)
		}
		if (got.Detail != "") != (got.Meaning == Foreign || got.Meaning == NotS3) {
			t.Errorf("%+v", got)
		}
		if again := p.Read(body); again != got {
			t.Errorf("%+v, then %+v", got, again)
		}
		if wrapped := p.Read(sns(body)); json.Valid([]byte(body)) && got.Meaning != NotS3 && wrapped != got && !strings.Contains(body, "Notification") {
			t.Errorf("%+v, by SNS %+v", got, wrapped)
		}
	})
}
