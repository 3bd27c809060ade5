package cli

import (
	"context"
	"os"
	"strings"
)

// Interrupted returns an *Exit of code 130 when ctx, one of signal.NotifyContext, ended by SIGINT: a
// person pressed ctrl+c. SIGTERM is how a supervisor asks for an orderly stop, and is not an error.
func Interrupted(ctx context.Context) error {
	cause := context.Cause(ctx)
	if cause != nil && strings.HasPrefix(cause.Error(), os.Interrupt.String()) {
		return &Exit{Code: ExitInterrupted}
	}
	return nil
}
