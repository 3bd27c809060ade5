package flight

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql/schema_ref"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/runtime/api"
)

// catalogName and publicSchema are where clients see the datasets: spice.public.orders, or spice.sales.orders of
// sales.orders. Queries may use these names (package query).
const (
	catalogName  = "spice"
	publicSchema = "public"
)

// The types of tables.
const (
	tableType = "TABLE"
	viewType  = "VIEW"
)

// place is where a dataset is for clients.
type place struct {
	schema, table, kind string
	d                   *api.Dataset
}

// places are all datasets, by schema and table.
func (s *server) places(ctx context.Context) []place {
	ctx, cancel := context.WithCancel(ctx) // Watch ends with it
	defer cancel()
	st, _ := s.Console.Watch(ctx)
	var out []place
	for _, d := range st.Datasets {
		p := place{publicSchema, d.Name, tableType, d}
		if schema, table, ok := strings.Cut(d.Name, "."); ok {
			p.schema, p.table = schema, table
		}
		if d.From == "view" {
			p.kind = viewType
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b place) int {
		return strings.Compare(a.schema+"\x00"+a.table, b.schema+"\x00"+b.table)
	})
	return out
}

// inCatalog tells whether a filter lets our one catalog through.
func inCatalog(want *string) bool { return want == nil || *want == catalogName }

// like compiles a pattern with % and _, which \ makes letters; nil takes everything.
func like(pattern *string) func(string) bool {
	if pattern == nil {
		return func(string) bool { return true }
	}
	var b strings.Builder
	letter := false
	for _, c := range *pattern {
		switch {
		case c == '\\' && !letter:
			letter = true
			continue
		case c == '%' && !letter:
			b.WriteString(".*")
		case c == '_' && !letter:
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
		letter = false
	}
	return regexp.MustCompile(`(?s)^` + b.String() + `$`).MatchString
}

// info is the FlightInfo of a command of a known schema: its ticket is the command.
func info(d *flight.FlightDescriptor, schema *arrow.Schema) (*flight.FlightInfo, error) {
	return &flight.FlightInfo{Schema: flight.SerializeSchema(schema, memory.DefaultAllocator), FlightDescriptor: d,
		Endpoint: []*flight.FlightEndpoint{{Ticket: &flight.Ticket{Ticket: d.GetCmd()}}}, TotalRecords: -1, TotalBytes: -1}, nil
}

// table makes the rows of a command; fill appends them.
func table(schema *arrow.Schema, fill func(b *array.RecordBuilder)) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	fill(b)
	out := make(chan flight.StreamChunk, 1)
	out <- flight.StreamChunk{Data: b.NewRecordBatch()}
	close(out)
	return schema, out, nil
}

// add appends texts to the columns from the first on.
func add(b *array.RecordBuilder, texts ...string) {
	for i, t := range texts {
		b.Field(i).(*array.StringBuilder).Append(t)
	}
}

// GetFlightInfoCatalogs describes DoGetCatalogs.
func (f *sqlFace) GetFlightInfoCatalogs(_ context.Context, d *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return info(d, schema_ref.Catalogs)
}

// DoGetCatalogs lists the one catalog.
func (f *sqlFace) DoGetCatalogs(context.Context) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	return table(schema_ref.Catalogs, func(b *array.RecordBuilder) { add(b, catalogName) })
}

// GetFlightInfoSchemas describes DoGetDBSchemas.
func (f *sqlFace) GetFlightInfoSchemas(_ context.Context, _ flightsql.GetDBSchemas, d *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return info(d, schema_ref.DBSchemas)
}

// DoGetDBSchemas lists the schemas of the datasets.
func (f *sqlFace) DoGetDBSchemas(ctx context.Context, q flightsql.GetDBSchemas) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	wanted := like(q.GetDBSchemaFilterPattern())
	return table(schema_ref.DBSchemas, func(b *array.RecordBuilder) {
		names := []string{publicSchema}
		for _, p := range f.s.places(ctx) {
			names = append(names, p.schema)
		}
		slices.Sort(names)
		for _, n := range slices.Compact(names) {
			if inCatalog(q.GetCatalog()) && wanted(n) {
				add(b, catalogName, n)
			}
		}
	})
}

// GetFlightInfoTables describes DoGetTables.
func (f *sqlFace) GetFlightInfoTables(_ context.Context, q flightsql.GetTables, d *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return info(d, tablesSchema(q))
}

func tablesSchema(q flightsql.GetTables) *arrow.Schema {
	if q.GetIncludeSchema() {
		return schema_ref.TablesWithIncludedSchema
	}
	return schema_ref.Tables
}

// DoGetTables lists the datasets. One whose columns are not known now, because it is still loading, has none.
func (f *sqlFace) DoGetTables(ctx context.Context, q flightsql.GetTables) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	schemas, names := like(q.GetDBSchemaFilterPattern()), like(q.GetTableNameFilterPattern())
	return table(tablesSchema(q), func(b *array.RecordBuilder) {
		for _, p := range f.s.places(ctx) {
			if !inCatalog(q.GetCatalog()) || !schemas(p.schema) || !names(p.table) || len(q.GetTableTypes()) > 0 && !slices.Contains(q.GetTableTypes(), p.kind) {
				continue
			}
			add(b, catalogName, p.schema, p.table, p.kind)
			if !q.GetIncludeSchema() {
				continue
			}
			schema, err := f.s.schema(ctx, &statement{SQL: "SELECT * FROM " + ident(p.d.Name)})
			if err != nil {
				schema = arrow.NewSchema(nil, nil)
			}
			b.Field(4).(*array.BinaryBuilder).Append(flight.SerializeSchema(schema, memory.DefaultAllocator))
		}
	})
}

// GetFlightInfoTableTypes describes DoGetTableTypes.
func (f *sqlFace) GetFlightInfoTableTypes(_ context.Context, d *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return info(d, schema_ref.TableTypes)
}

// DoGetTableTypes lists what a dataset can be.
func (f *sqlFace) DoGetTableTypes(context.Context) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	return table(schema_ref.TableTypes, func(b *array.RecordBuilder) {
		add(b, tableType)
		add(b, viewType)
	})
}

// ListFlights lists the datasets, with the paths that describe them.
func (s *server) ListFlights(_ *flight.Criteria, stream flight.FlightService_ListFlightsServer) error {
	for _, p := range s.places(stream.Context()) {
		q, err := dataset([]string{p.d.Name})
		if err != nil {
			return err
		}
		schema, err := s.schema(stream.Context(), q)
		if err != nil {
			schema = arrow.NewSchema(nil, nil)
		}
		t, err := q.ticket()
		if err != nil {
			return err
		}
		err = stream.Send(&flight.FlightInfo{Schema: flight.SerializeSchema(schema, memory.DefaultAllocator), TotalRecords: -1, TotalBytes: -1,
			FlightDescriptor: &flight.FlightDescriptor{Type: flight.DescriptorPATH, Path: []string{p.d.Name}}, Endpoint: []*flight.FlightEndpoint{{Ticket: t}}})
		if err != nil {
			return err
		}
	}
	return nil
}
