//go:build !linux

package stream

import "os"

// send is a hint that only Linux takes.
func send(*os.File, int64, int64) {}
