package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// Twin is how a script asks for the same as a Command.
type Twin struct {
	// CLI are the arguments of pitwall as a shell takes them, without the program and the endpoint; empty when no
	// command does it.
	CLI string `json:"cli,omitempty"`
	// Method, Path and Body are the request of the HTTP API. Body is JSON, empty for none.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Body   string `json:"body,omitempty"`
}

// TwinOf returns how a script asks for what a command does.
func TwinOf(c Command) Twin {
	name := c.Target()
	dataset := "/v1/datasets/" + url.PathEscape(name)
	snapshots := dataset + "/acceleration/snapshots"
	one := func(id uint64) string { return fmt.Sprintf("%s/%d", snapshots, id) }
	id := func(verb string, id uint64) string { return words("snapshots", verb, name, fmt.Sprint(id)) }
	switch c := c.(type) {
	case RefreshNow:
		return c.twin(dataset + "/acceleration/refresh")
	case SetRefreshSQL:
		return Twin{Method: "PATCH", Path: dataset + "/acceleration", Body: text(map[string]string{"refresh_sql": c.SQL})}
	case CancelRefresh:
		return Twin{Method: "DELETE", Path: dataset + "/refreshes/current"}
	case SnapshotNow:
		if c.Full {
			return Twin{words("snapshots", "create", name, "--full"), "POST", snapshots + "?full=true", ""}
		}
		return Twin{words("snapshots", "create", name), "POST", snapshots, ""}
	case BootstrapFrom:
		if c.Hold {
			return Twin{id("bootstrap", c.SnapshotID) + " --hold", "POST", one(c.SnapshotID) + "/bootstrap", `{"hold":true}`}
		}
		return Twin{id("bootstrap", c.SnapshotID), "POST", one(c.SnapshotID) + "/bootstrap", ""}
	case UndoBootstrap:
		return Twin{words("snapshots", "undo", name), "POST", snapshots + "/undo", ""}
	case VerifySnapshot:
		return Twin{id("verify", c.SnapshotID), "POST", one(c.SnapshotID) + "/verify", ""}
	case SetCurrent:
		return Twin{id("set-current", c.SnapshotID), "POST", snapshots + "/current", fmt.Sprintf(`{"snapshot_id":%d}`, c.SnapshotID)}
	case PinSnapshot:
		return Twin{id("pin", c.SnapshotID), "POST", one(c.SnapshotID) + "/pin", ""}
	case UnpinSnapshots:
		return Twin{words("snapshots", "unpin", name), "POST", snapshots + "/unpin", ""}
	case DeleteSnapshot:
		return Twin{id("delete", c.SnapshotID), "DELETE", one(c.SnapshotID), ""}
	case CollectSnapshots:
		if c.DryRun {
			return Twin{words("snapshots", "gc", name, "--dry-run"), "POST", snapshots + "/gc", `{"dry_run":true}`}
		}
		return Twin{words("snapshots", "gc", name), "POST", snapshots + "/gc", ""}
	case SkipRecord:
		return Twin{words("stream", "skip", name), "POST", dataset + "/stream/skip", ""}
	case Rebootstrap:
		return Twin{words("stream", "rebootstrap", name), "POST", dataset + "/stream/rebootstrap", ""}
	case ApplyConfig:
		if c.Drops {
			return Twin{"config apply --drops", "POST", "/v1/config/apply", `{"drops":true}`}
		}
		return Twin{"config apply", "POST", "/v1/config/apply", ""}
	case RevertConfig:
		return Twin{"config revert", "POST", "/v1/config/revert", ""}
	case SetReload:
		return Twin{words("config", "reload", string(c.Mode)), "POST", "/v1/config/reload", text(map[string]string{"mode": string(c.Mode)})}
	case Hold:
		return Twin{Method: "POST", Path: "/v1/pitwall/commands", Body: text(map[string]any{"kind": "Hold", "args": c})}
	}
	return Twin{}
}

func (c RefreshNow) twin(path string) Twin {
	t := Twin{CLI: words("refresh", c.Dataset), Method: "POST", Path: path}
	o := map[string]string{}
	set := func(flag, key, value string) {
		if value != "" {
			t.CLI += " " + words("--"+flag, value)
			o[key] = value
		}
	}
	set("refresh-sql", "refresh_sql", c.SQL)
	set("refresh-mode", "refresh_mode", c.Mode)
	if c.JitterMax != nil {
		set("refresh-jitter-max", "refresh_jitter_max", fmt.Sprintf("%dms", c.JitterMax.Milliseconds()))
	}
	if len(o) > 0 {
		t.Body = text(o)
	}
	return t
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // there are strings and numbers only
		return ""
	}
	return string(b)
}

// IsZero tells whether nothing is known of how a script would ask.
func (t Twin) IsZero() bool { return t.Method == "" }

// Curl is the request as a command line for a shell; endpoint is that of the API, such as http://127.0.0.1:8090.
func (t Twin) Curl(endpoint string) string {
	if t.IsZero() {
		return ""
	}
	line := "curl -X " + t.Method + " " + quoted(strings.TrimSuffix(endpoint, "/")+t.Path)
	if t.Body != "" {
		line += " -H 'Content-Type: application/json' -d " + quoted(t.Body)
	}
	return line
}

// Line is the command line for a shell: of pitwall where it has a command for it, otherwise of curl.
func (t Twin) Line(endpoint string) string {
	if t.CLI == "" {
		return t.Curl(endpoint)
	}
	return "pitwall " + t.CLI + " --http-endpoint " + quoted(endpoint)
}

// words are the arguments of a command line for a shell.
func words(args ...string) string {
	for i, a := range args {
		args[i] = quoted(a)
	}
	return strings.Join(args, " ")
}

// DefaultEndpoint is where `pitwall serve` answers unless it is told otherwise.
const DefaultEndpoint = "http://127.0.0.1:8090"

// Endpoint is the URL of the HTTP API a script would ask, and whether it is open now.
func (s *State) Endpoint() (url string, open bool) {
	switch {
	case s.Link.URL != "":
		return s.Link.URL, true
	case s.HTTP != "":
		return s.HTTP, true
	}
	return DefaultEndpoint, false
}

// quoted writes a word for a shell.
func quoted(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:=@%+,", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
