package flight

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	pb "github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// CreatePreparedStatement checks a statement. Values of other types than those that it tells of the parameters are
// taken just as well.
func (f *sqlFace) CreatePreparedStatement(ctx context.Context, q flightsql.ActionCreatePreparedStatementRequest) (out flightsql.ActionCreatePreparedStatementResult, err error) {
	if len(q.GetTransactionId()) > 0 {
		return out, noTransactions()
	}
	p := &statement{SQL: q.GetQuery()}
	out.Handle = p.encode()
	var fields []arrow.Field
	err = f.s.run(ctx, p, true, discard{})
	if e, ok := queryError(err); ok && len(e.Params) > 0 {
		for i, t := range e.Params {
			fields = append(fields, arrow.Field{Name: fmt.Sprintf("$%d", i+1), Type: paramType(t), Nullable: true})
			p.Params = append(p.Params, param{Type: kindNull})
		}
	} else if err != nil {
		return out, f.s.failed(ctx, err)
	}
	out.ParameterSchema = arrow.NewSchema(fields, nil)
	// That of a statement with parameters is found with NULL for each, which not every statement takes: clients can do
	// without it, and are told what is wrong when they run the statement.
	if out.DatasetSchema, err = f.s.schema(ctx, p); err != nil && len(fields) == 0 {
		return out, err
	}
	return out, nil
}

// discard takes what nobody looks at.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// ClosePreparedStatement has nothing to free.
func (f *sqlFace) ClosePreparedStatement(context.Context, flightsql.ActionClosePreparedStatementRequest) error {
	return nil
}

// DoPutPreparedStatementQuery binds the values of one row; the statement with them is another one.
func (f *sqlFace) DoPutPreparedStatementQuery(ctx context.Context, q flightsql.PreparedStatementQuery, r flight.MessageReader, _ flight.MetadataWriter) ([]byte, error) {
	p, err := decode(q.GetPreparedStatementHandle())
	if err != nil {
		return nil, err
	}
	rows := int64(0)
	for r.Next() {
		b := r.RecordBatch()
		if rows += b.NumRows(); rows > 1 {
			return nil, status.Error(codes.InvalidArgument, "a query takes one row of parameters: run it once for each row")
		}
		if b.NumRows() == 1 {
			if p.Params, err = params(b); err != nil {
				return nil, err
			}
		}
	}
	if err := r.Err(); err != nil {
		return nil, status.Error(codes.InvalidArgument, "the parameters can't be read: "+err.Error())
	}
	return p.encode(), nil
}

// cancelled ends the runs of the tickets of a FlightInfo.
func (s *server) cancelled(info *flight.FlightInfo) flight.CancelStatus {
	for _, e := range info.GetEndpoint() {
		m, ok := command(e.GetTicket().GetTicket()).(*pb.TicketStatementQuery)
		if !ok {
			continue
		}
		if q, err := decode(m.GetStatementHandle()); err == nil && s.runs.cancel(q.ID) {
			return flight.CancelStatusCancelled
		}
	}
	return flight.CancelStatusNotCancellable
}

// CancelFlightInfo ends a query that runs.
func (f *sqlFace) CancelFlightInfo(_ context.Context, q *flight.CancelFlightInfoRequest) (flight.CancelFlightInfoResult, error) {
	return flight.CancelFlightInfoResult{Status: f.s.cancelled(q.GetInfo())}, nil
}
