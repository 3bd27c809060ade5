package objects

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"pitwall/runtime/source"
)

// arrowMagic begins and ends a file of Arrow's file format. Between it and the footer there is a stream,
// so that both formats are read from front to back.
var arrowMagic = []byte("ARROW1")

func arrowReader(in *input, ahead bool) (*ipc.Reader, *text, error) {
	t, err := in.text(ahead)
	if err != nil {
		return nil, nil, err
	}
	head, err := t.Peek(8)
	switch {
	case bytes.HasPrefix(head, []byte("FEA1")):
		err = &source.Error{Kind: source.Unsupported, Place: in.place, Err: errors.New("it is Feather of version 1"), Hint: "write it as Arrow IPC (Feather version 2)"}
	case bytes.HasPrefix(head, arrowMagic):
		t.Discard(8)
		err = in.closed()
	case err != nil && !errors.Is(err, io.EOF):
	default:
		err = nil
	}
	var r *ipc.Reader
	if err == nil {
		limit := in.size
		if in.codec != "" {
			limit = maxIPCBody
		}
		if r, err = ipc.NewReader(&checkedIPC{r: t, max: limit}); err != nil {
			err = &source.Error{Kind: source.Damaged, Place: in.place, Err: fmt.Errorf("it is not Arrow IPC: %w", err), Hint: "the file is unfinished or damaged; write it again"}
		}
	}
	if err != nil {
		t.Close()
		return nil, nil, err
	}
	return r, t, nil
}

// closed checks that a file of the file format has its end; a stream says itself where it ends.
func (in *input) closed() error {
	if in.codec != "" {
		return nil
	}
	end := make([]byte, len(arrowMagic))
	if _, err := in.ReadAt(end, max(0, in.size-int64(len(end)))); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !bytes.Equal(end, arrowMagic) {
		return &source.Error{Kind: source.Damaged, Place: in.place, Err: errors.New("its end is missing"), Hint: "the file is unfinished or damaged; write it again"}
	}
	return nil
}

func arrowSchema(in *input, _ *Options) (*arrow.Schema, error) {
	r, t, err := arrowReader(in, false)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	defer r.Release()
	return arrow.NewSchema(r.Schema().Fields(), nil), nil
}

func openArrow(in *input, _ *Options, _ *view) (array.RecordReader, error) {
	r, t, err := arrowReader(in, true)
	if err != nil {
		return nil, err
	}
	return &arrowRows{Reader: r, text: t}, nil
}

type arrowRows struct {
	*ipc.Reader
	text *text
}

func (r *arrowRows) Release() {
	r.text.Close()
	r.Reader.Release()
}
