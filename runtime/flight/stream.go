package flight

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// sender sends the messages of an Arrow stream, which are written to it one by one (see api.ArrowStream).
type sender struct{ to flight.DataStreamWriter }

// Write takes one message: 4 bytes 0xff, the length of its metadata, that, and the body. Sending blocks while the
// client does not read.
func (s sender) Write(p []byte) (int, error) {
	if len(p) < 8 {
		return 0, errors.New("a piece of a message was written")
	}
	size := int(binary.LittleEndian.Uint32(p[4:]))
	if size == 0 { // the end of the stream, which gRPC tells by itself
		return len(p), nil
	}
	if size > len(p)-8 {
		return 0, errors.New("a piece of a message was written")
	}
	return len(p), s.to.Send(&flight.FlightData{DataHeader: p[8 : 8+size], DataBody: p[8+size:]})
}

// runs are the queries that run, for those who want to cancel one.
type runs struct {
	mu  sync.Mutex
	all map[*running]struct{}
}

type running struct {
	id     string
	cancel context.CancelCauseFunc
}

func newRuns() *runs { return &runs{all: map[*running]struct{}{}} }

// begin notes a run until end is called.
func (r *runs) begin(ctx context.Context, id string) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	one := &running{id, cancel}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[one] = struct{}{}
	return ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.all, one)
		cancel(nil)
	}
}

// cancel ends the runs of a ticket and tells whether there was one.
func (r *runs) cancel(id string) (found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for one := range r.all {
		if one.id == id && id != "" {
			found = true
			one.cancel(status.Error(codes.Canceled, "the query was cancelled"))
		}
	}
	return found
}
