package objects

import (
	"bufio"
	"bytes"
	"io"
)

// standard returns a reader of CSV in the usual form: quoted by ", with "" for a quote inside. Text with
// another quote or an escape character (csv_quote, csv_escape) is rewritten on the way; line breaks stay
// where they are, so that line numbers in messages are right.
func (o *Options) standard(r io.Reader, path string) io.Reader {
	if (o.Quote == 0 || o.Quote == '"') && (o.Escape == 0 || o.Escape == '"') {
		return r
	}
	d := &dialect{r: bufio.NewReaderSize(r, 1<<16), quote: '"', escape: o.Escape, comma: byte(o.comma(path))}
	if o.Quote != 0 {
		d.quote = o.Quote
	}
	return d
}

// dialect rewrites one field after the other.
type dialect struct {
	r                    *bufio.Reader
	quote, escape, comma byte
	out                  bytes.Buffer
	err                  error
}

func (d *dialect) Read(p []byte) (int, error) {
	for d.out.Len() == 0 {
		if d.err != nil {
			return 0, d.err
		}
		d.field()
	}
	return d.out.Read(p)
}

// field reads one field with the comma or line break behind it.
func (d *dialect) field() {
	var value []byte
	quoted, inside := false, false
	for {
		c, err := d.r.ReadByte()
		if err != nil {
			d.err = err
			if inside && err == io.EOF {
				d.out.WriteByte('"') // leave the quote open: its reader says so, and where
				d.out.Write(bytes.ReplaceAll(value, []byte{'"'}, []byte(`""`)))
				return
			}
			d.write(value, quoted, "")
			return
		}
		switch {
		case c == d.escape && d.escape != 0 && d.escape != d.quote:
			next, err := d.r.ReadByte()
			if err != nil {
				value = append(value, c)
				continue
			}
			if next != d.quote && next != d.escape && next != d.comma && next != '\n' {
				value = append(value, c)
			}
			value = append(value, next)
			quoted = quoted || next == d.comma || next == '\n'
		case c == d.quote && inside:
			next, err := d.r.ReadByte()
			if err == nil && next == d.quote {
				value = append(value, c)
				continue
			}
			if err == nil {
				d.r.UnreadByte()
			}
			inside = false
		case c == d.quote && len(value) == 0 && !quoted:
			quoted, inside = true, true
		case c == d.comma && !inside:
			d.write(value, quoted, string(rune(c)))
			return
		case c == '\n' && !inside:
			d.write(bytes.TrimSuffix(value, []byte{'\r'}), quoted, "\n")
			return
		default:
			value = append(value, c)
		}
	}
}

func (d *dialect) write(value []byte, quoted bool, end string) {
	if quoted || bytes.ContainsAny(value, "\"\r") {
		d.out.WriteByte('"')
		d.out.Write(bytes.ReplaceAll(value, []byte{'"'}, []byte(`""`)))
		d.out.WriteByte('"')
	} else {
		d.out.Write(value)
	}
	d.out.WriteString(end)
}
