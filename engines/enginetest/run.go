package enginetest

import (
	"testing"

	"pitwall/engines"
)

// file says whether the engine has a file.
func (h Harness) file() bool { return h.Dir != "" }

// undivided says whether the rows lie together.
func (h Harness) undivided() bool { return len(h.Partitions) == 0 }

// Both runs a suite, Run or RunModel, over an engine with a file and in memory.
func Both(t *testing.T, h Harness, suite func(*testing.T, func(testing.TB) Harness)) {
	t.Run("file", func(t *testing.T) {
		suite(t, func(t testing.TB) Harness {
			h := h
			h.Dir = t.TempDir()
			return h
		})
	})
	t.Run("memory", func(t *testing.T) { suite(t, func(testing.TB) Harness { return h }) })
}

// Run runs the conformance suite; open is called once for every test.
func Run(t *testing.T, open func(testing.TB) Harness) {
	tests := []struct {
		name string
		run  func(*testing.T, Harness)
		only func(Harness) bool // engines that it is for
	}{
		{"Empty", testEmpty, nil},
		{"ReplaceAndAppend", testReplaceAndAppend, nil},
		{"EmptyWrite", testEmptyWrite, nil},
		{"CheckpointRow", testCheckpointRow, nil},
		{"AppendSchemaMismatch", testAppendSchemaMismatch, nil},
		{"NullInNotNull", testNullInNotNull, nil},
		{"SourceError", testSourceError, nil},
		{"CancelWrite", testCancelWrite, nil},
		{"ReadersDuringReplace", testReadersDuringReplace, nil},
		{"Scan", testScan, Harness.undivided},
		{"Predicates", testPredicates, Harness.undivided},
		{"Delete", testDelete, Harness.undivided},
		{"SlowReader", testSlowReader, nil},
		{"Conditions", testConditions, Harness.undivided},
		{"DeleteConditions", testDeleteConditions, Harness.undivided},
		{"ColumnRowID", testColumnRowID, nil},
		{"NoEvaluate", testNoEvaluate, Harness.undivided},
		{"Watermarks", testWatermarks, Harness.undivided},
		{"Types", testTypes, Harness.undivided},
		{"RefusedTypes", testRefusedTypes, nil},
		{"State", testState, nil},
		{"Evict", testEvict, nil},
		{"EvictIsNeverVisible", testEvictIsNeverVisible, nil},
		{"Reshape", testReshape, Harness.undivided},
		{"ReshapeErrors", testReshapeErrors, nil},
		{"Keys", testKeys, Harness.undivided},
		{"KeyTypes", testKeyTypes, Harness.undivided},
		{"KeysReshape", testKeysReshape, Harness.undivided},
		{"Close", testClose, nil},
		{"AwkwardNames", testAwkwardNames, nil},
		{"Persistence", testPersistence, Harness.file},
		{"KeysChange", testKeysChange, func(h Harness) bool { return h.lasts() && h.undivided() }},
		{"LeftOvers", testLeftOvers, Harness.file},
		{"Corrupt", testCorrupt, func(h Harness) bool { return h.file() && !h.Folder }},
		{"ReadOnlyDirectory", testReadOnlyDirectory, Harness.file},
		{"ExportDuringAppends", testExportDuringAppends, Harness.file},
		{"ExportDuringReplace", testExportDuringReplace, Harness.file},
		{"ExportCompact", testExportCompact, Harness.file},
		{"ExportErrors", testExportErrors, Harness.file},
		{"Adopt", testAdopt, Harness.file},
		{"AdoptOntoNothing", testAdoptOntoNothing, Harness.file},
		{"AdoptErrors", testAdoptErrors, Harness.file},
		{"OldGenerationIsHarmless", testOldGenerationIsHarmless, Harness.file},
		{"NoOpenFilesLeft", testNoOpenFilesLeft, Harness.file},
		{"DiskFull", testDiskFull, Harness.file},
		{"KillReplace", func(t *testing.T, h Harness) { testKill(t, h, engines.Replace.String()) }, Harness.lasts},
		{"KillAppend", func(t *testing.T, h Harness) { testKill(t, h, engines.Append.String()) }, Harness.lasts},
		{"KillCompact", testKillCompact, Harness.lasts},
		{"SecondProcess", testSecondProcess, func(h Harness) bool { return h.Folder && h.file() }},
		{"Remove", testRemove, Harness.undivided},
		{"RemoveTypes", testRemoveTypes, Harness.undivided},
		{"RemoveReshape", testRemoveReshape, Harness.undivided},
		{"Changes", testChanges, Harness.undivided},
		{"ChangeTypes", testChangeTypes, Harness.undivided},
		{"ChangeCounts", testChangeCounts, Harness.undivided},
		{"KillChanges", func(t *testing.T, h Harness) { testKill(t, h, changes) }, Harness.lasts},
		{"KillUpsert", func(t *testing.T, h Harness) { testKill(t, h, upsert) }, Harness.lasts},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t)
			if tt.only != nil && !tt.only(h) {
				return
			}
			tt.run(t, h)
		})
	}
}
