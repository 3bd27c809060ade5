package enginetest

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
)

// People returns a reader of rows with id and mail, which are written in JSON.
func People(t testing.TB, text string) array.RecordReader {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "mail", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	b, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	r, err := array.NewRecordReader(s, []arrow.RecordBatch{b})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// PutPeople writes them.
func PutPeople(t testing.TB, e engines.Engine, mode engines.WriteMode, text string) (engines.Stats, error) {
	t.Helper()
	r := People(t, text)
	defer r.Release()
	return e.Write(t.Context(), engines.Write{Mode: mode, Rows: r})
}
