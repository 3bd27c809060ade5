package firstrun

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"pitwall/config"
)

// The kinds of sources that are asked for.
const (
	kindFile     = "file"
	kindS3       = "s3"
	kindPostgres = "postgres"
	kindMySQL    = "mysql"
)

// answers are what a person said of the first dataset. A secret is the name of an environment variable, never a text.
type answers struct {
	kind string
	// path is that of a file, or the rest of an s3:// URL.
	path, region, endpoint string
	// key is "key" when S3 is asked with a key.
	key                                                string
	table, host, port, database, user, password        string
	name, engine, interval, snapshots, snapshotsFolder string
	// tls is empty for a checked certificate, tlsUnchecked or tlsOff.
	tls string
	// file is the one to write.
	file string
}

// How the connection to a server is protected when it is not as the default of its source.
const tlsUnchecked, tlsOff = "unchecked", "off"

// The environment variables that hold the key of S3.
const s3Key, s3Secret = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"

// pod, dataset and acceleration are the parts of a spicepod that a starter has, in the order of the file.
type (
	pod struct {
		Version   string     `yaml:"version"`
		Kind      string     `yaml:"kind"`
		Name      string     `yaml:"name"`
		Snapshots *location  `yaml:"snapshots,omitempty"`
		Datasets  []*dataset `yaml:"datasets"`
	}
	location struct {
		Location string `yaml:"location"`
	}
	dataset struct {
		From         string            `yaml:"from"`
		Name         string            `yaml:"name"`
		Params       map[string]string `yaml:"params,omitempty"`
		Acceleration *acceleration     `yaml:"acceleration"`
	}
	acceleration struct {
		Engine               string `yaml:"engine"`
		Mode                 string `yaml:"mode,omitempty"`
		RefreshCheckInterval string `yaml:"refresh_check_interval,omitempty"`
		Snapshots            string `yaml:"snapshots,omitempty"`
	}
)

// stored tells whether the engine keeps its data in a file, which snapshots need.
func (a *answers) stored() bool { return a.engine != string(config.EngineArrow) }

// secrets are the environment variables that the spicepod refers to.
func (a *answers) secrets() []string {
	switch {
	case a.kind == kindS3 && a.key == "key":
		return []string{s3Key, s3Secret}
	case a.server() && a.password != "":
		return []string{a.password}
	}
	return nil
}

func (a *answers) server() bool { return a.kind == kindPostgres || a.kind == kindMySQL }

var notInName = regexp.MustCompile(`[^a-z0-9_]+`)

// derived is a name for the dataset where none was given.
func (a *answers) derived() string {
	from := a.table
	if !a.server() {
		from = strings.TrimRight(a.path, "/*")
		from = strings.TrimSuffix(filepath.Base(from), filepath.Ext(from))
	}
	from = strings.Trim(notInName.ReplaceAllString(strings.ToLower(from[strings.LastIndexByte(from, '.')+1:]), "_"), "_")
	if from == "" || from[0] >= '0' && from[0] <= '9' {
		from = strings.TrimSuffix("data_"+from, "_")
	}
	return from
}

// yaml writes the spicepod.
func (a *answers) yaml() ([]byte, error) {
	folder := filepath.Dir(a.file)
	d := &dataset{Name: cmp.Or(strings.TrimSpace(a.name), a.derived()), Params: map[string]string{},
		Acceleration: &acceleration{Engine: a.engine, RefreshCheckInterval: strings.TrimSpace(a.interval)}}
	set := func(key, value string) {
		if value = strings.TrimSpace(value); value != "" {
			d.Params[key] = value
		}
	}
	env := func(key, name string) {
		if name = strings.TrimSpace(name); name != "" {
			d.Params[key] = "${env:" + name + "}"
		}
	}
	switch a.kind {
	case kindFile:
		d.From = "file:" + strings.TrimSpace(a.path)
	case kindS3:
		d.From = "s3://" + strings.TrimPrefix(strings.TrimSpace(a.path), "s3://")
		set("s3_region", a.region)
		set("s3_endpoint", a.endpoint)
		if strings.HasPrefix(strings.TrimSpace(a.endpoint), "http://") {
			d.Params["allow_http"] = "true"
		}
		if a.key == "key" {
			d.Params["s3_auth"] = "key"
			env("s3_key", s3Key)
			env("s3_secret", s3Secret)
		} else {
			set("s3_auth", a.key)
		}
	case kindPostgres:
		d.From = "postgres:" + strings.TrimSpace(a.table)
		set("pg_host", a.host)
		set("pg_port", a.port)
		set("pg_db", a.database)
		set("pg_user", a.user)
		env("pg_pass", a.password)
		set("pg_sslmode", map[string]string{tlsUnchecked: "require", tlsOff: "disable"}[a.tls])
	case kindMySQL:
		d.From = "mysql:" + strings.TrimSpace(a.table)
		set("mysql_host", a.host)
		set("mysql_tcp_port", a.port)
		set("mysql_db", a.database)
		set("mysql_user", a.user)
		env("mysql_pass", a.password)
		set("mysql_sslmode", map[string]string{tlsUnchecked: "preferred", tlsOff: "disabled"}[a.tls])
	}
	p := &pod{Version: "v1", Kind: "Spicepod", Name: "starter", Datasets: []*dataset{d}}
	if n := notInName.ReplaceAllString(strings.ToLower(filepath.Base(folder)), "-"); strings.Trim(n, "-") != "" {
		p.Name = strings.Trim(n, "-")
	}
	if a.stored() {
		d.Acceleration.Mode = string(config.ModeFile)
		if a.snapshots == yes {
			d.Acceleration.Snapshots = string(config.SnapshotsEnabled)
			p.Snapshots = &location{strings.TrimSpace(a.snapshotsFolder)}
		}
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := errors.Join(e.Encode(p), e.Close())
	return b.Bytes(), err
}

// problems are what pitwall would say against the spicepod, also what it would only warn of. A variable that it refers
// to and that is not set is none of it: it may be set later.
func (a *answers) problems() []config.Problem {
	text, err := a.yaml()
	if err != nil {
		return []config.Problem{{Severity: config.SeverityError, Message: err.Error()}}
	}
	_, problems := config.Parse(text, a.file, config.LoadOptions{Env: func(name string) (string, bool) {
		v, ok := os.LookupEnv(name)
		if !ok && slices.Contains(a.secrets(), name) {
			return "not-set", true
		}
		return v, ok
	}})
	return problems
}

// write makes a new file of the text, as a whole or not at all. What is there already is never touched: the error is
// fs.ErrExist then.
func write(file string, text []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".spicepod-*")
	if err != nil {
		return err
	}
	defer func() {
		if e := os.Remove(tmp.Name()); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}()
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	err = os.Link(tmp.Name(), file) // unlike a rename it fails where there is a file
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, there := os.Lstat(file); there == nil { // a file system without links
		return fmt.Errorf("%s: %w", file, fs.ErrExist)
	}
	return os.Rename(tmp.Name(), file)
}
