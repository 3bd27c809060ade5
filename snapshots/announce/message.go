package announce

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"pitwall/snapshots/metadata"
)

// Place is a location of snapshots: a bucket, and the prefix of the keys in it, which is empty or ends with a slash.
type Place struct{ Bucket, Prefix string }

// String is the place as a URL.
func (p Place) String() string { return "s3://" + p.Bucket + "/" + p.Prefix }

// Meaning is what a message asks for.
type Meaning int

// The meanings, of which the later ones win in a message of several events.
const (
	// Test is the message by which S3 tries a new notification.
	Test Meaning = iota
	// Other is about objects of the location that say nothing about which snapshot is current.
	Other
	// Commit says that another snapshot may be current.
	Commit
	// Foreign is about objects outside of the location.
	Foreign
	// NotS3 is no message about objects.
	NotS3
)

// Reading is what a message says.
type Reading struct {
	Meaning Meaning
	// Commit is true when it is one, also where it is about objects outside of the location, too.
	Commit bool
	// Detail is the URL of an object outside of the location, or why the message is not about objects.
	Detail string
}

// event is about one object.
type event struct {
	bucket, key string
	created     bool
}

// s3Message is what S3 sends, also by way of SNS.
type s3Message struct {
	Event   string
	Records []struct {
		EventName string
		S3        struct {
			Bucket struct{ Name string }
			Object struct{ Key string }
		}
	}
}

// envelope is what SNS and EventBridge wrap around.
type envelope struct {
	Type    string
	Message string

	Source     string
	DetailType string `json:"detail-type"`
	Detail     struct {
		Bucket struct{ Name string }
		Object struct{ Key string }
	}
}

// Read reads the body of a message: an event of S3, as it is, or as SNS or EventBridge deliver it.
func (p Place) Read(body string) Reading {
	events, test, err := parse(body, true)
	switch {
	case err != nil:
		return Reading{Meaning: NotS3, Detail: clip(err.Error())}
	case test:
		return Reading{Meaning: Test}
	}
	r := Reading{Meaning: Other}
	for _, e := range events {
		key, inside := strings.CutPrefix(e.key, p.Prefix)
		switch {
		case e.bucket != p.Bucket || !inside:
			r.Meaning, r.Detail = Foreign, clip("s3://"+e.bucket+"/"+e.key)
		case e.created && moves(key):
			r.Commit = true
			r.Meaning = max(r.Meaning, Commit)
		}
	}
	return r
}

// moves tells whether an object decides which snapshot is current: metadata.json, or what pitwall keeps beside it,
// where incremental snapshots are recorded.
func moves(key string) bool {
	if key == metadata.Name {
		return true
	}
	dataset, own := strings.CutSuffix(strings.TrimPrefix(key, "pitwall/"), ".json")
	return own && dataset != "" && !strings.Contains(dataset, "/") && key == metadata.OwnKey(dataset)
}

// parse returns the events of a body; test is true for the message by which S3 tries a notification.
func parse(body string, wrapped bool) (events []event, test bool, err error) {
	var m s3Message
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		return nil, false, fmt.Errorf("it is not the JSON of an event: %w", err)
	}
	if m.Event == "s3:TestEvent" {
		return nil, true, nil
	}
	for _, r := range m.Records {
		// Stores of other makers name the events, and themselves, in their own ways.
		name := strings.TrimPrefix(r.EventName, "s3:")
		if r.S3.Bucket.Name == "" || r.S3.Object.Key == "" || name == "" {
			return nil, false, errors.New("it has a record that names no object")
		}
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil { // of a store that does not encode keys
			key = r.S3.Object.Key
		}
		events = append(events, event{r.S3.Bucket.Name, key, strings.HasPrefix(name, "ObjectCreated:")})
	}
	if len(events) > 0 {
		return events, false, nil
	}
	var e envelope
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		return nil, false, fmt.Errorf("it is not the JSON of an event: %w", err)
	}
	switch d := e.Detail; {
	case e.Type == "Notification" && wrapped:
		return parse(e.Message, false)
	case e.Source == "aws.s3" && d.Bucket.Name != "" && d.Object.Key != "":
		return []event{{d.Bucket.Name, d.Object.Key, e.DetailType == "Object Created"}}, false, nil
	}
	return nil, false, errors.New("it is no event of S3, SNS or EventBridge")
}

// clip shortens what a stranger wrote.
func clip(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "..."
	}
	return s
}
