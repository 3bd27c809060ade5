package vortex

import "unsafe"

// FastLanes bit packing: blocks of 1024 values, transposed into lanes of as many rows as a word has bits, so
// that neighbouring words are unpacked alike.

const blockRows = 1024

type unsigned interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64
}

type signed interface {
	~int8 | ~int16 | ~int32 | ~int64
}

// bitsOf is the width of a type in bits.
func bitsOf[T any]() int {
	var z T
	return int(unsafe.Sizeof(z)) * 8
}

// laneRow is the index within a block of the first lane's value of a row.
func laneRow(row int) int {
	order := [8]int{0, 4, 2, 6, 1, 5, 3, 7}
	return order[row/8]*16 + row%8*128
}

// packBlock packs 1024 values into w*1024/T words of out, of each the low w bits.
func packBlock[T unsigned](in []T, w int, out []T) {
	bits := bitsOf[T]()
	lanes := blockRows / bits
	if w == 0 {
		return
	}
	mask := ^T(0)
	if w < bits {
		mask = T(1)<<w - 1
	}
	clear(out[:w*lanes])
	for row := range bits {
		word, shift := row*w/bits, row*w%bits
		src := in[laneRow(row):][:lanes]
		dst := out[word*lanes:][:lanes]
		for l := range dst {
			dst[l] |= (src[l] & mask) << shift
		}
		if shift+w > bits { // spills into the next word
			dst := out[(word+1)*lanes:][:lanes]
			for l := range dst {
				dst[l] |= (src[l] & mask) >> (bits - shift)
			}
		}
	}
}

// unpackBlock is the inverse of packBlock.
func unpackBlock[T unsigned](in []T, w int, out []T) {
	bits := bitsOf[T]()
	lanes := blockRows / bits
	if w == 0 {
		clear(out[:blockRows])
		return
	}
	mask := ^T(0)
	if w < bits {
		mask = T(1)<<w - 1
	}
	for row := range bits {
		word, shift := row*w/bits, row*w%bits
		dst := out[laneRow(row):][:lanes]
		src := in[word*lanes:][:lanes]
		if shift+w > bits {
			next := in[(word+1)*lanes:][:lanes]
			for l := range dst {
				dst[l] = (src[l]>>shift | next[l]<<(bits-shift)) & mask
			}
			continue
		}
		for l := range dst {
			dst[l] = src[l] >> shift & mask
		}
	}
}

// packedWords is the number of words that n values of w bits take up.
func packedWords[T unsigned](n, w int) int {
	return (n + blockRows - 1) / blockRows * (w * blockRows / bitsOf[T]())
}

// pack packs values of w bits, the last block filled up with zeros.
func pack[T unsigned](in []T, w int) []T {
	per := w * blockRows / bitsOf[T]()
	out := make([]T, packedWords[T](len(in), w))
	for b := 0; b*blockRows < len(in); b++ {
		src := in[b*blockRows:]
		if len(src) < blockRows {
			var last [blockRows]T
			copy(last[:], src)
			src = last[:]
		}
		packBlock(src[:blockRows], w, out[b*per:(b+1)*per])
	}
	return out
}

// unpack returns the values [offset, offset+n) of packed blocks. in must hold packedWords(offset+n, w) words.
func unpack[T unsigned](in []T, w, offset, n int) []T {
	blocks := (offset + n + blockRows - 1) / blockRows
	per := w * blockRows / bitsOf[T]()
	out := make([]T, blocks*blockRows)
	for b := range blocks {
		unpackBlock(in[b*per:(b+1)*per], w, out[b*blockRows:(b+1)*blockRows])
	}
	return out[offset : offset+n]
}

// bytesOf views values as their bytes, little-endian as all machines that pitwall runs on.
func bytesOf[T any](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*bitsOf[T]()/8)
}

// valuesOf views bytes as values; it copies where they are not aligned, and leaves a rest out.
func valuesOf[T any](b []byte) []T {
	w := bitsOf[T]() / 8
	n := len(b) / w
	if n == 0 {
		return nil
	}
	if uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(w) != 0 {
		out := make([]T, n)
		copy(bytesOf(out), b)
		return out
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}
