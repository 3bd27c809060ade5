package arrowmem_test

import (
	"testing"

	"pitwall/engines/arrowmem"
	"pitwall/engines/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m, arrowmem.Opener{}) }

func TestConformance(t *testing.T) {
	enginetest.Run(t, func(testing.TB) enginetest.Harness { return enginetest.Harness{Opener: arrowmem.Opener{}} })
}
