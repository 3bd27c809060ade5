// Package arrowflight reads a dataset from a table of a server of Arrow Flight SQL, such as another pitwall, Spice or
// InfluxDB, and from a dataset of Spice.ai. Columns and conditions are left to the server. A reader's stream belongs
// to gRPC, whose goroutines end with its connection; the package starts none.
package arrowflight

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines/filter"
	"pitwall/runtime/source"
)

// cloud is where Spice.ai answers.
const cloud = "https://flight.spiceai.io"

// Options say what to read.
type Options struct {
	// Connector is flightsql, spice.ai or spiceai.
	Connector string
	// Table is table, schema.table or catalog.schema.table; parts may be in double quotes. Of spice.ai it may be the
	// path org/app/datasets/table, or the address of a runtime that has a dataset called Name.
	Table string
	// Name is the dataset's own.
	Name string
	// Params are those of the dataset: flightsql_endpoint, flightsql_username and flightsql_password, or
	// spiceai_endpoint and spiceai_api_key.
	Params map[string]string
}

// Source is one table. It holds nothing open: each Read connects.
type Source struct {
	place    string
	table    string // quoted
	endpoint endpoint
	user     string
	password string
	param    string // the one that has the address, for hints
}

var _ source.Source = (*Source)(nil)

// endpoint is where a server answers.
type endpoint struct {
	address string // host:port
	tls     bool
}

// New checks the options; it does not connect. A wrong param is an error of Kind Unsupported.
func New(o Options) (*Source, error) {
	s := &Source{place: o.Connector + ":" + o.Table}
	name, address := o.Table, ""
	if o.Connector == "flightsql" {
		s.param, address = "flightsql_endpoint", o.Params["flightsql_endpoint"]
		s.user, s.password = o.Params["flightsql_username"], o.Params["flightsql_password"]
		if address == "" {
			return nil, s.wrong("params.flightsql_endpoint is missing: the address of the server, such as http://host:50051")
		}
	} else {
		s.param, address = "spiceai_endpoint", o.Params["spiceai_endpoint"]
		s.password = o.Params["spiceai_api_key"]
		if strings.Contains(name, "://") {
			address, name = name, o.Name
		} else {
			name = dotted(name)
		}
		if address == "" {
			address = cloud
		}
	}
	parts, ok := split(name)
	if !ok {
		return nil, s.wrong("it names no table: write table, schema.table or catalog.schema.table")
	}
	for i, p := range parts {
		parts[i] = quote(p)
	}
	s.table = strings.Join(parts, ".")
	var err error
	if s.endpoint, err = parseEndpoint(address); err != nil {
		return nil, s.wrong(fmt.Sprintf("params.%s: %s", s.param, err))
	}
	return s, nil
}

func (s *Source) wrong(text string) error {
	return &source.Error{Kind: source.Unsupported, Place: s.place, Err: errors.New(text), Hint: "correct the dataset"}
}

// dotted makes the name of a table of the path of a dataset of Spice.ai: org/app/datasets/table is org.app.table.
func dotted(path string) string {
	parts := strings.Split(path, "/")
	if len(parts) == 4 && parts[2] == "datasets" {
		parts = append(parts[:2], parts[3])
	}
	return strings.Join(parts, ".")
}

// split takes the name of a table apart.
func split(name string) (parts []string, ok bool) {
	for rest := name; ; rest = rest[1:] {
		part := rest
		if strings.HasPrefix(rest, `"`) {
			end := strings.IndexByte(rest[1:], '"')
			if end < 0 {
				return nil, false
			}
			part, rest = rest[1:1+end], rest[end+2:]
		} else {
			part, _, _ = strings.Cut(rest, ".")
			rest = rest[len(part):]
		}
		if part == "" {
			return nil, false
		}
		parts = append(parts, part)
		if rest == "" {
			return parts, len(parts) <= 3
		}
		if rest[0] != '.' {
			return nil, false
		}
	}
}

// parseEndpoint reads an address: http:// and grpc:// are without TLS, https:// and grpc+tls:// with it, host:port alone
// is without.
func parseEndpoint(text string) (endpoint, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return endpoint{}, fmt.Errorf("%q is no address, such as http://host:50051", text)
	}
	e, port := endpoint{}, ""
	switch u.Scheme {
	case "http", "grpc", "grpc+tcp":
		port = "80"
	case "https", "grpcs", "grpc+tls":
		e.tls, port = true, "443"
	default:
		return e, fmt.Errorf("%q has the scheme %s; it is http, https, grpc or grpc+tls", text, u.Scheme)
	}
	if p := u.Port(); p != "" {
		port = p
	}
	e.address = net.JoinHostPort(u.Hostname(), port)
	return e, nil
}

// Read implements source.Source.
func (s *Source) Read(ctx context.Context, scan source.Scan) (source.Reader, error) {
	run, cancel := context.WithCancel(ctx)
	r := &reader{s: s, caller: ctx, cancel: cancel, links: map[endpoint]flight.Client{}}
	r.refs.Store(1)
	if err := s.open(run, r, scan); err != nil {
		err = r.fail(err)
		r.Release()
		return nil, err
	}
	return r, nil
}

// open asks for the columns, then for the rows.
func (s *Source) open(ctx context.Context, r *reader, scan source.Scan) error {
	c, err := r.link(s.endpoint)
	if err != nil {
		return err
	}
	if r.ctx, err = s.authenticate(ctx, c); err != nil {
		return err
	}
	if err := r.ask("SELECT * FROM " + s.table + " WHERE 1 = 0"); err != nil {
		return err
	}
	whole, err := r.told()
	if err != nil {
		return err
	}
	r.close()
	text, err := s.query(whole, scan, r)
	if err != nil {
		return err
	}
	if err := r.ask(text); err != nil {
		return err
	}
	schema, err := r.first()
	if err != nil {
		return err
	}
	return r.expect(schema)
}

// query writes the SELECT and the plan of the reader.
func (s *Source) query(whole *arrow.Schema, scan source.Scan, r *reader) (string, error) {
	names := scan.Columns
	for _, n := range names {
		if !whole.HasField(n) {
			return "", &source.Error{Kind: source.Unsupported, Place: s.place, Err: fmt.Errorf("there is no column %q", n)}
		}
	}
	if len(names) == 0 {
		for _, f := range whole.Fields() {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return "", &source.Error{Kind: source.Missing, Place: s.place, Err: errors.New("the table has no columns")}
	}
	r.names = names
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quote(n)
	}
	text, narrowed := "SELECT "+strings.Join(quoted, ", ")+" FROM "+s.table, ""
	if where := filter.Narrow(whole, scan.Where, exactly, dialect()); where != "" {
		text, narrowed = text+" WHERE "+where, ", where "+where
	}
	r.plan = fmt.Sprintf("%d of %d columns%s", len(names), whole.NumFields(), narrowed)
	return text, nil
}

// schemaOf reads the schema that a FlightInfo has; nil when it has none.
func schemaOf(info *flight.FlightInfo) (*arrow.Schema, error) {
	if len(info.GetSchema()) == 0 {
		return nil, nil
	}
	return flight.DeserializeSchema(info.GetSchema(), memory.DefaultAllocator)
}
