// Package flight is the Arrow Flight face of a runtime: queries and Flight SQL, with the rows as Arrow record
// batches (spec data-refresh 8). It sees only api.Console. Serve owns the server and waits for its requests.
//
// Prepared statements and tickets hold the statement itself, so that the server remembers nothing of them: they
// outlive it, and need not be given back.
package flight

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"pitwall/runtime/api"
	"pitwall/runtime/apikey"
)

// Options of Serve. Console is required.
type Options struct {
	Console api.Console
	// Auth is true when an API key of Keys is needed.
	Auth bool
	Keys apikey.Keys
	// Version is the build, for clients that ask.
	Version string
	// Observe, if not nil, is told of every answered request: the method such as DoGet, what was asked for such as
	// CommandStatementQuery, and the gRPC code.
	Observe func(method, command, code string, took time.Duration)
}

// grace is how long requests may go on when the server stops.
const grace = 2500 * time.Millisecond

// silence is after how long without a word a client is asked whether it is there, and how long it has to answer: the
// queries of one that is gone end.
const silence = 30 * time.Second

// server answers the requests. What it does not answer itself is left to Flight SQL's dispatch, which knows sqlFace.
type server struct {
	flight.FlightServer
	Options
	life context.Context // of Serve
	runs *runs
}

// Serve answers requests on l until ctx ends, then for at most 2.5 s more. It closes l. A certificate makes it TLS.
func Serve(ctx context.Context, l net.Listener, o Options, certificate *tls.Certificate) error {
	s := &server{Options: o, life: ctx, runs: newRuns()}
	face, err := newSQLFace(s)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s.FlightServer = flightsql.NewFlightServer(face)
	options := []grpc.ServerOption{grpc.UnaryInterceptor(s.unary), grpc.StreamInterceptor(s.stream), grpc.WaitForHandlers(true),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: silence, Timeout: silence}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: silence / 4, PermitWithoutStream: true})}
	if certificate != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12})))
	}
	srv := grpc.NewServer(options...)
	flight.RegisterFlightServiceServer(srv, s)
	stopped := context.AfterFunc(ctx, func() {
		late := time.AfterFunc(grace, srv.Stop)
		defer late.Stop()
		srv.GracefulStop()
	})
	defer stopped()
	if err := srv.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return nil
}
