package objects

import (
	"cmp"
	"math"
	"slices"
	"sync"
)

// What is planned is read in pieces of a step: larger ones from a store where every request costs
// milliseconds, a few of them ahead of their use and at the same time. Measured against a plain GET in
// BenchmarkS3ParquetAgainstPlainGET.
const (
	localStep   = 1 << 20
	remoteStep  = 4 << 20
	remoteGap   = 64 << 10 // ranges that are closer to each other are read as one
	remoteSmall = 1 << 20  // only ranges smaller than this are read as one with others
	aheadCount  = 4        // requests at the same time
	aheadBytes  = 32 << 20 // memory for what is read ahead
)

// byteRange is a part of an object.
type byteRange struct{ off, end int64 }

// span is a piece of an object in memory, or to be read.
type span struct {
	off, size int64
	buf       []byte
	err       error

	group, seq int           // pieces of one range have one group and are read in this order
	done       chan struct{} // closed by who loads it; nil until somebody does
	dropped    bool
}

// plans are the ranges of an object that will be read.
type plans struct {
	in    *input
	mu    sync.Mutex
	spans []*span // by offset
	order []*span // in the order in which they will be wanted
	last  *span   // that was asked for last
	ahead int
	busy  int
	held  int64
	wg    sync.WaitGroup // of what is read ahead, waited for by stop
	ended bool
}

// set replaces the plan. It must not be called while another goroutine reads.
func (p *plans) set(ranges []byteRange, ahead bool) {
	p.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended, p.held, p.spans, p.last, p.ahead = false, 0, nil, nil, 0
	step, gap, small := int64(localStep), int64(0), int64(0)
	if p.in.remote {
		step, gap, small = remoteStep, remoteGap, remoteSmall
		if ahead {
			p.ahead = aheadCount
		}
	}
	if !ahead {
		step = localStep
	}
	for group, r := range coalesce(ranges, gap, small, step) {
		for seq := 0; r.off < r.end; seq++ {
			s := &span{off: r.off, size: min(step, r.end-r.off), group: group, seq: seq}
			p.spans = append(p.spans, s)
			r.off += s.size
		}
	}
	p.order = slices.Clone(p.spans)
	slices.SortStableFunc(p.order, func(a, b *span) int { return cmp.Compare(a.seq, b.seq) })
}

// coalesce sorts ranges and joins the small ones that are near each other.
func coalesce(ranges []byteRange, gap, small, limit int64) []byteRange {
	ranges = slices.Clone(ranges)
	slices.SortFunc(ranges, func(a, b byteRange) int { return cmp.Compare(a.off, b.off) })
	var out []byteRange
	for _, r := range ranges {
		if r.end <= r.off {
			continue
		}
		if len(out) > 0 {
			last := &out[len(out)-1]
			near := r.off-last.end <= gap && r.end-r.off < small && last.end-last.off < limit && r.end-last.off <= limit
			if r.off < last.end || near {
				last.end = max(last.end, r.end)
				continue
			}
		}
		out = append(out, r)
	}
	return out
}

// load returns the planned bytes from a position to the end of their span, read if need be; nil when
// none are planned there, with the position where the next plan begins.
func (p *plans) load(at int64) (b []byte, next int64, err error) {
	p.mu.Lock()
	i, found := slices.BinarySearchFunc(p.spans, at, func(s *span, at int64) int { return cmp.Compare(s.off, at) })
	if !found {
		i--
	}
	if i < 0 || at >= p.spans[i].off+p.spans[i].size || p.spans[i].dropped {
		next = math.MaxInt64
		for _, s := range p.spans[max(i, 0):] {
			if s.off > at {
				next = s.off
				break
			}
		}
		p.mu.Unlock()
		return nil, next, nil
	}
	s := p.spans[i]
	mine := s.done == nil
	if mine {
		p.begin(s)
	}
	if s != p.last {
		p.drop(s)
		p.last = s
	}
	p.readAhead()
	p.mu.Unlock()
	if mine {
		p.read(s)
	}
	<-s.done
	if s.err != nil {
		return nil, 0, s.err
	}
	return s.buf[at-s.off:], 0, nil
}

func (p *plans) begin(s *span) {
	s.done = make(chan struct{})
	p.held += s.size
}

func (p *plans) read(s *span) {
	buf := make([]byte, s.size)
	if s.err = p.in.fetch(buf, s.off); s.err == nil {
		s.buf = buf
	}
	close(s.done)
}

// drop forgets what was read before s within the same range: it is read from front to back.
func (p *plans) drop(s *span) {
	for _, o := range p.spans {
		if o.group != s.group || o.seq >= s.seq || o.dropped || o.done == nil {
			continue
		}
		select {
		case <-o.done:
			o.dropped, o.buf = true, nil
			p.held -= o.size
		default:
		}
	}
}

// readAhead starts what comes next, within the limits.
func (p *plans) readAhead() {
	for len(p.order) > 0 && p.busy < p.ahead && !p.ended {
		s := p.order[0]
		if s.done != nil {
			p.order = p.order[1:]
			continue
		}
		if p.held+s.size > aheadBytes {
			return
		}
		p.order = p.order[1:]
		p.begin(s)
		p.busy++
		p.wg.Go(func() {
			p.read(s)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.busy--
			p.readAhead()
		})
	}
}

// stop ends the plan and waits for what is being read. The caller has cancelled the context if it
// does not want to wait for the network.
func (p *plans) stop() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.wg.Wait()
}

// loaded are the spans of the plan that are in memory.
func (p *plans) loaded() []*span {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []*span
	for _, s := range p.spans {
		if s.buf != nil {
			out = append(out, s)
		}
	}
	return out
}
