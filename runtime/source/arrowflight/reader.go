package arrowflight

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	pb "github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"pitwall/runtime/source"
)

// maxMessage is the largest message in bytes that is taken from a server; gRPC's own limit of 4 MiB is too small for
// the batches of many.
const maxMessage = 256 << 20

// reader hands on the batches of the endpoints, one after the other.
type reader struct {
	s      *Source
	caller context.Context // of Read
	ctx    context.Context // with the token; below caller
	cancel context.CancelFunc
	links  map[endpoint]flight.Client
	info   *flight.FlightInfo
	at     int // the next endpoint
	cur    *flight.Reader
	names  []string // wanted
	schema *arrow.Schema
	plan   string
	batch  arrow.RecordBatch
	refs   atomic.Int64
	bytes  atomic.Int64
	err    error
}

var (
	_ source.Reader  = (*reader)(nil)
	_ source.Planner = (*reader)(nil)
)

// link connects with a server, once.
func (r *reader) link(e endpoint) (flight.Client, error) {
	if c := r.links[e]; c != nil {
		return c, nil
	}
	secure := insecure.NewCredentials()
	if e.tls {
		secure = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	c, err := flight.NewClientWithMiddleware(e.address, nil, nil, grpc.WithTransportCredentials(secure), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
	if err != nil {
		return nil, err
	}
	r.links[e] = c
	return c, nil
}

// authenticate gets the token that goes with all requests. A server that hands out none gets what there is itself.
func (s *Source) authenticate(ctx context.Context, c flight.Client) (context.Context, error) {
	if s.user == "" && s.password == "" {
		return ctx, nil
	}
	out, err := c.AuthenticateBasicToken(ctx, s.user, s.password)
	if _, answered := status.FromError(err); err == nil || answered && status.Code(err) != codes.Unimplemented {
		return out, err
	}
	own := "Bearer " + s.password
	if s.user != "" {
		own = "Basic " + base64.StdEncoding.EncodeToString([]byte(s.user+":"+s.password))
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", own), nil
}

// ask sends a query.
func (r *reader) ask(text string) error {
	c, err := r.link(r.s.endpoint)
	if err != nil {
		return err
	}
	a, err := anypb.New(&pb.CommandStatementQuery{Query: text})
	if err != nil {
		return err
	}
	command, err := proto.Marshal(a)
	if err != nil {
		return err
	}
	r.info, err = c.GetFlightInfo(r.ctx, &flight.FlightDescriptor{Type: flight.DescriptorCMD, Cmd: command})
	r.at = 0
	return err
}

// told returns the columns of the answer, without its rows when the server tells them.
func (r *reader) told() (*arrow.Schema, error) {
	if schema, err := schemaOf(r.info); err != nil || schema != nil {
		return schema, err
	}
	return r.first()
}

// first opens the first endpoint and returns the columns of the rows.
func (r *reader) first() (*arrow.Schema, error) {
	more, err := r.next()
	if err != nil {
		return nil, err
	}
	if more {
		return r.cur.Schema(), nil
	}
	schema, err := schemaOf(r.info)
	if err == nil && schema == nil {
		err = errors.New("the server answers with neither rows nor columns")
	}
	return schema, err
}

// next opens the next endpoint; false when there is none.
func (r *reader) next() (bool, error) {
	r.close()
	if r.at >= len(r.info.GetEndpoint()) {
		return false, nil
	}
	e := r.info.GetEndpoint()[r.at]
	r.at++
	where, err := r.where(e.GetLocation())
	if err != nil {
		return false, err
	}
	c, err := r.link(where)
	if err != nil {
		return false, err
	}
	stream, err := c.DoGet(r.ctx, e.GetTicket())
	if err != nil {
		return false, err
	}
	r.cur, err = flight.NewRecordReader(counted{stream, &r.bytes})
	return err == nil, err
}

// where picks the server of an endpoint: that of the query, unless the endpoint is only elsewhere.
func (r *reader) where(locations []*flight.Location) (endpoint, error) {
	if len(locations) == 0 {
		return r.s.endpoint, nil
	}
	var errs error
	for _, l := range locations {
		if strings.HasPrefix(l.GetUri(), "arrow-flight-reuse-connection:") {
			return r.s.endpoint, nil
		}
		e, err := parseEndpoint(l.GetUri())
		if err == nil {
			return e, nil
		}
		errs = errors.Join(errs, err)
	}
	return endpoint{}, errs
}

// expect takes the columns of the rows, which must be the wanted ones. What a server notes beside types is left out.
func (r *reader) expect(schema *arrow.Schema) error {
	fields := make([]arrow.Field, schema.NumFields())
	for i, f := range schema.Fields() {
		if len(fields) != len(r.names) || f.Name != r.names[i] {
			return &source.Error{Kind: source.Unsupported, Place: r.s.place, Hint: "give the columns other names in a view at the server",
				Err: fmt.Errorf("the server answers with the columns %s, asked for were %s", names(schema), strings.Join(r.names, ", "))}
		}
		fields[i] = arrow.Field{Name: f.Name, Type: f.Type, Nullable: f.Nullable}
	}
	clean := arrow.NewSchema(fields, nil)
	if r.schema != nil && !r.schema.Equal(clean) {
		return &source.Error{Kind: source.Damaged, Place: r.s.place, Err: fmt.Errorf("a part of the rows has other columns: %s", clean), Hint: "the server answers in parts that differ; ask its operator"}
	}
	r.schema = clean
	return nil
}

func names(schema *arrow.Schema) string {
	var out []string
	for _, f := range schema.Fields() {
		out = append(out, f.Name)
	}
	return strings.Join(out, ", ")
}

// counted counts what arrives.
type counted struct {
	flight.FlightService_DoGetClient
	n *atomic.Int64
}

func (c counted) Recv() (*flight.FlightData, error) {
	d, err := c.FlightService_DoGetClient.Recv()
	if err == nil {
		c.n.Add(int64(len(d.GetDataBody())))
	}
	return d, err
}

func (r *reader) Schema() *arrow.Schema          { return r.schema }
func (r *reader) RecordBatch() arrow.RecordBatch { return r.batch }
func (r *reader) Record() arrow.RecordBatch      { return r.batch }
func (r *reader) Retain()                        { r.refs.Add(1) }
func (r *reader) Plan() string                   { return r.plan }

// Progress implements source.Reader: the bytes that arrived; how many there will be, servers seldom know.
func (r *reader) Progress() (done, total int64) { return r.bytes.Load(), 0 }

// Next implements array.RecordReader.
func (r *reader) Next() bool {
	r.drop()
	for r.err == nil && r.cur != nil {
		if r.cur.Next() {
			b := r.cur.RecordBatch()
			r.batch = array.NewRecordBatch(r.schema, b.Columns(), b.NumRows())
			return true
		}
		if r.err = r.cur.Err(); r.err != nil {
			break
		}
		var more bool
		if more, r.err = r.next(); more {
			r.err = r.expect(r.cur.Schema())
		}
	}
	return false
}

// Err implements array.RecordReader.
func (r *reader) Err() error { return r.fail(r.err) }

// Release implements array.RecordReader.
func (r *reader) Release() {
	if r.refs.Add(-1) != 0 {
		return
	}
	r.drop()
	r.cancel() // ends a stream that is not read to its end
	r.close()
	for _, c := range r.links {
		_ = c.Close() // it was only read from
	}
}

func (r *reader) drop() {
	if r.batch != nil {
		r.batch.Release()
		r.batch = nil
	}
}

// close gives the stream of an endpoint back.
func (r *reader) close() {
	if r.cur != nil {
		r.cur.Release()
		r.cur = nil
	}
}

// fail classifies an error.
func (r *reader) fail(err error) error {
	if err == nil {
		return nil
	}
	if r.caller.Err() != nil {
		return r.caller.Err()
	}
	var known *source.Error
	if errors.As(err, &known) {
		return err
	}
	return r.s.classified(err)
}

func (s *Source) classified(err error) error {
	st, _ := status.FromError(err) // of Unknown, when it is none
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(strings.ToLower(st.Message()), p) {
				return true
			}
		}
		return false
	}
	e := &source.Error{Kind: source.Unavailable, Place: s.place, Err: err}
	if st.Code() != codes.Unknown {
		e.Err = fmt.Errorf("%s answers: %s (%s)", s.endpoint.address, st.Message(), st.Code())
	}
	switch st.Code() {
	case codes.Unauthenticated, codes.PermissionDenied:
		e.Kind, e.Hint = source.Denied, "check the user name and the password, or the API key, in params"
	case codes.NotFound:
		e.Kind, e.Hint = source.Missing, "check the table in from:"
	case codes.InvalidArgument, codes.FailedPrecondition, codes.Unimplemented, codes.OutOfRange:
		e.Kind, e.Hint = source.Unsupported, "the server refuses the query; read from a view there that it can answer"
		if has("no dataset", "not found", "does not exist", "no such table", "unknown table") {
			e.Kind, e.Hint = source.Missing, "check the table in from:"
		}
	case codes.DataLoss:
		e.Kind, e.Hint = source.Damaged, "ask the operator of the server"
	case codes.Unavailable:
		e.Hint = "check that the server runs, and params." + s.param
		if has("tls", "server preface", "x509", "certificate") {
			e.Hint = "the one side speaks TLS and the other does not, or its certificate is not known here: https:// in params." + s.param + " is with TLS, http:// without"
		}
	default:
		e.Hint = "pitwall tries again; look into the log of the server"
	}
	return e
}
