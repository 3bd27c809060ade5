package runtime

import (
	"encoding/json"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/source"
	"pitwall/runtime/stream"
)

// ownState is what the runtime remembers of the last write. Engines keep it beside the checkpoint row,
// in the same commit as the rows, so that it is never ahead of them or behind.
type ownState struct {
	// Fingerprint is that of the settings the rows were loaded with (config.Dataset.Fingerprint).
	Fingerprint string `json:"fingerprint"`
	// Objects are those of the source, as listed for the last write.
	Objects []source.Object `json:"objects,omitempty"`
	// Stream is the place in the stream that the rows are as of; nil when they come from none.
	Stream *stream.State `json:"stream,omitempty"`
}

// printed is a fingerprint that was made, of which configuration and refresh_sql.
type printed struct {
	cfg       *config.Dataset
	sql, text string
}

// fingerprint is that of the present settings with an effective refresh_sql.
func (a *actor) fingerprint(sql string) string {
	if p := &a.printed; p.cfg != a.cfg() || p.sql != sql {
		*p = printed{a.cfg(), sql, a.cfg().Fingerprint(sql)}
	}
	return a.printed.text
}

// encode writes the state.
func (s ownState) encode() ([]byte, error) { return json.Marshal(s) }

// ownStateOf reads the state of a checkpoint; empty when there is none, or when it is not understood:
// then nothing is known of the last write, which costs a full refresh at most.
func ownStateOf(cp *engines.Checkpoint) ownState {
	var s ownState
	if cp == nil || len(cp.State) == 0 || json.Unmarshal(cp.State, &s) != nil {
		return ownState{}
	}
	return s
}

// outdated tells whether the rows of a checkpoint were loaded with other settings than fingerprint or,
// in files of other writers, another refresh_sql.
func outdated(cp *engines.Checkpoint, fingerprint, refreshSQL string) bool {
	if cp == nil {
		return false
	}
	if s := ownStateOf(cp); s.Fingerprint != "" {
		return s.Fingerprint != fingerprint
	}
	return cp.RefreshSQL != "" && cp.RefreshSQL != refreshSQL
}
