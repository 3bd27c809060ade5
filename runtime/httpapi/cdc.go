package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"strconv"
	"time"

	"pitwall/runtime/api"
)

// Limits of POST .../cdc.
const (
	pushBytes = 32 << 20 // of a body
	pushWait  = 30 * time.Second
)

// push answers POST /v1/datasets/{name}/cdc: change events of Debezium, which are applied when it answers 200 (spec
// data-refresh 7.6). With the header Idempotency-Key events that were applied are not applied again.
func (s *server) push(w http.ResponseWriter, q *http.Request) {
	d := s.find(w, q)
	if d == nil {
		return
	}
	to, ok := s.Console.(api.Pusher)
	if !ok {
		fail(w, http.StatusNotImplemented, "changes can't be sent here: send them to the pitwall that has the dataset")
		return
	}
	switch kind, _, _ := mime.ParseMediaType(q.Header.Get("Content-Type")); kind {
	case "", "application/x-www-form-urlencoded", // what curl says when nobody tells it
		"application/json", "application/vnd.debezium+json", "application/x-ndjson":
	case "application/avro", "application/vnd.debezium+avro":
		fail(w, http.StatusNotImplemented, "events in Avro are read from Kafka only: send JSON, as application/vnd.debezium+json")
		return
	default:
		fail(w, http.StatusUnsupportedMediaType, fmt.Sprintf("%s is not known: send application/vnd.debezium+json", kind))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, pushBytes))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the request has more than %d MiB: send fewer events at a time", pushBytes>>20))
			return
		}
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(q.Context(), pushWait)
	defer cancel()
	got, err := to.Push(ctx, d.Name, api.Push{Body: body, Key: q.Header.Get("Idempotency-Key")})
	if err != nil {
		failPush(w, d.Name, err)
		return
	}
	if got.Again {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	writeJSON(w, http.StatusOK, map[string]any{"applied": got.Applied, "dataset": d.Name})
}

func failPush(w http.ResponseWriter, name string, err error) {
	var e *api.PushError
	if !errors.As(err, &e) {
		fail(w, http.StatusGatewayTimeout, fmt.Sprintf("%s: the events were not applied in %s; they may be yet: send them again with the same Idempotency-Key", name, pushWait))
		return
	}
	if e.Again > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.Again.Seconds()))))
	}
	status := map[api.PushReason]int{api.PushNoDataset: http.StatusNotFound, api.PushReadOnly: http.StatusForbidden, api.PushBad: http.StatusBadRequest,
		api.PushBusy: http.StatusServiceUnavailable, api.PushStopped: http.StatusServiceUnavailable}[e.Reason]
	fail(w, status, e.Message)
}
