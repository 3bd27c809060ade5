package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"pitwall/runtime/api"
)

// event is one event of the stream.
type event struct {
	Seq     uint64            `json:"seq"`
	At      time.Time         `json:"at"`
	Level   string            `json:"level"`
	Dataset string            `json:"dataset,omitempty"`
	Kind    string            `json:"kind"`
	Message string            `json:"message"`
	Fields  map[string]string `json:"fields,omitempty"`
	Command api.CommandID     `json:"command,omitempty"`
}

// keepAlive is how often a silent stream sends a comment, so that nobody in between closes it.
const keepAlive = 15 * time.Second

// events streams events as server-sent events. It begins behind the Last-Event-ID of the request or its
// after parameter; without one, with what the runtime remembers. With follow=false it ends there.
func (s *server) events(w http.ResponseWriter, q *http.Request) {
	after := uint64(0)
	last := q.Header.Get("Last-Event-ID")
	if v := q.URL.Query().Get("after"); v != "" {
		last = v
	}
	if last != "" {
		n, err := strconv.ParseUint(last, 10, 64)
		if err != nil {
			fail(w, http.StatusBadRequest, "after is the number of an event")
			return
		}
		after = n
	}
	cur, next := s.Console.Watch(q.Context())
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	flush := http.NewResponseController(w)
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		for _, e := range cur.Events {
			if e.Seq <= after {
				continue
			}
			if after > 0 && e.Seq > after+1 {
				fmt.Fprintf(w, ": %d events are not remembered any more\n\n", e.Seq-after-1)
			}
			after = e.Seq
			if err := send(w, e); err != nil {
				return
			}
		}
		if flush.Flush() != nil || q.URL.Query().Get("follow") == "false" {
			return
		}
		var open bool
		select {
		case cur, open = <-next:
			if !open {
				return
			}
		case <-tick.C:
			_, _ = fmt.Fprint(w, ": still here\n\n")
		case <-q.Context().Done():
			return
		}
	}
}

func send(w http.ResponseWriter, e api.Event) error {
	v := event{Seq: e.Seq, At: e.At, Level: e.Level.String(), Dataset: e.Dataset, Kind: e.Kind, Message: e.Message, Command: e.Command}
	for _, f := range e.Fields {
		if v.Fields == nil {
			v.Fields = map[string]string{}
		}
		v.Fields[f.Key] = f.Value
	}
	data, err := json.Marshal(v)
	if err == nil {
		_, err = fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Kind, data)
	}
	return err
}
