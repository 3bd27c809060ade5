package vortex

import "math"

// maxRows bounds the rows of a file, so that a number that was changed does not decide how long a scan is.
const maxRows = 1 << 36

// check makes sure that the rows of a layout are those of its children, before anything is planned by them.
func (l *layout) check() error {
	wrong := func() error { return corrupt("%s has %d rows, its children have others", l.encoding, l.rows) }
	if l.rows < 0 || l.rows > maxRows {
		return corrupt("%s of %d rows", l.encoding, l.rows)
	}
	for _, c := range l.children {
		if err := c.check(); err != nil {
			return err
		}
	}
	has := func(i int, rows int64) bool { return i < len(l.children) && l.children[i].rows == rows }
	switch l.encoding {
	case layoutChunked:
		sum := int64(0)
		for _, c := range l.children {
			sum += c.rows // each is at most maxRows, and there are fewer than 2^27 of them
		}
		if sum != l.rows {
			return wrong()
		}
	case layoutStruct:
		for i := range l.children {
			if !has(i, l.rows) {
				return wrong()
			}
		}
		if len(l.children) == 0 && l.rows > math.MaxInt32 {
			return corrupt("%d rows without columns", l.rows)
		}
	case layoutStats, layoutZoned:
		if !has(0, l.rows) {
			return wrong()
		}
	case layoutDict:
		if !has(1, l.rows) {
			return wrong()
		}
	case layoutList:
		if !has(1, l.rows+1) || len(l.children) > 2 && !has(2, l.rows) {
			return wrong()
		}
	default:
		if l.rows > math.MaxInt32 {
			return corrupt("%s of %d rows", l.encoding, l.rows)
		}
	}
	return nil
}
