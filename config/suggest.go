package config

import (
	"fmt"
	"strings"

	"pitwall/config/suggest"
)

// unknown words a problem about a name that is not in the list, with the likely one if there is one.
func unknown(noun, got string, allowed []string) (message, hint string) {
	message = fmt.Sprintf("unknown %s %q", noun, clip(got, 60))
	if near := suggest.Nearest(got, allowed); near != "" {
		message += fmt.Sprintf(" (did you mean %q?)", near)
	}
	if strings.HasSuffix(message, "?)") && len(allowed) > 12 {
		return message, "" // the long list would hide the answer
	}
	return message, "allowed: " + strings.Join(allowed, ", ")
}
