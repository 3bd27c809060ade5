package blocks

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// Index says where the blocks of a file are.
type Index struct {
	// Size of the file in bytes.
	Size int64
	// Objects are keys relative to the location.
	Objects []string
	// Blocks in the order of the file.
	Blocks []Block
}

// Block is one block of a file.
type Block struct {
	Sum Sum
	// Object is the number of the object that holds it, Offset where in bytes.
	Object uint32
	Offset int64
}

// magic begins an index, and names its version.
var magic = []byte("pitwall blocks 1\n")

const (
	blockBytes = len(Sum{}) + 4 + 8
	maxKey     = 4096
)

// Whole is the index of a file that one object holds.
func Whole(key string, size int64, sums []Sum) *Index {
	x := &Index{Size: size, Objects: []string{key}, Blocks: make([]Block, len(sums))}
	for i, s := range sums {
		x.Blocks[i] = Block{Sum: s, Offset: int64(i) * Bytes}
	}
	return x
}

// Len is how many bytes block i has.
func (x *Index) Len(i int) int { return int(min(Bytes, x.Size-int64(i)*Bytes)) }

// Root is lower-case hex SHA-256 of the size and of the sums of all blocks: two files with the same one are the
// same, wherever their blocks are.
func (x *Index) Root() string {
	h := sha256.New()
	_ = binary.Write(h, binary.BigEndian, x.Size) // a hash takes all
	for i := range x.Blocks {
		h.Write(x.Blocks[i].Sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Encode writes the index, with a SHA-256 of itself at its end.
func (x *Index) Encode() []byte {
	b := make([]byte, 0, len(magic)+64*len(x.Objects)+blockBytes*len(x.Blocks)+64)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint64(b, uint64(x.Size))
	b = binary.BigEndian.AppendUint32(b, uint32(len(x.Objects)))
	for _, o := range x.Objects {
		b = binary.BigEndian.AppendUint32(b, uint32(len(o)))
		b = append(b, o...)
	}
	for i := range x.Blocks {
		b = append(b, x.Blocks[i].Sum[:]...)
		b = binary.BigEndian.AppendUint32(b, x.Blocks[i].Object)
		b = binary.BigEndian.AppendUint64(b, uint64(x.Blocks[i].Offset))
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// errIndex is why an index can't be read.
var errIndex = errors.New("it is cut short or longer than it says")

// Decode parses an index.
func Decode(b []byte) (*Index, error) {
	if !bytes.HasPrefix(b, magic) || len(b) < len(magic)+sha256.Size {
		return nil, errors.New("this is no index of blocks that is known")
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return nil, errors.New("the index of blocks is damaged: its own SHA-256 differs")
	}
	r := body[len(magic):]
	if len(r) < 12 {
		return nil, errIndex
	}
	x := &Index{Size: int64(binary.BigEndian.Uint64(r))}
	n := binary.BigEndian.Uint32(r[8:])
	r = r[12:]
	for range n {
		if len(r) < 4 {
			return nil, errIndex
		}
		k := binary.BigEndian.Uint32(r)
		if r = r[4:]; k > maxKey || int(k) > len(r) {
			return nil, errIndex
		}
		x.Objects = append(x.Objects, string(r[:k]))
		r = r[k:]
	}
	if x.Size < 0 || len(r)%blockBytes != 0 || int64(len(r)/blockBytes) != Count(x.Size) {
		return nil, errIndex
	}
	x.Blocks = make([]Block, len(r)/blockBytes)
	for i := range x.Blocks {
		k := &x.Blocks[i]
		copy(k.Sum[:], r)
		k.Object, k.Offset = binary.BigEndian.Uint32(r[len(k.Sum):]), int64(binary.BigEndian.Uint64(r[len(k.Sum)+4:]))
		if k.Object >= n || k.Offset < 0 {
			return nil, fmt.Errorf("block %d of the index is nowhere", i)
		}
		r = r[blockBytes:]
	}
	return x, nil
}

// Next is the index of a file of that size and those sums, with what base has, and the rest in a new object of that
// key: fresh are the numbers of the blocks that the object has to hold, in order, and bytes how long it is. Without
// any the new object is not named.
func Next(base *Index, size int64, sums []Sum, key string) (x *Index, fresh []int, bytes int64) {
	type place struct {
		object string
		offset int64
		length int
	}
	known := make(map[Sum]place, len(base.Blocks))
	for i, b := range base.Blocks {
		known[b.Sum] = place{base.Objects[b.Object], b.Offset, base.Len(i)}
	}
	x = &Index{Size: size, Blocks: make([]Block, len(sums))}
	numbers := map[string]uint32{}
	for i, s := range sums {
		p, ok := known[s]
		if !ok {
			p = place{key, bytes, x.Len(i)}
			known[s] = p
			fresh = append(fresh, i)
			bytes += int64(p.length)
		}
		n, ok := numbers[p.object]
		if !ok {
			n = uint32(len(x.Objects))
			numbers[p.object] = n
			x.Objects = append(x.Objects, p.object)
		}
		x.Blocks[i] = Block{Sum: s, Object: n, Offset: p.offset}
	}
	return x, fresh, bytes
}

// Run is a stretch of one object that has blocks of a file one after the other.
type Run struct {
	Object string
	// Offset and Length of the stretch in bytes.
	Offset, Length int64
	Pieces         []Piece
}

// Piece is one block of a run, and where in the file it goes: more than once if the file has it more than once.
type Piece struct {
	Sum     Sum
	Length  int
	Targets []int64
}

// Runs says what to read to get the file: stretches of at most limit bytes.
func (x *Index) Runs(limit int64) []Run {
	order := make([]int, len(x.Blocks))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := &x.Blocks[i], &x.Blocks[j]
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Offset, b.Offset))
	})
	var runs []Run
	for _, i := range order {
		b, length, target := x.Blocks[i], x.Len(i), int64(i)*Bytes
		if len(runs) > 0 {
			last := &runs[len(runs)-1]
			p := &last.Pieces[len(last.Pieces)-1]
			if same := last.Object == x.Objects[b.Object]; same {
				if b.Offset == last.Offset+last.Length-int64(p.Length) && b.Sum == p.Sum {
					p.Targets = append(p.Targets, target)
					continue
				}
				if b.Offset == last.Offset+last.Length && last.Length+int64(length) <= limit {
					last.Pieces = append(last.Pieces, Piece{b.Sum, length, []int64{target}})
					last.Length += int64(length)
					continue
				}
			}
		}
		runs = append(runs, Run{x.Objects[b.Object], b.Offset, int64(length), []Piece{{b.Sum, length, []int64{target}}}})
	}
	return runs
}
