package arrowflight_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	pb "github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"pitwall/runtime/source"
	"pitwall/runtime/source/arrowflight"
	"pitwall/runtime/source/sourcetest"
)

// part is what one endpoint answers: a column of numbers, then maybe an error.
type part struct {
	column string
	rows   int
	then   error
	// elsewhere has only the other server know it.
	elsewhere bool
}

// other is a server of Flight SQL with habits that pitwall's does not have.
type other struct {
	flight.BaseFlightServer
	parts    []part
	schema   bool // the FlightInfo has one
	key      string
	refuses  error // a query
	location string

	mu      sync.Mutex
	asked   []string
	address string
}

func (o *other) serve(t *testing.T) *other {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.address = l.Addr().String()
	s := grpc.NewServer()
	flight.RegisterFlightServiceServer(s, o)
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() { s.Stop(); wg.Wait() })
	return o
}

func (o *other) allowed(ctx context.Context) error {
	md, _ := metadata.FromIncomingContext(ctx)
	if o.key != "" && strings.Join(md.Get("authorization"), ",") != "Bearer "+o.key {
		return status.Error(codes.Unauthenticated, "who are you?")
	}
	return nil
}

// GetFlightInfo has an endpoint for each part.
func (o *other) GetFlightInfo(ctx context.Context, d *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	if err := o.allowed(ctx); err != nil {
		return nil, err
	}
	var a anypb.Any
	var q pb.CommandStatementQuery
	if err := errors.Join(proto.Unmarshal(d.Cmd, &a), a.UnmarshalTo(&q)); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, q.Query)
	if o.refuses != nil {
		return nil, o.refuses
	}
	info := &flight.FlightInfo{FlightDescriptor: d, TotalRecords: -1, TotalBytes: -1}
	if o.schema {
		info.Schema = flight.SerializeSchema(numbers("n"), memory.DefaultAllocator)
	}
	for i, p := range o.parts {
		e := &flight.FlightEndpoint{Ticket: &flight.Ticket{Ticket: []byte(fmt.Sprint(i))}}
		if p.elsewhere {
			e.Location = []*flight.Location{{Uri: "quic://nowhere"}, {Uri: "grpc+tcp://" + o.location}}
		} else if i%2 == 1 {
			e.Location = []*flight.Location{{Uri: flight.LocationReuseConnection}}
		}
		info.Endpoint = append(info.Endpoint, e)
	}
	return info, nil
}

func numbers(name string) *arrow.Schema {
	md := arrow.NewMetadata([]string{"ARROW:FLIGHT:SQL:TYPE_NAME"}, []string{"BIGINT"})
	return arrow.NewSchema([]arrow.Field{{Name: name, Type: arrow.PrimitiveTypes.Int64, Metadata: md}}, nil)
}

// DoGet sends the rows of a part.
func (o *other) DoGet(t *flight.Ticket, stream flight.FlightService_DoGetServer) error {
	if err := o.allowed(stream.Context()); err != nil {
		return err
	}
	p := o.parts[t.Ticket[0]-'0']
	if p.elsewhere && o.location != "" {
		return status.Error(codes.NotFound, "that is elsewhere")
	}
	w := flight.NewRecordWriter(stream, ipc.WithSchema(numbers(p.column)))
	b := array.NewRecordBuilder(memory.DefaultAllocator, numbers(p.column))
	defer b.Release()
	for i := range p.rows {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	return errors.Join(w.Write(batch), w.Close(), p.then)
}

func TestServersWithOtherHabits(t *testing.T) {
	away := (&other{parts: []part{{"n", 2, nil, false}, {"n", 3, nil, true}}}).serve(t)
	lost := status.Error(codes.DataLoss, "a disk is gone")
	for name, c := range map[string]struct {
		server *other
		rows   int
		kind   source.Kind
		want   string
	}{
		"several endpoints":        {server: &other{schema: true, parts: []part{{"n", 3, nil, false}, {"n", 2, nil, false}, {"n", 0, nil, false}}}, rows: 5},
		"no schema in the info":    {server: &other{parts: []part{{"n", 3, nil, false}}}, rows: 3},
		"no endpoints":             {server: &other{schema: true}},
		"nothing at all":           {server: &other{}, kind: source.Unavailable, want: "neither rows nor columns"},
		"rows at another server":   {server: &other{schema: true, location: away.address, parts: []part{{"n", 1, nil, false}, {"n", 3, nil, true}}}, rows: 4},
		"parts that differ":        {server: &other{schema: true, parts: []part{{"n", 3, nil, false}, {"m", 2, nil, false}}}, rows: 3, kind: source.Unsupported, want: "columns m"},
		"other columns than asked": {server: &other{schema: true, parts: []part{{"N", 3, nil, false}}}, kind: source.Unsupported, want: "answers with the columns N, asked for were n"},
		"a key and no handshake":   {server: &other{schema: true, key: "sesame", parts: []part{{"n", 1, nil, false}}}, rows: 1},
		"a wrong key":              {server: &other{schema: true, key: "other"}, kind: source.Denied, want: "who are you?"},
		"lost data":                {server: &other{schema: true, parts: []part{{"n", 3, lost, false}}}, rows: 3, kind: source.Damaged, want: "a disk is gone"},
		"no such table":            {server: &other{refuses: status.Error(codes.InvalidArgument, "Table 'x.t' not found")}, kind: source.Missing, want: "not found"},
		"no such statement":        {server: &other{refuses: status.Error(codes.InvalidArgument, "unexpected WHERE")}, kind: source.Unsupported, want: "unexpected WHERE"},
		"busy":                     {server: &other{refuses: status.Error(codes.ResourceExhausted, "later")}, kind: source.Unavailable, want: "later"},
	} {
		t.Run(name, func(t *testing.T) {
			c.server.serve(t)
			src := open(t, arrowflight.Options{Connector: "spice.ai", Table: "x.t", Params: map[string]string{"spiceai_endpoint": c.server.address, "spiceai_api_key": "sesame"}})
			schema, rows, _, err := sourcetest.Rows(t, src, source.Scan{})
			if len(rows) != c.rows || source.KindOf(err) != c.kind || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d rows, %v (%s)", len(rows), err, source.KindOf(err))
			}
			if err == nil && (schema.NumFields() != 1 || schema.Field(0).HasMetadata()) {
				t.Errorf("the columns are %v", schema)
			}
			if len(c.server.asked) > 0 && c.server.asked[0] != `SELECT * FROM "x"."t" WHERE 1 = 0` {
				t.Errorf("asked was %q", c.server.asked)
			}
		})
	}
}
