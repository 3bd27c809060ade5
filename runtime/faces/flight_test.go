package faces_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"pitwall/runtime/api"
)

// dial connects a client of Flight SQL, with the limits that gRPC has by itself.
func (s *server) dial(opts ...grpc.DialOption) *flightsql.Client {
	s.t.Helper()
	if len(opts) == 0 {
		opts = append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	c, err := flightsql.NewClient(s.flight, nil, nil, opts...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// fetched reads all rows of a FlightInfo as text, with the schema before them, which must be that of the info.
func fetched(ctx context.Context, c *flightsql.Client, info *flight.FlightInfo, err error) (string, error) {
	if err != nil {
		return "", err
	}
	told, err := flight.DeserializeSchema(info.Schema, memory.DefaultAllocator)
	if err != nil {
		return "", err
	}
	text, schema, err := got(ctx, c, info.Endpoint[0].Ticket)
	if err == nil && !told.Equal(schema) {
		err = fmt.Errorf("the FlightInfo says %s, the rows %s", told, schema)
	}
	return text, err
}

func got(ctx context.Context, c *flightsql.Client, t *flight.Ticket) (string, *arrow.Schema, error) {
	r, err := c.DoGet(ctx, t)
	if err != nil {
		return "", nil, err
	}
	defer r.Release()
	var out []string
	for _, f := range r.Schema().Fields() {
		out = append(out, f.Name+" "+f.Type.String())
	}
	lines := []string{strings.Join(out, ", ")}
	for r.Next() {
		b := r.RecordBatch()
		for i := range int(b.NumRows()) {
			var line []string
			for _, c := range b.Columns() {
				line = append(line, c.ValueStr(i))
			}
			lines = append(lines, strings.Join(line, "|"))
		}
	}
	return strings.Join(lines, "\n"), r.Schema(), r.Err()
}

const cities = "id int64, name utf8\n1|Seattle\n2|Bellevue"

func TestFlightHasTheRowsOfPathsAndSQL(t *testing.T) {
	s := start(t, pod)
	s.settled()
	c := s.dial()
	ctx := t.Context()
	for _, d := range []*flight.FlightDescriptor{
		{Type: flight.DescriptorPATH, Path: []string{"cities"}}, {Type: flight.DescriptorPATH, Path: []string{"public", "cities"}},
		{Type: flight.DescriptorPATH, Path: []string{"spice.public", "plain"}}, {Path: []string{"cities"}},
		{Type: flight.DescriptorCMD, Cmd: []byte("SELECT * FROM cities ORDER BY id")}, {Type: flight.DescriptorCMD, Cmd: []byte("\nSELECT * FROM plain;")},
	} {
		info, err := c.Client.GetFlightInfo(ctx, d)
		if text, err := fetched(ctx, c, info, err); err != nil || text != cities {
			t.Errorf("%v: %q, %v", d, text, err)
		}
		schema, err := c.Client.GetSchema(ctx, d)
		if err != nil {
			t.Fatal(err)
		}
		if told, err := flight.DeserializeSchema(schema.Schema, memory.DefaultAllocator); err != nil || told.NumFields() != 2 {
			t.Errorf("%v: %v, %v", d, told, err)
		}
	}
	if text, _, err := got(ctx, c, &flight.Ticket{Ticket: []byte("SELECT name FROM cities WHERE id = 2")}); err != nil || text != "name utf8\nBellevue" {
		t.Errorf("SQL as the ticket: %q, %v", text, err)
	}
	info, err := c.Execute(ctx, "SELECT count(*) AS n FROM cities JOIN plain USING (id)")
	if text, err := fetched(ctx, c, info, err); err != nil || text != "n int64\n2" {
		t.Errorf("%q, %v", text, err)
	}
	var listed []string
	flights, err := c.Client.ListFlights(ctx, &flight.Criteria{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		f, err := flights.Recv()
		if err != nil {
			break
		}
		listed = append(listed, f.FlightDescriptor.Path[0])
	}
	if fmt.Sprint(listed) != "[broken cities plain]" {
		t.Error(listed)
	}
	if _, _, text := s.ask("GET", "/metrics", ""); !strings.Contains(text, `flight_requests{command="CommandStatementQuery",method="GetFlightInfo",status="OK"} 1`) ||
		!strings.Contains(text, `flight_request_duration_ms_count{command="sql",method="DoGet"} 1`) || !strings.Contains(text, `command="path",method="GetSchema",status="OK"} 4`) {
		t.Errorf("the metrics are %s", text)
	}
}

func TestFlightTellsWhatIsWrong(t *testing.T) {
	s := start(t, pod)
	s.settled()
	c := s.dial()
	ctx := t.Context()
	for _, x := range []struct {
		d    *flight.FlightDescriptor
		code codes.Code
		want string
	}{
		{&flight.FlightDescriptor{Type: flight.DescriptorPATH}, codes.InvalidArgument, "names no dataset"},
		{&flight.FlightDescriptor{Type: flight.DescriptorPATH, Path: []string{"citis"}}, codes.NotFound, `there is no dataset "citis"` + "\n" + `did you mean "cities"?`},
		{&flight.FlightDescriptor{Type: flight.DescriptorPATH, Path: []string{"broken"}}, codes.Unavailable, "broken"},
		{&flight.FlightDescriptor{Type: flight.DescriptorCMD, Cmd: []byte("SELECT nope FROM cities")}, codes.InvalidArgument, "nope"},
		{&flight.FlightDescriptor{Type: flight.DescriptorCMD, Cmd: []byte("DROP TABLE cities")}, codes.PermissionDenied, "not a query"},
		{&flight.FlightDescriptor{Type: flight.DescriptorCMD, Cmd: []byte{0xff, 0xfe}}, codes.InvalidArgument, "SQL as text"},
		{&flight.FlightDescriptor{Type: flight.DescriptorCMD}, codes.InvalidArgument, "SQL as text"},
		{&flight.FlightDescriptor{Type: flight.DescriptorCMD, Cmd: []byte("SELECT ?")}, codes.InvalidArgument, "1 parameters without a value"},
	} {
		_, err := c.Client.GetFlightInfo(ctx, x.d)
		if status.Code(err) != x.code || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v: %v", x.d, err)
		}
		if _, err := c.Client.GetSchema(ctx, x.d); status.Code(err) != x.code {
			t.Errorf("the schema of %v: %v", x.d, err)
		}
	}
	// An error after the first rows ends the stream.
	r, err := c.DoGet(ctx, &flight.Ticket{Ticket: []byte("SELECT CASE WHEN x < 100000 THEN x ELSE CAST('x' || x AS BIGINT) END AS y FROM range(200000) AS g(x)")})
	if err == nil {
		for r.Next() {
		}
		err = r.Err()
		r.Release()
	}
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "Could not convert") {
		t.Errorf("%v", err)
	}
	if _, err := c.ExecuteUpdate(ctx, "DELETE FROM cities"); status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "pitwall") {
		t.Errorf("an update: %v", err)
	}
	if _, err := c.BeginTransaction(ctx); status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "no transactions") {
		t.Errorf("a transaction: %v", err)
	}
	x, err := c.Client.DoExchange(ctx)
	if err == nil {
		_, err = x.Recv()
	}
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("an exchange: %v", err)
	}
}

func TestFlightBindsParameters(t *testing.T) {
	s := start(t, pod)
	s.settled()
	c := s.dial()
	ctx := t.Context()
	p, err := c.Prepare(ctx, "SELECT name FROM cities WHERE id = ? AND name <> $1")
	if status.Code(err) != codes.InvalidArgument {
		t.Fatalf("%v, %v", p, err)
	}
	p, err = c.Prepare(ctx, "SELECT name, ? AS d, ? AS m, ? AS at, ? AS f, ? AS b FROM cities WHERE id = ?")
	if err != nil {
		t.Fatal(err)
	}
	if p.ParameterSchema().NumFields() != 6 || p.DatasetSchema().NumFields() != 6 || p.DatasetSchema().Field(0).Name != "name" {
		t.Errorf("%v, %v", p.ParameterSchema(), p.DatasetSchema())
	}
	if f := p.ParameterSchema(); f.Field(0).Type.ID() != arrow.STRING || f.Field(5).Type.ID() != arrow.INT64 {
		t.Errorf("the parameters are %v", f)
	}
	if _, err := p.Execute(ctx); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "6 parameters") {
		t.Errorf("without values: %v", err)
	}
	dec := &arrow.Decimal128Type{Precision: 10, Scale: 2}
	schema := arrow.NewSchema([]arrow.Field{{Name: "1", Type: arrow.FixedWidthTypes.Date32}, {Name: "2", Type: dec}, {Name: "3", Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "4", Type: arrow.PrimitiveTypes.Float32}, {Name: "5", Type: arrow.FixedWidthTypes.Boolean, Nullable: true}, {Name: "6", Type: arrow.PrimitiveTypes.Int16}}, nil)
	bind := func(id int16, rows int) {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		defer b.Release()
		for range rows {
			b.Field(0).(*array.Date32Builder).Append(19782)
			b.Field(1).(*array.Decimal128Builder).Append(decimal128.FromI64(-1250))
			b.Field(2).(*array.TimestampBuilder).Append(1_700_000_000_000_001)
			b.Field(3).(*array.Float32Builder).Append(0.5)
			b.Field(4).AppendNull()
			b.Field(5).(*array.Int16Builder).Append(id)
		}
		batch := b.NewRecordBatch()
		defer batch.Release()
		p.SetParameters(batch)
	}
	for id, want := range map[int16]string{1: "Seattle", 2: "Bellevue"} {
		bind(id, 1)
		info, err := p.Execute(ctx)
		text, err := fetched(ctx, c, info, err)
		if _, row, _ := strings.Cut(text, "\n"); err != nil || row != want+"|2024-02-29|-12.5|2023-11-14T22:13:20.000001Z|0.5|(null)" {
			t.Errorf("%d: %q, %v", id, text, err)
		}
	}
	bind(1, 2)
	if f := p.ParameterSchema(); f.Field(0).Type.ID() != arrow.STRING || f.Field(5).Type.ID() != arrow.INT64 {
		t.Errorf("the parameters are %v", f)
	}
	if _, err := p.Execute(ctx); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "one row") {
		t.Errorf("two rows: %v", err)
	}
	if err := p.Close(ctx); err != nil {
		t.Error(err)
	}
	if _, err := flightsql.NewPreparedStatement(c, []byte("nonsense")).Execute(ctx); status.Code(err) != codes.InvalidArgument {
		t.Errorf("%v", err)
	}
	if _, err := c.Prepare(ctx, "SELECT nope FROM cities"); status.Code(err) != codes.InvalidArgument {
		t.Errorf("%v", err)
	}
}

func TestFlightSQLTellsWhatThereIs(t *testing.T) {
	s := start(t, strings.Replace(pod, "name: plain}", "name: geo.plain, acceleration: {primary_key: '(id, name)'}}", 1)+
		"views: [{name: far, sql: 'SELECT * FROM cities'}]\n")
	s.until(func(st *api.State) bool { return st.Dataset("geo.plain").HasData && st.Dataset("cities").HasData })
	c := s.dial()
	ctx := t.Context()
	text := func(info *flight.FlightInfo, err error) string {
		t.Helper()
		out, err := fetched(ctx, c, info, err)
		if err != nil {
			t.Error(err)
		}
		_, rows, _ := strings.Cut(out, "\n")
		return rows
	}
	str := func(v string) *string { return &v }
	for _, x := range []struct{ got, want string }{
		{text(c.GetCatalogs(ctx)), "spice"},
		{text(c.GetDBSchemas(ctx, &flightsql.GetDBSchemasOpts{})), "spice|geo\nspice|public"},
		{text(c.GetDBSchemas(ctx, &flightsql.GetDBSchemasOpts{DbSchemaFilterPattern: str("p_b%")})), "spice|public"},
		{text(c.GetDBSchemas(ctx, &flightsql.GetDBSchemasOpts{Catalog: str("other")})), ""},
		{text(c.GetTables(ctx, &flightsql.GetTablesOpts{})), "spice|geo|plain|TABLE\nspice|public|broken|TABLE\nspice|public|cities|TABLE\nspice|public|far|VIEW"},
		{text(c.GetTables(ctx, &flightsql.GetTablesOpts{TableTypes: []string{"VIEW"}})), "spice|public|far|VIEW"},
		{text(c.GetTables(ctx, &flightsql.GetTablesOpts{TableNameFilterPattern: str(`c\_ties`)})), ""},
		{text(c.GetTables(ctx, &flightsql.GetTablesOpts{TableNameFilterPattern: str("c_ties"), DbSchemaFilterPattern: str("public")})), "spice|public|cities|TABLE"},
		{text(c.GetTableTypes(ctx)), "TABLE\nVIEW"},
		{text(c.GetPrimaryKeys(ctx, flightsql.TableRef{Table: "plain"})), "spice|geo|plain|id|1|(null)\nspice|geo|plain|name|2|(null)"},
		{text(c.GetPrimaryKeys(ctx, flightsql.TableRef{Table: "cities"})), ""},
		{text(c.GetImportedKeys(ctx, flightsql.TableRef{Table: "cities"})), ""},
		{text(c.GetExportedKeys(ctx, flightsql.TableRef{Table: "cities"})), ""},
		{text(c.GetCrossReference(ctx, flightsql.TableRef{Table: "cities"}, flightsql.TableRef{Table: "plain"})), ""},
	} {
		if x.got != x.want {
			t.Errorf("got %q, want %q", x.got, x.want)
		}
	}
	if n := strings.Count(text(c.GetXdbcTypeInfo(ctx, nil)), "\n"); n != 16 {
		t.Errorf("%d types", n+1)
	}
	if one := text(c.GetXdbcTypeInfo(ctx, new(int32(93)))); !strings.HasPrefix(one, "TIMESTAMP|93|26|'|'|") {
		t.Error(one)
	}
	if all := text(c.GetSqlInfo(ctx, nil)); !strings.Contains(all, "pitwall") {
		t.Error(all)
	}
	// What is not known is left out.
	if one := text(c.GetSqlInfo(ctx, []flightsql.SqlInfo{flightsql.SqlInfoFlightSqlServerName, flightsql.SqlInfoMaxBinaryLiteralLen})); strings.Contains(one, "\n") || !strings.Contains(one, "pitwall") {
		t.Error(one)
	}
	if none := text(c.GetSqlInfo(ctx, []flightsql.SqlInfo{flightsql.SqlInfoMaxBinaryLiteralLen})); none != "" {
		t.Error(none)
	}
	info, err := c.GetTables(ctx, &flightsql.GetTablesOpts{IncludeSchema: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.DoGet(ctx, info.Endpoint[0].Ticket)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	for r.Next() {
		names, schemas := r.RecordBatch().Column(2), r.RecordBatch().Column(4).(*array.Binary)
		for i := range names.Len() {
			schema, err := flight.DeserializeSchema(schemas.Value(i), memory.DefaultAllocator)
			want := 2
			if names.ValueStr(i) == "broken" {
				want = 0 // it could not be loaded
			}
			if err != nil || schema.NumFields() != want {
				t.Errorf("%s: %v, %v", names.ValueStr(i), schema, err)
			}
		}
	}
}

func TestAFlightCanBeCancelled(t *testing.T) {
	s := start(t, pod)
	c := s.dial()
	ctx := t.Context()
	info, err := c.Execute(ctx, "SELECT * FROM range(5000000)")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := c.CancelFlightInfo(ctx, &flight.CancelFlightInfoRequest{Info: info}); err != nil || a.Status != flight.CancelStatusNotCancellable {
		t.Errorf("before it runs: %v, %v", a, err)
	}
	r, err := c.DoGet(ctx, info.Endpoint[0].Ticket)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if !r.Next() {
		t.Fatal(r.Err())
	}
	if a, err := c.CancelFlightInfo(ctx, &flight.CancelFlightInfoRequest{Info: info}); err != nil || a.Status != flight.CancelStatusCancelled {
		t.Errorf("%v, %v", a, err)
	}
	for r.Next() {
	}
	if status.Code(r.Err()) != codes.Canceled || !strings.Contains(r.Err().Error(), "was cancelled") {
		t.Errorf("%v", r.Err())
	}
}

// Batches of 8 MB arrive at a client that takes messages of 4 MiB.
func TestFlightMessagesStaySmall(t *testing.T) {
	s := start(t, pod)
	c := s.dial()
	r, err := c.DoGet(t.Context(), &flight.Ticket{Ticket: []byte("SELECT x, repeat('y', 4000) AS y FROM range(10000) AS g(x)")})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	n := int64(0)
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	if n != 10000 || r.Err() != nil {
		t.Errorf("%d rows, %v", n, r.Err())
	}
}

// A client that does not read does not keep pitwall from ending.
func TestAStalledFlightEndsWithPitwall(t *testing.T) {
	var began time.Time
	t.Cleanup(func() { // after the end of the session
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("the end took %s", d)
		}
	})
	s := start(t, pod)
	t.Cleanup(func() { began = time.Now() })
	ctx := t.Context()
	conn, err := grpc.NewClient(s.flight, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	stream, err := flight.NewClientFromConn(conn, nil).DoGet(context.WithoutCancel(ctx), &flight.Ticket{Ticket: []byte("SELECT * FROM range(5000000)")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
}

func TestFlightKeysAndTLS(t *testing.T) {
	cert, roots := certificate(t)
	text := strings.Replace(pod, "datasets:", fmt.Sprintf("runtime:\n  auth: {api-key: {enabled: true, keys: ['reader', 'writer:rw']}}\n  tls: {enabled: true, certificate: %q, key: %q}\ndatasets:", cert[0], cert[1]), 1)
	s := start(t, text)
	s.settled()
	secure := grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}))
	c := s.dial(secure)
	ctx := t.Context()
	for _, md := range [][]string{{"authorization", "Bearer reader"}, {"authorization", "bearer writer"}, {"x-api-key", "writer"}, {"authorization", "Basic dXNlcjpyZWFkZXI="}} {
		info, err := c.Execute(metadata.AppendToOutgoingContext(ctx, md...), "SELECT count(*) AS n FROM cities")
		if text, err := fetched(metadata.AppendToOutgoingContext(ctx, md...), c, info, err); err != nil || text != "n int64\n2" {
			t.Errorf("%v: %q, %v", md, text, err)
		}
	}
	for _, md := range [][]string{{}, {"authorization", "Bearer writer:rw"}, {"x-api-key", ""}, {"x-api-key", "nope"}, {"authorization", "reader"}, {"authorization", "Basic xx"}} {
		ctx := metadata.AppendToOutgoingContext(ctx, md...)
		if _, err := c.Execute(ctx, "SELECT 1"); status.Code(err) != codes.Unauthenticated || !strings.Contains(err.Error(), "needs an API key") {
			t.Errorf("%v: %v", md, err)
		}
		if _, _, err := got(ctx, c, &flight.Ticket{Ticket: []byte("SELECT 1")}); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%v: %v", md, err)
		}
	}
	in, err := c.Client.AuthenticateBasicToken(ctx, "anybody", "reader")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Execute(in, "SELECT 1"); err != nil {
		t.Error(err)
	}
	if _, err := c.Client.AuthenticateBasicToken(ctx, "anybody", "wrong"); status.Code(err) != codes.Unauthenticated {
		t.Error(err)
	}
	plain := s.dial()
	if _, err := plain.Execute(ctx, "SELECT 1"); status.Code(err) != codes.Unavailable {
		t.Errorf("without TLS: %v", err)
	}
	// Where there are no keys, a handshake is answered all the same.
	open := start(t, pod)
	o := open.dial()
	if in, err = o.Client.AuthenticateBasicToken(ctx, "", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Execute(in, "SELECT 1"); err != nil {
		t.Error(err)
	}
}

// certificate makes one for 127.0.0.1: PEM of it and of its key, and the pool that knows it.
func certificate(t *testing.T) ([2]string, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		t.Fatal(errors.New("the certificate can't be used"))
	}
	return [2]string{string(text), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))}, roots
}
