package flight

import (
	"context"
	"encoding/base64"
	"fmt"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"pitwall/runtime/api"
)

// unary stands before every request with one answer.
func (s *server) unary(ctx context.Context, q any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (answer any, err error) {
	defer s.observed(info.FullMethod, func() string { return asked(q) }, time.Now(), &err)
	defer recovered(&err)
	if err := s.guarded(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	return handle(ctx, q)
}

// stream stands before every request whose answer is a stream.
func (s *server) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
	heard := &listener{ServerStream: stream}
	defer s.observed(info.FullMethod, func() string { return heard.asked }, time.Now(), &err)
	defer recovered(&err)
	if err := s.guarded(stream.Context(), info.FullMethod); err != nil {
		return err
	}
	return handle(srv, heard)
}

// listener notes what a stream asks for.
type listener struct {
	grpc.ServerStream
	asked string
}

func (l *listener) RecvMsg(m any) error {
	err := l.ServerStream.RecvMsg(m)
	if err == nil && l.asked == "" {
		l.asked = asked(m)
	}
	return err
}

// recovered makes an error of a panic: a request must not end the process. The beginning of the stack goes with it,
// as much as the headers of an answer can hold.
func recovered(err *error) {
	if p := recover(); p != nil {
		stack := debug.Stack()
		*err = status.Errorf(codes.Internal, "pitwall has a bug: %v\n%s", p, stack[:min(len(stack), maxStack)])
	}
}

// maxStack is in bytes.
const maxStack = 3000

// observed tells of an answered request.
func (s *server) observed(method string, command func() string, since time.Time, err *error) {
	if s.Observe != nil {
		s.Observe(path.Base(method), command(), status.Code(*err).String(), time.Since(since))
	}
}

// asked is what a message asks for, out of a few dozen words: they become labels of metrics.
func asked(m any) string {
	switch m := m.(type) {
	case *flight.FlightDescriptor:
		return askedBy(m)
	case *flight.FlightData:
		return askedBy(m.GetFlightDescriptor())
	case *flight.Ticket:
		return askedCommand(m.GetTicket())
	case *flight.Action:
		for _, a := range actions() {
			if a.Type == m.GetType() {
				return a.Type
			}
		}
	}
	return ""
}

func askedBy(d *flight.FlightDescriptor) string {
	switch {
	case d == nil:
		return ""
	case len(d.GetPath()) > 0:
		return "path"
	default:
		return askedCommand(d.GetCmd())
	}
}

func askedCommand(b []byte) string {
	if m := command(b); m != nil {
		return string(proto.MessageName(m).Name())
	}
	return "sql"
}

// handshake is the method that needs no key.
const handshake = "/arrow.flight.protocol.FlightService/Handshake"

// guarded lets a request through when its key allows that; a handshake looks at its key itself.
func (s *server) guarded(ctx context.Context, method string) error {
	if !s.Auth || method == handshake {
		return nil
	}
	if known, _ := s.Keys.Allowed(presented(ctx)); !known {
		return unauthenticated()
	}
	return nil
}

func unauthenticated() error {
	return status.Error(codes.Unauthenticated, "this runtime needs an API key: send it as authorization: Bearer KEY, as x-api-key: KEY, "+
		"or as the password of basic authentication, with any user name")
}

// presented is the API key that came with a request; empty when none did.
func presented(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	for _, key := range md.Get("x-api-key") {
		return key
	}
	for _, a := range md.Get("authorization") {
		scheme, rest, _ := strings.Cut(a, " ")
		switch strings.ToLower(scheme) {
		case "bearer":
			return rest
		case "basic":
			text, err := base64.StdEncoding.DecodeString(rest)
			if err != nil {
				text, _ = base64.RawStdEncoding.DecodeString(rest)
			}
			_, password, _ := strings.Cut(string(text), ":")
			return password
		}
	}
	return ""
}

// nobody is the token of a handshake with a runtime that asks for no key.
const nobody = "anonymous"

// Handshake takes a user name, which is of no consequence, and an API key as the password, and answers with the
// bearer token for all other requests, which is the key.
func (s *server) Handshake(stream flight.FlightService_HandshakeServer) error {
	key := presented(stream.Context())
	if key == "" && s.Auth { // the older form has it in the first message
		if q, err := stream.Recv(); err == nil {
			var basic flight.BasicAuth
			if proto.Unmarshal(q.GetPayload(), &basic) == nil {
				key = basic.Password
			}
		}
	}
	if known, _ := s.Keys.Allowed(key); s.Auth && !known {
		return unauthenticated()
	}
	if !s.Auth {
		key = nobody
	}
	if err := stream.SetHeader(metadata.Pairs("authorization", "Bearer "+key)); err != nil {
		return err
	}
	return stream.Send(&flight.HandshakeResponse{Payload: []byte(key)})
}

// failed makes what a query returned the status of an answer.
func (s *server) failed(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); ctx.Err() != nil && cause != nil {
		if _, ok := status.FromError(cause); ok {
			return cause
		}
		return status.FromContextError(ctx.Err()).Err()
	}
	if s.life.Err() != nil {
		return status.Error(codes.Unavailable, "pitwall is shutting down")
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	code, text := codes.Internal, err.Error()
	if e, ok := queryError(err); ok {
		switch e.Reason {
		case api.BadQuery:
			code = codes.InvalidArgument
		case api.Forbidden:
			code = codes.PermissionDenied
		case api.NotReady:
			code = codes.Unavailable
		case api.TimedOut:
			code = codes.DeadlineExceeded
		}
		if e.Hint != "" {
			text = fmt.Sprintf("%s\n%s", text, e.Hint)
		}
	}
	return status.Error(code, text)
}
