package stream

import (
	"os"

	"golang.org/x/sys/unix"
)

// Send has the kernel begin to write a range of a file to the disk. It is a hint; Sync decides.
func Send(f *os.File, from, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), from, n, unix.SYNC_FILE_RANGE_WRITE)
}
