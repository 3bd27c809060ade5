package flight

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql/schema_ref"
)

// sqlFace answers the commands of Flight SQL that are no statements.
type sqlFace struct {
	flightsql.BaseServer
	s     *server
	known map[uint32]bool
}

// newSQLFace registers what clients may ask about the server.
func newSQLFace(s *server) (*sqlFace, error) {
	f := &sqlFace{s: s, known: map[uint32]bool{}}
	for id, value := range map[flightsql.SqlInfo]any{
		flightsql.SqlInfoFlightSqlServerName:         "pitwall",
		flightsql.SqlInfoFlightSqlServerVersion:      s.Version,
		flightsql.SqlInfoFlightSqlServerArrowVersion: arrow.PkgVersion,
		flightsql.SqlInfoFlightSqlServerReadOnly:     true,
		flightsql.SqlInfoFlightSqlServerSql:          true,
		flightsql.SqlInfoFlightSqlServerSubstrait:    false,
		flightsql.SqlInfoFlightSqlServerTransaction:  int32(flightsql.SqlTransactionNone),
		flightsql.SqlInfoFlightSqlServerCancel:       true,
		flightsql.SqlInfoDDLCatalog:                  false,
		flightsql.SqlInfoDDLSchema:                   false,
		flightsql.SqlInfoDDLTable:                    false,
		flightsql.SqlInfoIdentifierCase:              int32(flightsql.SqlCaseSensitivityLowerCase),
		flightsql.SqlInfoIdentifierQuoteChar:         `"`,
		flightsql.SqlInfoQuotedIdentifierCase:        int32(flightsql.SqlCaseSensitivityCaseInsensitive),
	} {
		if err := f.RegisterSqlInfo(id, value); err != nil {
			return nil, err
		}
		f.known[uint32(id)] = true
	}
	return f, nil
}

// askedInfo is what somebody asks about the server.
type askedInfo []uint32

// GetInfo implements flightsql.GetSqlInfo.
func (a askedInfo) GetInfo() []uint32 { return a }

// DoGetSqlInfo tells about the server; what is not known is left out, as clients ask for much.
func (f *sqlFace) DoGetSqlInfo(ctx context.Context, q flightsql.GetSqlInfo) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	var known askedInfo
	for _, id := range q.GetInfo() {
		if f.known[id] {
			known = append(known, id)
		}
	}
	if len(q.GetInfo()) > 0 && len(known) == 0 {
		return table(schema_ref.SqlInfo, func(*array.RecordBuilder) {})
	}
	return f.BaseServer.DoGetSqlInfo(ctx, known)
}

// actions are those that DoAction knows.
func actions() []*flight.ActionType {
	return []*flight.ActionType{
		{Type: flightsql.CreatePreparedStatementActionType, Description: "Checks a statement, which may have parameters."},
		{Type: flightsql.ClosePreparedStatementActionType, Description: "Does nothing: a prepared statement holds nothing."},
		{Type: flight.CancelFlightInfoActionType, Description: "Ends the queries that run with the tickets of a FlightInfo."},
		{Type: flightsql.CancelQueryActionType, Description: "The same, in an older form."},
	}
}

// ListActions lists them.
func (s *server) ListActions(_ *flight.Empty, stream flight.FlightService_ListActionsServer) error {
	for _, a := range actions() {
		if err := stream.Send(a); err != nil {
			return err
		}
	}
	return nil
}
