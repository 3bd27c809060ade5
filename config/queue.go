package config

import (
	"net/url"
	"slices"
	"strings"
)

// queueParam is the queue that tells of new snapshots (spec acceleration-snapshots 4.7).
const queueParam = "s3_queue_url"

const queueHint = "such as https://sqs.eu-west-1.amazonaws.com/123456789012/snapshots"

// Queue is the URL of the queue that tells of new snapshots; empty when there is none.
func (s *Snapshots) Queue() string { return s.Params[queueParam].Reveal() }

// queue checks s3_queue_url. The value may be a secret and is not shown.
func (s *Snapshots) queue(d *document, sev Severity) {
	v := s.Queue()
	if v == "" {
		return
	}
	bad := func(message, hint string) { d.at(sev, join("snapshots.params", queueParam), message, hint) }
	u, err := url.Parse(v)
	switch scheme, _, _ := strings.Cut(s.Location, "://"); {
	case scheme != "s3" && scheme != "s3a":
		bad("s3_queue_url needs a location in S3: its messages are events of a bucket", "remove it, or use a location s3://")
	case strings.HasPrefix(v, "arn:"):
		bad("s3_queue_url is an ARN; it must be the URL of the queue", queueHint)
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") == "":
		bad("s3_queue_url must be the URL of a queue", queueHint)
	case u.Scheme == "http" && !slices.Contains([]string{"true", "1", "enabled", "yes"}, strings.ToLower(s.Params["allow_http"].Reveal())):
		bad("s3_queue_url is not encrypted", "use https://, or set allow_http: true")
	}
}

// Follows tells whether the dataset only reads snapshots, as others write them.
func (d *Dataset) Follows() bool {
	return d.Acceleration.Enabled && d.Acceleration.RefreshMode == RefreshSnapshot && d.Acceleration.Snapshots != SnapshotsDisabled
}

// checkQueue warns about a queue that nobody waits for.
func checkQueue(d *document, c *Config) {
	if c.Snapshots.Queue() != "" && c.Snapshots.Enabled && !slices.ContainsFunc(c.Datasets, (*Dataset).Follows) {
		d.warnf(join("snapshots.params", queueParam), "add refresh_mode: snapshot to those that shall follow",
			"s3_queue_url has no effect: no dataset has refresh_mode snapshot")
	}
}
