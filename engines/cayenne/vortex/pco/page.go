package pco

// batch is how many numbers of every variable stand together in a page.
const batch = 256

// stream is the state of one variable while a page is read.
type stream struct {
	v      *variable
	start  []uint64  // stored at the start of the page, for the deltas
	states [4]uint32 // of the four interleaved entropy decoders
	body   []uint64  // the values before deltas are undone
}

// Page decompresses a page of n numbers and appends them to dst in
// little-endian order, Bits()/8 bytes each. The memory taken besides dst is
// bounded by n and the length of page; the caller bounds n.
func (c *Chunk) Page(dst, page []byte, n int) ([]byte, error) {
	if n < 0 {
		return nil, corrupt("a page of %d numbers", n)
	}
	r := &bitReader{src: page}
	inBody := max(0, n-c.delta.states)
	var streams []*stream
	open := func(v *variable, count int) (*stream, error) {
		if v == nil {
			return nil, nil
		}
		if len(v.bins) == 0 && inBody > 0 {
			return nil, corrupt("a page of %d numbers in a chunk without bins", n)
		}
		s := &stream{v: v}
		if v.delta.kind != deltaNone {
			if r.pos+uint64(v.delta.states)*uint64(v.width) > uint64(len(page))*8 {
				return nil, corrupt("the page ends in its own metadata")
			}
			s.start = make([]uint64, v.delta.states)
			for i := range s.start {
				s.start[i] = r.read(v.width)
			}
		}
		for i := range s.states {
			s.states[i] = uint32(r.read(v.sizeLog))
		}
		s.body = make([]uint64, 0, count)
		streams = append(streams, s)
		return s, nil
	}
	count := func(v *variable) int {
		if v != nil && v.delta.kind != deltaNone {
			return inBody
		}
		return n
	}
	back, err := open(c.lookback, inBody)
	if err != nil {
		return nil, err
	}
	primary, err := open(c.primary, count(c.primary))
	if err != nil {
		return nil, err
	}
	secondary, err := open(c.secondary, count(c.secondary))
	if err != nil {
		return nil, err
	}
	if err := r.align(); err != nil {
		return nil, err
	}
	for done := 0; done < n; done += batch {
		for _, s := range streams {
			if err := s.read(r, min(batch, cap(s.body)-len(s.body))); err != nil {
				return nil, err
			}
		}
	}
	if err := r.align(); err != nil {
		return nil, err
	}
	first, err := primary.undo(n, back)
	if err != nil {
		return nil, err
	}
	var second []uint64
	if secondary != nil {
		if second, err = secondary.undo(n, back); err != nil {
			return nil, err
		}
	}
	return c.join(dst, first, second)
}

// read appends the next k values: first the bins of all of them, then their
// offsets within the bins.
func (s *stream) read(r *bitReader, k int) error {
	if k <= 0 {
		return nil
	}
	v := s.v
	from := len(s.body)
	s.body = s.body[:from+k]
	out := s.body[from:]
	m := mask(v.width)
	if len(v.bins) <= 1 {
		node := v.nodes[0]
		for i := range out {
			out[i] = (node.lower + r.read(uint(node.offsetBits))) & m
		}
	} else {
		var widths [batch]uint8
		for i := range out {
			st := &s.states[i&3]
			node := &v.nodes[*st]
			out[i], widths[i] = node.lower, node.offsetBits
			*st = node.next + uint32(r.read(uint(node.bits)))
		}
		for i := range out {
			out[i] = (out[i] + r.read(uint(widths[i]))) & m
		}
	}
	if r.overrun() {
		return corrupt("the page ends too early")
	}
	return nil
}

// undo adds up the deltas of a variable: n values come out.
func (s *stream) undo(n int, back *stream) ([]uint64, error) {
	d := &s.v.delta
	if d.kind == deltaNone {
		return s.body, nil
	}
	m, half := mask(s.v.width), uint64(1)<<(s.v.width-1)
	for i := range s.body {
		s.body[i] = (s.body[i] + half) & m
	}
	if d.kind == deltaConsecutive {
		return consecutive(s.body, s.start, n, m), nil
	}
	seq := append(s.start, s.body...)
	k := len(s.start)
	switch d.kind {
	case deltaLookback:
		for i, lookback := range back.body {
			if lookback < 1 || lookback > d.window {
				return nil, corrupt("a lookback of %d is outside the window of %d", lookback, d.window)
			}
			// What lies before the stored start counts as zero.
			if at := k + i - int(lookback); at >= 0 {
				seq[k+i] = (seq[k+i] + seq[at]) & m
			}
		}
	case deltaConv:
		for i := k; i < len(seq); i++ {
			sum := d.bias
			for j, w := range d.weights {
				sum += w * int64(seq[i-k+j])
			}
			seq[i] = (seq[i] + uint64(max(sum, 0)>>d.shift)) & m
		}
	}
	return seq[:n], nil
}

// consecutive undoes deltas of deltas: moments holds the first value of every
// order, the value itself first.
func consecutive(body, moments []uint64, n int, m uint64) []uint64 {
	out := make([]uint64, n)
	copy(out, body)
	for order := len(moments) - 1; order >= 0; order-- {
		sum := moments[order]
		for i, d := range out {
			out[i] = sum
			sum = (sum + d) & m
		}
	}
	return out
}
