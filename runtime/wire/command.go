package wire

import (
	"encoding/json"
	"fmt"
	"reflect"

	"pitwall/runtime/api"
)

// Commands returns one of every kind of command.
func Commands() []api.Command {
	return []api.Command{api.RefreshNow{}, api.SetRefreshSQL{}, api.CancelRefresh{}, api.SnapshotNow{}, api.BootstrapFrom{}, api.UndoBootstrap{},
		api.VerifySnapshot{}, api.SetCurrent{}, api.PinSnapshot{}, api.UnpinSnapshots{}, api.DeleteSnapshot{}, api.CollectSnapshots{}, api.Hold{}, api.SkipRecord{}, api.Rebootstrap{},
		api.ApplyConfig{}, api.RevertConfig{}, api.SetReload{}}
}

// Command is a command as JSON: the name of its type in package api, and its fields.
type Command struct {
	Kind string          `json:"kind"`
	Args json.RawMessage `json:"args"`
}

// EncodeCommand returns a command as JSON.
func EncodeCommand(c api.Command) (Command, error) {
	args, err := json.Marshal(c)
	return Command{reflect.TypeOf(c).Name(), args}, err
}

// Decode returns the command. The error says that there is none of that kind, or what its fields have wrong.
func (c Command) Decode() (api.Command, error) {
	for _, k := range Commands() {
		t := reflect.TypeOf(k)
		if t.Name() != c.Kind {
			continue
		}
		v := reflect.New(t)
		if err := json.Unmarshal(c.Args, v.Interface()); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Kind, err)
		}
		return v.Elem().Interface().(api.Command), nil
	}
	return nil, fmt.Errorf("there is no command %q", c.Kind)
}

// Refusal is the body of an answer that refuses something: an api.CommandError or an api.QueryError.
type Refusal struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}
