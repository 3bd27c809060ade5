package flight

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight"
	pb "github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"pitwall/runtime/api"
)

// statement is a query as tickets and handles hold it.
type statement struct {
	SQL    string  `json:"sql"`
	Params []param `json:"params,omitempty"`
	// ID names the run of a ticket, for those who want to cancel it; empty in a prepared statement.
	ID string `json:"id,omitempty"`
	// dataset says that it is all of one dataset.
	dataset bool
}

// commandPrefix begins the type of every message of Flight SQL.
const commandPrefix = "type.googleapis.com/arrow.flight.protocol.sql."

// command returns the message of Flight SQL that a descriptor or a ticket holds; nil when it holds something else.
func command(b []byte) proto.Message {
	var a anypb.Any
	if proto.Unmarshal(b, &a) != nil || !strings.HasPrefix(a.TypeUrl, commandPrefix) {
		return nil
	}
	m, err := a.UnmarshalNew()
	if err != nil {
		return nil
	}
	return m
}

// described returns the statement of a descriptor: a dataset by its path, SQL as text, or a command of Flight SQL;
// nil when it is a command that is no statement.
func described(d *flight.FlightDescriptor) (*statement, error) {
	if len(d.GetPath()) > 0 || d.GetType() == flight.DescriptorPATH {
		return dataset(d.GetPath())
	}
	return commanded(d.GetCmd())
}

// dataset returns the statement that reads a dataset. Segments of the path are joined by dots.
func dataset(path []string) (*statement, error) {
	name := strings.Join(path, ".")
	if name == "" {
		return nil, status.Error(codes.InvalidArgument, "the path names no dataset: send it as one segment, or as schema and table")
	}
	return &statement{SQL: "SELECT * FROM " + ident(name), dataset: true}, nil
}

// ident quotes the parts of a dataset's name, which have no dots in them.
func ident(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = `"` + strings.ReplaceAll(p, `"`, `""`) + `"`
	}
	return strings.Join(parts, ".")
}

// commanded returns the statement of a command or a ticket.
func commanded(b []byte) (*statement, error) {
	switch m := command(b).(type) {
	case nil:
		if len(b) == 0 || !utf8.Valid(b) {
			return nil, status.Error(codes.InvalidArgument, "the command is not understood: send the path of a dataset, SQL as text, or a command of Flight SQL")
		}
		return &statement{SQL: string(b)}, nil
	case *pb.CommandStatementQuery:
		if len(m.GetTransactionId()) > 0 {
			return nil, noTransactions()
		}
		return &statement{SQL: m.GetQuery()}, nil
	case *pb.CommandPreparedStatementQuery:
		return decode(m.GetPreparedStatementHandle())
	case *pb.TicketStatementQuery:
		return decode(m.GetStatementHandle())
	}
	return nil, nil
}

func noTransactions() error {
	return status.Error(codes.Unimplemented, "pitwall has no transactions: each query sees one state of its datasets; send it without one")
}

func decode(handle []byte) (*statement, error) {
	var s statement
	if err := json.Unmarshal(handle, &s); err != nil {
		return nil, status.Error(codes.InvalidArgument, "the handle of the statement is not one of this runtime: prepare it, or ask for its FlightInfo, again")
	}
	return &s, nil
}

func (s *statement) encode() []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return nil // not reached: a statement is text
	}
	return b
}

// ticket returns a ticket with an id of its own.
func (s *statement) ticket() (*flight.Ticket, error) {
	run := *s
	run.ID = rand.Text()
	a, err := anypb.New(&pb.TicketStatementQuery{StatementHandle: run.encode()})
	if err != nil {
		return nil, err
	}
	b, err := proto.Marshal(a)
	return &flight.Ticket{Ticket: b}, err
}

// GetFlightInfo answers what a query returns, and with which ticket.
func (s *server) GetFlightInfo(ctx context.Context, d *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	q, err := described(d)
	if err != nil {
		return nil, err
	}
	if q == nil {
		return s.FlightServer.GetFlightInfo(ctx, d)
	}
	schema, err := s.schema(ctx, q)
	if err != nil {
		return nil, err
	}
	t, err := q.ticket()
	if err != nil {
		return nil, err
	}
	return &flight.FlightInfo{Schema: flight.SerializeSchema(schema, memory.DefaultAllocator), FlightDescriptor: d,
		Endpoint: []*flight.FlightEndpoint{{Ticket: t}}, TotalRecords: -1, TotalBytes: -1}, nil
}

// GetSchema answers what a query returns.
func (s *server) GetSchema(ctx context.Context, d *flight.FlightDescriptor) (*flight.SchemaResult, error) {
	q, err := described(d)
	if err != nil {
		return nil, err
	}
	if q == nil {
		return s.FlightServer.GetSchema(ctx, d)
	}
	schema, err := s.schema(ctx, q)
	if err != nil {
		return nil, err
	}
	return &flight.SchemaResult{Schema: flight.SerializeSchema(schema, memory.DefaultAllocator)}, nil
}

// DoGet answers with the rows of a ticket. Text that is no ticket is SQL.
func (s *server) DoGet(t *flight.Ticket, stream flight.FlightService_DoGetServer) error {
	q, err := commanded(t.GetTicket())
	if err != nil {
		return err
	}
	if q == nil {
		return s.FlightServer.DoGet(t, stream)
	}
	ctx, end := s.runs.begin(stream.Context(), q.ID)
	defer end()
	return s.failed(ctx, s.run(ctx, q, false, sender{stream}))
}

// schema returns the columns of a query without running it.
func (s *server) schema(ctx context.Context, q *statement) (*arrow.Schema, error) {
	var b bytes.Buffer
	if err := s.run(ctx, q, true, &b); err != nil {
		if e, ok := queryError(err); ok && q.dataset && e.Reason == api.BadQuery {
			return nil, status.Error(codes.NotFound, strings.TrimSpace(e.Message+"\n"+e.Hint))
		}
		return nil, s.failed(ctx, err)
	}
	r, err := ipc.NewReader(&b)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	return r.Schema(), nil
}

// run writes the answer to a query as an Arrow stream.
func (s *server) run(ctx context.Context, q *statement, describe bool, w interface{ Write([]byte) (int, error) }) error {
	o := api.QueryOptions{Describe: describe}
	for _, p := range q.Params {
		v, err := p.value()
		if err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		o.Params = append(o.Params, v)
	}
	rows, err := s.Console.Query(ctx, q.SQL, o)
	if err != nil {
		return err
	}
	return errors.Join(rows.Encode(w, api.ArrowStream), rows.Close())
}

func queryError(err error) (*api.QueryError, bool) {
	var e *api.QueryError
	ok := errors.As(err, &e)
	return e, ok
}
