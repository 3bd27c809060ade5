package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pitwall/runtime/api"
	"pitwall/snapshots/announce"
)

// An outage is told once, once more as an error when it lasts, and once when it is over; another fault is told by
// itself.
func TestOutageOfAQueueEscalates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Runtime{o: Options{Logger: slog.New(slog.DiscardHandler)}, bus: newBus(api.State{})}
		q, err := announce.New("s3://b/snaps/", map[string]string{"s3_queue_url": "https://sqs.eu-west-1.amazonaws.com/1/q"})
		if err != nil {
			t.Fatal(err)
		}
		c := newConsumer(r, q)
		cause := errors.New("away")
		for range 60 {
			c.told(t.Context(), receiving, cause)
			c.told(t.Context(), deleting, nil)
			time.Sleep(10 * time.Second)
		}
		c.told(t.Context(), receiving, nil)
		c.told(t.Context(), receiving, nil)
		for range 12 { // over ten minutes
			for range 100 {
				c.elsewhere("s3://c/x")
			}
			time.Sleep(50 * time.Second)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		c.told(gone, reading, cause)
		r.bus.publish()

		var levels []string
		foreign := 0
		for _, e := range r.bus.cur.Load().Events {
			if strings.Contains(e.Message, "s3://c/x") {
				foreign++
				continue
			}
			levels = append(levels, fmt.Sprint(e.Level, " ", e.Message))
		}
		if len(levels) != 3 || !strings.HasPrefix(levels[0], "WARN") || !strings.Contains(levels[0], "tried again") ||
			!strings.HasPrefix(levels[1], "ERROR") || !strings.Contains(levels[1], "for 5m0s: away") || !strings.HasPrefix(levels[2], "INFO") || !strings.Contains(levels[2], "over after 10m0s") {
			t.Errorf("%q", levels)
		}
		if foreign != 6 {
			t.Errorf("%d reports of foreign messages", foreign)
		}
		longest := time.Duration(0)
		for range 100 {
			longest = max(longest, min(c.pause.NextBackOff(), longestPause))
		}
		if longest != 30*time.Second {
			t.Errorf("it waits for up to %s", longest)
		}
	})
}
