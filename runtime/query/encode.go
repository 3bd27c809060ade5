//go:build duckdb_arrow

package query

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"pitwall/runtime/api"
)

// Encode implements api.Rows.
func (r *rows) Encode(w io.Writer, f api.Format) error {
	switch f {
	case api.JSON:
		return r.json(w)
	case api.CSV:
		return r.csv(w)
	case api.Plain:
		return r.plain(w)
	case api.ArrowStream:
		return r.arrow(w)
	case api.Parquet:
		return r.parquet(w)
	default:
		return fmt.Errorf("format %q is not known", f)
	}
}

// json writes an array of objects; keys are in the order of the columns.
func (r *rows) json(w io.Writer) error {
	fields := r.src.Schema().Fields()
	keys := make([][]byte, len(fields))
	for i, f := range fields {
		name, err := json.Marshal(f.Name)
		if err != nil {
			return err
		}
		keys[i] = append(name, ':')
	}
	out := bufio.NewWriterSize(w, 64<<10)
	first := true
	for r.Next() {
		if first {
			_ = out.WriteByte('[') // a bufio.Writer keeps its error for Flush
		}
		for row := range r.Len() {
			if !first {
				_ = out.WriteByte(',')
			}
			first = false
			_ = out.WriteByte('{')
			for i, c := range r.cur.Columns() {
				if i > 0 {
					_ = out.WriteByte(',')
				}
				_, _ = out.Write(keys[i])
				v, err := value(c, row)
				if err != nil {
					return err
				}
				_, _ = out.Write(v)
			}
			_ = out.WriteByte('}')
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	if first {
		_ = out.WriteByte('[')
	}
	_ = out.WriteByte(']')
	return out.Flush()
}

// value writes one value as JSON.
func value(c arrow.Array, row int) ([]byte, error) {
	if c.IsNull(row) || c.DataType().ID() == arrow.NULL {
		return []byte("null"), nil
	}
	switch c.(type) {
	case *array.Timestamp, *array.Date32, *array.Date64, *array.Time32, *array.Time64:
		return json.Marshal(text(c, row))
	}
	return json.Marshal(c.GetOneForMarshal(row))
}

// text writes one value for people.
func text(c arrow.Array, row int) string {
	switch c := c.(type) {
	case *array.Timestamp:
		t := c.DataType().(*arrow.TimestampType)
		at := c.Value(row).ToTime(t.Unit).UTC()
		if t.TimeZone != "" {
			return at.Format("2006-01-02T15:04:05.999999999Z07:00")
		}
		return at.Format("2006-01-02T15:04:05.999999999")
	}
	return c.ValueStr(row)
}

func (r *rows) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	line := make([]string, r.src.Schema().NumFields())
	for i, f := range r.src.Schema().Fields() {
		line[i] = f.Name
	}
	begun := false
	for r.Next() {
		if !begun {
			begun = true
			_ = out.Write(line) // the writer keeps its error
		}
		for row := range r.Len() {
			for i := range line {
				line[i], _ = r.value(row, i)
			}
			_ = out.Write(line)
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	if !begun {
		_ = out.Write(line)
	}
	out.Flush()
	return out.Error()
}

// widest is how many characters of a value a plain table shows.
const widest = 60

// plainWindow is how many rows decide the widths of the columns.
const plainWindow = 1000

// plain writes a table for people; the first rows decide how wide columns are.
func (r *rows) plain(w io.Writer) error {
	n := r.src.Schema().NumFields()
	head := make([]string, n)
	widths := make([]int, n)
	for i, f := range r.src.Schema().Fields() {
		head[i] = f.Name
		widths[i] = utf8.RuneCountInString(f.Name)
	}
	out := bufio.NewWriterSize(w, 64<<10)
	var window [][]string
	count := 0
	begin := func() {
		for _, line := range window {
			for i, v := range line {
				widths[i] = max(widths[i], utf8.RuneCountInString(v))
			}
		}
		rule := make([]string, n)
		for i := range rule {
			rule[i] = strings.Repeat("-", widths[i])
		}
		put(out, head, widths)
		put(out, rule, widths)
		for _, line := range window {
			put(out, line, widths)
		}
		window = nil
	}
	begun := false
	for r.Next() {
		for row := range r.Len() {
			line := make([]string, n)
			for i := range line {
				v, ok := r.Text(row, i)
				if !ok {
					v = "NULL"
				}
				line[i] = clip(v)
			}
			count++
			if begun {
				put(out, line, widths)
				continue
			}
			if window = append(window, line); len(window) == plainWindow {
				begin()
				begun = true
			}
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	if !begun {
		begin()
	}
	fmt.Fprintf(out, "(%d rows)\n", count)
	return out.Flush()
}

func put(w *bufio.Writer, line []string, widths []int) {
	for i, v := range line {
		if i > 0 {
			_, _ = w.WriteString("  ")
		}
		_, _ = w.WriteString(v)
		if i < len(line)-1 {
			_, _ = w.WriteString(strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(v))))
		}
	}
	_ = w.WriteByte('\n')
}

// clip keeps a value on one line and within widest; control characters do not reach a terminal.
func clip(v string) string {
	v = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return ' '
		}
		return c
	}, v)
	if utf8.RuneCountInString(v) > widest {
		return string([]rune(v)[:widest-1]) + "…"
	}
	return v
}

// parquet writes a Parquet file; each batch is a row group of its own, or goes into the one that is open.
func (r *rows) parquet(w io.Writer) (err error) {
	out, err := pqarrow.NewFileWriter(r.src.Schema(), struct{ io.Writer }{w}, parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd)), pqarrow.DefaultWriterProps())
	if err != nil {
		return err
	}
	defer func() {
		if cerr := out.Close(); err == nil {
			err = cerr
		}
	}()
	for r.Next() {
		if err := out.WriteBuffered(r.cur); err != nil {
			return err
		}
	}
	return r.Err()
}
