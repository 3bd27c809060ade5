package flight

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	pb "github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// DoPut takes the parameters of prepared statements.
func (s *server) DoPut(stream flight.FlightService_DoPutServer) error {
	first, err := stream.Recv()
	if err != nil {
		return status.Error(codes.InvalidArgument, "the first message did not arrive")
	}
	if _, ok := command(first.GetFlightDescriptor().GetCmd()).(*pb.CommandPreparedStatementQuery); ok {
		return s.FlightServer.DoPut(&rewound{FlightService_DoPutServer: stream, first: first})
	}
	return readOnly()
}

// DoExchange is not there yet.
func (s *server) DoExchange(flight.FlightService_DoExchangeServer) error {
	return status.Error(codes.Unimplemented, "pitwall does not publish changes over DoExchange yet: read the dataset with DoGet, or refresh from it")
}

func readOnly() error {
	return status.Error(codes.Unimplemented, "pitwall does not take rows or changes over Flight yet: write to the source of the dataset, and refresh it")
}

// rewound gives out the first message of a stream once more.
type rewound struct {
	flight.FlightService_DoPutServer
	first *flight.FlightData
}

func (r *rewound) Recv() (*flight.FlightData, error) {
	if first := r.first; first != nil {
		r.first = nil
		return first, nil
	}
	return r.FlightService_DoPutServer.Recv()
}

// BeginTransaction is refused.
func (f *sqlFace) BeginTransaction(context.Context, flightsql.ActionBeginTransactionRequest) ([]byte, error) {
	return nil, noTransactions()
}

// BeginSavepoint is refused.
func (f *sqlFace) BeginSavepoint(context.Context, flightsql.ActionBeginSavepointRequest) ([]byte, error) {
	return nil, noTransactions()
}
