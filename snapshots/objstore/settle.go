package objstore

import (
	"context"
	"time"
)

// stoppedTimeout is how long a Settling context outlives the one that it comes from: the end of the process waits
// for it.
const stoppedTimeout = time.Second

// Settling returns a context to find out what became of a write whose answer is missing, or to clean up after it,
// also when ctx has ended. It ends after d, or a second after ctx.
func Settling(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	settled, cancel := context.WithTimeout(context.WithoutCancel(ctx), d)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-settled.Done():
		case <-time.After(stoppedTimeout):
			cancel()
		}
	})
	return settled, func() { stop(); cancel() }
}
