package flight

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql/schema_ref"
)

// GetFlightInfoPrimaryKeys describes DoGetPrimaryKeys.
func (f *sqlFace) GetFlightInfoPrimaryKeys(_ context.Context, _ flightsql.TableRef, d *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return info(d, schema_ref.PrimaryKeys)
}

// DoGetPrimaryKeys lists the columns of a dataset's primary_key.
func (f *sqlFace) DoGetPrimaryKeys(ctx context.Context, t flightsql.TableRef) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	return table(schema_ref.PrimaryKeys, func(b *array.RecordBuilder) {
		for _, p := range f.s.places(ctx) {
			if !inCatalog(t.Catalog) || t.DBSchema != nil && *t.DBSchema != p.schema || t.Table != p.table && t.Table != p.d.Name {
				continue
			}
			for i, c := range p.d.PrimaryKey {
				add(b, catalogName, p.schema, p.table, c)
				b.Field(4).(*array.Int32Builder).Append(int32(i + 1))
				b.Field(5).AppendNull()
			}
		}
	})
}

// There are no foreign keys.

// GetFlightInfoExportedKeys describes DoGetExportedKeys.
func (f *sqlFace) GetFlightInfoExportedKeys(_ context.Context, _ flightsql.TableRef, d *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return info(d, schema_ref.ExportedKeys)
}

// DoGetExportedKeys has no rows.
func (f *sqlFace) DoGetExportedKeys(context.Context, flightsql.TableRef) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	return table(schema_ref.ExportedKeys, func(*array.RecordBuilder) {})
}

// GetFlightInfoImportedKeys describes DoGetImportedKeys.
func (f *sqlFace) GetFlightInfoImportedKeys(_ context.Context, _ flightsql.TableRef, d *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return info(d, schema_ref.ImportedKeys)
}

// DoGetImportedKeys has no rows.
func (f *sqlFace) DoGetImportedKeys(context.Context, flightsql.TableRef) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	return table(schema_ref.ImportedKeys, func(*array.RecordBuilder) {})
}

// GetFlightInfoCrossReference describes DoGetCrossReference.
func (f *sqlFace) GetFlightInfoCrossReference(_ context.Context, _ flightsql.CrossTableRef, d *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return info(d, schema_ref.CrossReference)
}

// DoGetCrossReference has no rows.
func (f *sqlFace) DoGetCrossReference(context.Context, flightsql.CrossTableRef) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	return table(schema_ref.CrossReference, func(*array.RecordBuilder) {})
}
