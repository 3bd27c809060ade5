package engines

import (
	"context"
	"time"
)

// Compactor is an engine in which many small writes leave pieces that are better put together.
type Compactor interface {
	Engine
	// CompactEvery is how long after a write Compact is to be called; 0 means never.
	CompactEvery() time.Duration
	// Compact puts some pieces together, unless there are too few. Rows, their order within a partition and the
	// checkpoint stay as they are. Writers go on meanwhile and wait only for its commit; what a write took away of the pieces makes
	// it give up without an error. Killed at any time it leaves the pieces, or what they were put together to.
	Compact(ctx context.Context) (Compacted, error)
}

// Compacted tells what one Compact did.
type Compacted struct {
	// Before is how many files it put together, 0 when there was nothing to do; After to how many.
	Before, After int
}
