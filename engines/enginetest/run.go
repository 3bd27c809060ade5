package enginetest

import (
	"testing"

	"pitwall/engines"
)

// Run runs the conformance suite; open is called once for every test.
func Run(t *testing.T, open func(testing.TB) Harness) {
	tests := []struct {
		name string
		run  func(*testing.T, Harness)
		file bool // only for engines with a file
	}{
		{"Empty", testEmpty, false},
		{"ReplaceAndAppend", testReplaceAndAppend, false},
		{"EmptyWrite", testEmptyWrite, false},
		{"CheckpointRow", testCheckpointRow, false},
		{"AppendSchemaMismatch", testAppendSchemaMismatch, false},
		{"NullInNotNull", testNullInNotNull, false},
		{"SourceError", testSourceError, false},
		{"CancelWrite", testCancelWrite, false},
		{"ReadersDuringReplace", testReadersDuringReplace, false},
		{"Scan", testScan, false},
		{"Predicates", testPredicates, false},
		{"Delete", testDelete, false},
		{"Conditions", testConditions, false},
		{"DeleteConditions", testDeleteConditions, false},
		{"ColumnRowID", testColumnRowID, false},
		{"NoEvaluate", testNoEvaluate, false},
		{"Watermarks", testWatermarks, false},
		{"Types", testTypes, false},
		{"RefusedTypes", testRefusedTypes, false},
		{"State", testState, false},
		{"Evict", testEvict, false},
		{"EvictIsNeverVisible", testEvictIsNeverVisible, false},
		{"Reshape", testReshape, false},
		{"ReshapeErrors", testReshapeErrors, false},
		{"Keys", testKeys, false},
		{"KeyTypes", testKeyTypes, false},
		{"KeysReshape", testKeysReshape, false},
		{"Close", testClose, false},
		{"AwkwardNames", testAwkwardNames, false},
		{"Persistence", testPersistence, true},
		{"KeysChange", testKeysChange, true},
		{"LeftOvers", testLeftOvers, true},
		{"Corrupt", testCorrupt, true},
		{"ReadOnlyDirectory", testReadOnlyDirectory, true},
		{"ExportDuringAppends", testExportDuringAppends, true},
		{"ExportDuringReplace", testExportDuringReplace, true},
		{"ExportCompact", testExportCompact, true},
		{"ExportErrors", testExportErrors, true},
		{"Adopt", testAdopt, true},
		{"AdoptOntoNothing", testAdoptOntoNothing, true},
		{"AdoptErrors", testAdoptErrors, true},
		{"OldGenerationIsHarmless", testOldGenerationIsHarmless, true},
		{"NoOpenFilesLeft", testNoOpenFilesLeft, true},
		{"DiskFull", testDiskFull, true},
		{"KillReplace", func(t *testing.T, h Harness) { testKill(t, h, engines.Replace.String()) }, true},
		{"KillAppend", func(t *testing.T, h Harness) { testKill(t, h, engines.Append.String()) }, true},
		{"KillUpsert", func(t *testing.T, h Harness) { testKill(t, h, upsert) }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t)
			if tt.file && h.Dir == "" {
				return
			}
			tt.run(t, h)
		})
	}
}
