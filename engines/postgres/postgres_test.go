package postgres_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"pitwall/engines/enginetest"
	"pitwall/engines/postgres"
	"pitwall/engines/postgres/pgtest"
)

func TestMain(m *testing.M) { enginetest.Main(m, postgres.Opener{}) }

// schemas counts the schemas of all servers.
var schemas atomic.Int64

// fresh returns a harness with a new schema.
func fresh(t testing.TB, s *pgtest.Server) enginetest.Harness {
	t.Helper()
	name := fmt.Sprintf("test_%d", schemas.Add(1))
	s.Exec(t, "CREATE SCHEMA "+name)
	return enginetest.Harness{
		Opener: postgres.Opener{}, Params: map[string]string{"pg_connection_string": s.URL() + "&search_path=" + name},
		Renew: func(t testing.TB) enginetest.Harness { return fresh(t, s) },
		Refused: map[string]bool{
			"time64[ns]": true, "timestamp[ns]": true, "timestamp[ns, tz=UTC]": true, "duration[ns]": true, "month_day_nano_interval": true,
			enginetest.NUL: true,
		},
	}
}

func TestConformance(t *testing.T) {
	s := pgtest.Start(t)
	enginetest.Run(t, func(t testing.TB) enginetest.Harness { return fresh(t, s) })
}

func TestModel(t *testing.T) {
	s := pgtest.Start(t)
	enginetest.RunModel(t, func(t testing.TB) enginetest.Harness { return fresh(t, s) })
}
