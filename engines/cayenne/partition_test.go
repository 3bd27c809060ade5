package cayenne_test

import (
	"testing"

	"pitwall/engines"
	"pitwall/engines/enginetest"
)

func partitioned(t testing.TB) enginetest.Harness {
	h := open(t)
	h.Partitions = []engines.PartitionBy{{Name: "b", Column: "id", Transform: engines.Bucket, N: 3}}
	return h
}

func TestConformancePartitioned(t *testing.T) {
	if testing.Short() {
		t.Skip("the plain suite and the partitioned model run")
	}
	enginetest.Run(t, partitioned)
}

func TestModelPartitioned(t *testing.T) {
	enginetest.RunModel(t, func(t testing.TB) enginetest.Harness {
		h := open(t)
		h.Divides = true
		return h
	})
}
