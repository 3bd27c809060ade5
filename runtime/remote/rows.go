package remote

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"pitwall/runtime/api"
	"pitwall/runtime/wire"
)

// Query implements api.Console.
func (r *Remote) Query(ctx context.Context, sql string, o api.QueryOptions) (api.Rows, error) {
	ctx, cancel := context.WithCancel(ctx)
	rows := &rows{r: r, ctx: ctx, cancel: cancel, sql: sql}
	var err error
	if r.spice {
		err = rows.openSpice(o)
	} else {
		err = rows.open(wire.Query{SQL: sql, Limit: o.Limit, TimeoutMillis: o.Timeout.Milliseconds()})
	}
	if err != nil {
		cancel()
		return nil, queryError(err)
	}
	return rows, nil
}

// queryError makes of a refusal what Query returns.
func queryError(err error) error {
	var a *answer
	if errors.As(err, &a) && a.status != http.StatusUnauthorized {
		return &api.QueryError{Reason: api.QueryReason(a.refusal.Reason), Message: a.refusal.Message, Hint: a.refusal.Hint}
	}
	return err
}

// rows is the answer to a query as it arrives.
type rows struct {
	r       *Remote
	ctx     context.Context
	cancel  context.CancelFunc
	sql     string
	body    io.ReadCloser
	lines   *json.Decoder
	columns []api.Column
	served  []api.Served
	batch   [][]*string
	pending [][]*string // rows of a Spice runtime, all at once
	begun   bool
	end     wire.Batch
	err     error
}

// open sends the query and reads the columns.
func (r *rows) open(q wire.Query) error {
	body, err := r.r.send(r.ctx, http.MethodPost, "/v1/pitwall/query", q)
	if err != nil {
		return err
	}
	r.body, r.lines = body, json.NewDecoder(body)
	var first wire.Batch
	if err := r.lines.Decode(&first); err != nil {
		return errors.Join(r.r.unreachable(err), body.Close())
	}
	r.columns, r.served = first.Columns, first.Served
	return nil
}

// Columns implements api.Rows.
func (r *rows) Columns() []api.Column { return r.columns }

// Next implements api.Rows.
func (r *rows) Next() bool {
	r.begun = true
	if len(r.pending) > 0 {
		r.batch, r.pending = r.pending, nil
		return true
	}
	if r.end.End || r.err != nil || r.lines == nil {
		r.batch = nil
		return false
	}
	var b wire.Batch
	switch err := r.lines.Decode(&b); {
	case err != nil && r.ctx.Err() != nil:
		r.err = r.ctx.Err()
	case err != nil:
		r.err = &api.QueryError{Reason: api.QueryFailed, Message: "the connection broke before all rows came", Hint: "ask again"}
	case b.End:
		r.end, r.served = b, b.Served
		if e := b.Error; e != nil {
			r.err = &api.QueryError{Reason: api.QueryReason(e.Reason), Message: e.Message, Hint: e.Hint}
		}
	case slices.ContainsFunc(b.Rows, func(row []*string) bool { return len(row) != len(r.columns) }):
		r.err = &api.QueryError{Reason: api.QueryFailed, Message: "rows came that do not have the columns of the result", Hint: "are both of one version?"}
	default:
		r.batch = b.Rows
		return true
	}
	r.batch = nil
	return false
}

// Len implements api.Rows.
func (r *rows) Len() int { return len(r.batch) }

// Text implements api.Rows.
func (r *rows) Text(row, column int) (string, bool) {
	if v := r.batch[row][column]; v != nil {
		return *v, true
	}
	return "", false
}

// Err implements api.Rows.
func (r *rows) Err() error { return r.err }

// Served implements api.Rows.
func (r *rows) Served() []api.Served { return r.served }

// Truncated implements api.Rows.
func (r *rows) Truncated() bool { return r.end.Truncated }

// accept are the types of the formats that the other side writes.
func accept(f api.Format) string {
	return map[api.Format]string{api.JSON: "application/json", api.CSV: "text/csv", api.Plain: "text/plain",
		api.ArrowStream: "application/vnd.apache.arrow.stream", api.Parquet: "application/vnd.apache.parquet"}[f]
}

// Encode implements api.Rows: the other side runs the query again and writes it.
func (r *rows) Encode(w io.Writer, f api.Format) error {
	if r.begun {
		return errors.New("rows that were read already can't be written")
	}
	kind := accept(f)
	if kind == "" {
		return fmt.Errorf("%s can't be had from another runtime: take json, csv or arrow", f)
	}
	q, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.r.o.URL+"/v1/sql", strings.NewReader(r.sql))
	if err != nil {
		return err
	}
	q.Header.Set("Accept", kind)
	q.Header.Set("Content-Type", "text/plain")
	in, typ, err := r.r.answer(q)
	if err != nil {
		return queryError(err)
	}
	if got, _, err := mime.ParseMediaType(typ); err == nil && got != kind { // Spice writes JSON when it does not know a format
		return errors.Join(fmt.Errorf("%s answers with %s: it can't write %s", r.r.o.Name, got, f), in.Close())
	}
	_, err = io.Copy(w, in)
	return errors.Join(err, in.Close())
}

// Close implements api.Rows.
func (r *rows) Close() error {
	r.cancel()
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	return err
}

// spiceRows is how many rows of a Spice runtime are read when no limit is given.
const spiceRows = 100_000

// readCSV reads the rows of a Spice runtime, at most limit. CSV has no types, and no NULL: an empty value is empty.
func (r *rows) readCSV(in io.Reader, limit int64) error {
	if limit <= 0 {
		limit = spiceRows
	}
	lines := csv.NewReader(in)
	header, err := lines.Read()
	if errors.Is(err, io.EOF) {
		r.end.End = true
		return nil
	}
	if err != nil {
		return r.r.unreachable(err)
	}
	for _, name := range header {
		r.columns = append(r.columns, api.Column{Name: name})
	}
	for {
		record, err := lines.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return r.r.unreachable(err)
		case int64(len(r.pending)) == limit:
			r.end.Truncated = true
			return nil
		}
		row := make([]*string, len(header))
		for i := range row {
			row[i] = &record[i]
		}
		r.pending = append(r.pending, row)
	}
}
