package runtime

import (
	"context"

	"pitwall/runtime/api"
)

// Query implements api.Console.
func (r *Runtime) Query(context.Context, string, api.QueryOptions) (api.Rows, error) {
	return nil, &api.QueryError{Reason: api.QueryFailed, Message: "queries are not there yet"}
}
