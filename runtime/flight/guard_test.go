package flight

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A request that panics is answered with an error, and the process goes on.
func TestAPanicIsAnError(t *testing.T) {
	var told []string
	s := &server{Options: Options{Observe: func(method, command, code string, _ time.Duration) { told = append(told, method+" "+code) }}, life: t.Context()}
	_, err := s.unary(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: "/x/GetSchema"}, func(context.Context, any) (any, error) {
		panic("out of order")
	})
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "out of order") || !strings.Contains(err.Error(), "guard_test.go") || len(err.Error()) > 2*maxStack {
		t.Errorf("%v", err)
	}
	err = s.stream(nil, stream{ctx: t.Context()}, &grpc.StreamServerInfo{FullMethod: "/x/DoGet"}, func(any, grpc.ServerStream) error {
		var none *server
		return none.life.Err()
	})
	if status.Code(err) != codes.Internal {
		t.Errorf("%v", err)
	}
	if len(told) != 2 || told[0] != "GetSchema Internal" || told[1] != "DoGet Internal" {
		t.Errorf("told of %v", told)
	}
}

// stream is one that nothing is sent on.
type stream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s stream) Context() context.Context { return s.ctx }

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"%", "", true}, {"a%", "abc", true}, {"a_c", "abc", true}, {"a_c", "ac", false}, {`a\_c`, "abc", false},
		{`a\_c`, "a_c", true}, {"a.c", "abc", false}, {"é_", "éx", true}, {`\\`, `\`, true}, {"(", "(", true}, {"A", "a", false},
	} {
		if got := like(&c.pattern)(c.name); got != c.want {
			t.Errorf("%q like %q is %t", c.name, c.pattern, got)
		}
	}
	if !like(nil)("anything") {
		t.Error("no pattern takes not everything")
	}
}
