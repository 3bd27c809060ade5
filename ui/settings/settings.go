// Package settings is the file in which a person keeps how the console looks and what it can attach to:
// $XDG_CONFIG_HOME/pitwall/config.yml. Load reads it, Watch tells of each new version while the console runs; a
// version with an error changes nothing.
package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"github.com/invopop/jsonschema"
	"go.yaml.in/yaml/v4"
)

// Settings are the keys of the file; all may be left out.
type Settings struct {
	// Theme is auto, dark, light or mono.
	Theme string `yaml:"theme" json:"theme,omitempty" jsonschema:"enum=auto,enum=dark,enum=light,enum=mono"`
	// ASCII draws with ASCII signs only.
	ASCII bool `yaml:"ascii" json:"ascii,omitempty"`
	// Mouse gives the mouse to the console; default true.
	Mouse *bool `yaml:"mouse" json:"mouse,omitempty"`
	// Restore goes on where the last session ended; default true.
	Restore *bool `yaml:"restore" json:"restore,omitempty"`
	// Keys are the keys of actions, by the id that the help shows.
	Keys map[string][]string `yaml:"keys" json:"keys,omitempty"`
	// Columns are the columns of a screen in their order, by its name.
	Columns map[string][]string `yaml:"columns" json:"columns,omitempty"`
	// Commands are programs of the person's own, by name.
	Commands map[string]Command `yaml:"commands" json:"commands,omitempty"`
	// Contexts are runtimes to attach to, by name.
	Contexts map[string]Context `yaml:"contexts" json:"contexts,omitempty"`
}

// Command is a program that a key starts. It runs in a shell, in the console's terminal, with PITWALL_DATASET (the
// selected one), PITWALL_DATASETS (all marked, separated by spaces), PITWALL_POD and PITWALL_CONTEXT in its environment.
type Command struct {
	// Key starts it.
	Key string `yaml:"key" json:"key"`
	// Run is the command line for /bin/sh.
	Run string `yaml:"run" json:"run"`
	// Confirm asks before it is started.
	Confirm bool `yaml:"confirm" json:"confirm,omitempty"`
	// Changes says that it changes something: read-only refuses it.
	Changes bool `yaml:"changes" json:"changes,omitempty"`
	// NoPause goes back to the console at once instead of after a key.
	NoPause bool `yaml:"no_pause" json:"no_pause,omitempty"`
}

// Context is a runtime to attach to.
type Context struct {
	// URL is that of its HTTP API, such as http://host:8090.
	URL string `yaml:"url" json:"url"`
	// APIKey may name a variable of the environment: ${env:PROD_KEY}.
	APIKey string `yaml:"api_key" json:"api_key,omitempty"`
	// Metrics is where a Spice runtime has its metrics.
	Metrics string `yaml:"metrics" json:"metrics,omitempty"`
	// CAFile is a PEM file with the certificates to trust.
	CAFile string `yaml:"tls_root_certificate_file" json:"tls_root_certificate_file,omitempty"`
	// ReadOnly refuses every action that changes something.
	ReadOnly bool `yaml:"read_only" json:"read_only,omitempty"`
}

// Path is where the file is: $XDG_CONFIG_HOME/pitwall/config.yml, or ~/.config/pitwall/config.yml. It is empty on a
// machine without a home.
func Path() string {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "pitwall", "config.yml")
}

// Load reads the file. One that is not there is like an empty one. The error names the file, the line and the key.
func Load(path string) (*Settings, error) {
	if path == "" {
		return &Settings{}, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return &Settings{}, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// Parse reads the text of a file.
func Parse(text []byte) (*Settings, error) {
	s := &Settings{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(s); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch s.Theme {
	case "", "auto", "dark", "light", "mono":
	default:
		return nil, fmt.Errorf("theme is auto, dark, light or mono, not %q", s.Theme)
	}
	for id, keys := range s.Keys {
		for _, k := range keys {
			if k == "" {
				return nil, fmt.Errorf("keys: %s has an empty key", id)
			}
			if k == "ctrl+c" {
				return nil, fmt.Errorf("keys: %s can't have ctrl+c, which always quits", id)
			}
		}
	}
	for name, c := range s.Commands {
		if c.Key == "" || c.Run == "" {
			return nil, fmt.Errorf("commands: %s needs key and run", name)
		}
	}
	for name, c := range s.Contexts {
		if c.URL == "" {
			return nil, fmt.Errorf("contexts: %s needs a url", name)
		}
	}
	return s, nil
}

// variable is a reference to the environment.
var variable = regexp.MustCompile(`^\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}$`)

// Key is the API key of a context, taken from the environment where it says so. The error names the variable that
// is not set.
func (c Context) Key() (string, error) {
	m := variable.FindStringSubmatch(c.APIKey)
	if m == nil {
		return c.APIKey, nil
	}
	v, ok := os.LookupEnv(m[1])
	if !ok {
		return "", fmt.Errorf("the variable %s, which has the API key, is not set", m[1])
	}
	return v, nil
}

// Schema is the JSON Schema of the file.
func Schema() ([]byte, error) {
	r := jsonschema.Reflector{DoNotReference: true}
	s := r.Reflect(&Settings{})
	s.Title = "pitwall's console"
	text, err := s.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := indent(&out, text); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
