package runtime

// history is a list with the newest first, at most most of them. Slices that it gave out stay as they
// are: what comes later is put in front of them, and into another array when there is no room.
type history[T any] struct {
	most int
	buf  []T
	at   int // the newest in buf
}

// add puts x in front and returns the list.
func (h *history[T]) add(x T) []T {
	if h.at == 0 {
		kept := h.list()
		room := min(h.most, len(kept)+4)
		buf := make([]T, room+len(kept))
		copy(buf[room:], kept)
		h.buf, h.at = buf, room
	}
	h.at--
	h.buf[h.at] = x
	return h.list()
}

func (h *history[T]) list() []T {
	end := min(len(h.buf), h.at+h.most)
	return h.buf[h.at:end:end]
}
