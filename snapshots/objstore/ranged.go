package objstore

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"gocloud.dev/blob"

	"pitwall/snapshots/objstore/bucket"
)

const (
	// A download has rangesOnce ranges of rangeBytes under way, and in memory.
	rangeBytes = 8 << 20
	rangesOnce = 4
	// fastPerSecond is how many bytes a second of one connection are enough: more of them would only cost memory and
	// copies. One connection to an object store over a network gives 50 to 100 MB/s.
	fastPerSecond = 200 << 20
)

// open reads an object. Where one connection is slow, what follows the first range comes in ranges side by side, each
// on from where its connection breaks.
func (c *cloudStore) open(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	r, err := c.bucket.NewReader(ctx, key, nil)
	if err != nil {
		cancel()
		return nil, 0, err
	}
	size := r.Size()
	d := &download{ctx: ctx, cancel: cancel, bucket: c.bucket, key: key, version: c.bucket.VersionRead(r), size: size, next: min(size, rangeBytes), fast: c.fast}
	d.first = &resuming{d: d, r: r, end: d.next}
	return d, size, nil
}

// download is an object that is read from its beginning to its end. Close waits for all that it started.
type download struct {
	ctx          context.Context // of who reads, until Close
	cancel       context.CancelFunc
	bucket       *bucket.Bucket
	key, version string
	size, next   int64         // next is where the range begins that is asked for next
	fast         int64         // bytes a second that are enough for one connection
	waited       time.Duration // for the first range
	fetching     sync.WaitGroup

	first *resuming // streams; nil when it is read
	under []chan piece
	rest  []byte // of the range that is read
	whole []byte // its memory
}

// piece is a range of an object, or why it could not be read.
type piece struct {
	body []byte
	err  error
}

// ahead begins to fetch the next range into buf, or into new memory.
func (d *download) ahead(buf []byte) {
	if d.next >= d.size {
		return
	}
	from, end := d.next, min(d.next+rangeBytes, d.size)
	d.next = end
	if buf == nil {
		buf = make([]byte, end-from)
	}
	came := make(chan piece, 1)
	d.under = append(d.under, came)
	d.fetching.Go(func() {
		r := &resuming{d: d, at: from, end: end}
		_, err := io.ReadFull(r, buf[:end-from])
		came <- piece{buf[:end-from], errors.Join(err, r.close())}
	})
}

func (d *download) Read(p []byte) (int, error) {
	for d.first != nil {
		began := time.Now()
		n, err := d.first.Read(p)
		d.waited += time.Since(began)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		if d.next < d.size && float64(d.next) >= float64(d.fast)*d.waited.Seconds() {
			d.first.end, d.next = d.size, d.size
			continue
		}
		err = d.first.close()
		d.first = nil
		for range rangesOnce {
			d.ahead(nil)
		}
		if err != nil {
			return 0, err
		}
	}
	if len(d.rest) == 0 {
		if d.whole != nil {
			d.ahead(d.whole)
			d.whole = nil
		}
		if len(d.under) == 0 {
			return 0, io.EOF
		}
		select {
		case <-d.ctx.Done():
			return 0, d.ctx.Err()
		case came := <-d.under[0]:
			d.under = d.under[1:]
			if came.err != nil {
				d.cancel() // nothing of it is of use
				return 0, came.err
			}
			d.rest, d.whole = came.body, came.body
		}
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// Close ends what is under way, and waits for it.
func (d *download) Close() error {
	d.cancel()
	d.fetching.Wait()
	if d.first == nil {
		return nil
	}
	return d.first.close()
}

// resuming is a range of an object, from at to end. Where the connection breaks it goes on with another one.
type resuming struct {
	d       *download
	at, end int64
	r       *blob.Reader // nil before the first read and after a failure
	failed  int          // in a row
}

func (r *resuming) Read(p []byte) (int, error) {
	p = p[:min(int64(len(p)), r.end-r.at)]
	if r.at >= r.end {
		return 0, io.EOF
	}
	for {
		var n int
		var err error
		if r.r == nil {
			r.r, err = r.d.bucket.NewRangeReader(r.d.ctx, r.d.key, r.at, r.end-r.at, r.d.bucket.Pin(r.d.version))
		}
		if err == nil {
			n, err = r.r.Read(p)
		}
		if r.at += int64(n); n > 0 {
			r.failed = 0
			return n, nil
		}
		if err == nil {
			return 0, nil
		}
		if r.failed++; r.failed >= bucket.Attempts || r.d.ctx.Err() != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		_ = r.close() // it is broken
	}
}

func (r *resuming) close() error {
	if r.r == nil {
		return nil
	}
	err := r.r.Close()
	r.r = nil
	return err
}

// openRange reads a part of an object.
func (c *cloudStore) openRange(ctx context.Context, key string, from, n int64) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	d := &download{ctx: ctx, cancel: cancel, bucket: c.bucket, key: key, size: from + n, next: from + n}
	r, err := c.bucket.NewRangeReader(ctx, key, from, n, nil)
	if err != nil {
		cancel()
		return nil, err
	}
	d.version = c.bucket.VersionRead(r)
	d.first = &resuming{d: d, r: r, at: from, end: from + n}
	return d, nil
}
