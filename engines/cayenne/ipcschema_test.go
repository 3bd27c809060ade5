package cayenne

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"pitwall/engines/schemajson"
)

func TestSchemasOfSpice(t *testing.T) {
	want := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
	}, nil)
	var stream bytes.Buffer
	w := ipc.NewWriter(&stream, ipc.WithSchema(want))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	all := stream.Bytes()
	message := all[:len(all)-8] // without the end of the stream
	text, err := schemajson.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{
		"JSON": string(text), "a stream": base64.StdEncoding.EncodeToString(all), "a message": base64.StdEncoding.EncodeToString(message),
		"a message without its length": base64.StdEncoding.EncodeToString(message[8:]),
	} {
		if got, err := readSchema(in); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for i := range 8 * len(message) { // each bit flip gives a schema or an error
		b := bytes.Clone(message)
		b[i/8] ^= 1 << (i % 8)
		_, _ = readSchema(base64.StdEncoding.EncodeToString(b))
	}
	for _, in := range []string{"", "x", "AAAA", "{"} {
		if s, err := readSchema(in); err == nil {
			t.Errorf("%q is %v", in, s)
		}
	}
}
