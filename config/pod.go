package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"pitwall/config/secrets"
)

// pod turns the decoded file into a Config, with everything reported that does not fit together.
func (l *loader) pod(d *document, raw *rawPod) *Config {
	if d.has("name") && strings.TrimSpace(raw.Name) == "" {
		d.errorf("name", "", "the name is empty")
	}
	c := &Config{Version: string(raw.Version), Kind: string(raw.Kind), Name: raw.Name, Metadata: raw.Metadata}
	c.Secrets = l.stores(d, raw.Secrets)
	c.Runtime = runtimeOf(d, &raw.Runtime)
	c.Runtime.Auth, c.Runtime.TLS = l.auth(d, raw.Runtime.Auth), l.tls(d, raw.Runtime.TLS)
	c.Snapshots = l.snapshotsBlock(d, &raw.Snapshots)
	l.optIn = optIn(d, "runtime.metrics", raw.Runtime.Metrics)
	c.Datasets = l.datasets(d, raw.Datasets, &c.Snapshots)
	c.Datasets = append(c.Datasets, l.views(d, raw.Views, c.Datasets, &c.Snapshots)...)
	l.checkSharedFiles(c)
	checkQueue(d, c)
	d.warnNotYet("", func(path string) bool { return ignoredPath(d, path) })
	return c
}

func runtimeOf(d *document, raw *rawRuntime) Runtime {
	const name, old = "runtime.dataset_load_parallelism", "runtime.num_of_parallel_loading_at_start_up"
	rt := Runtime{DatasetLoadParallelism: int(raw.DatasetLoadParallelism), ReadyState: or(raw.ReadyState, ReadyOnLoad)}
	if d.has(name) && raw.DatasetLoadParallelism == 0 {
		d.errorf(name, "remove the key for no limit of your own", "must be at least 1")
	}
	if d.has(old) {
		d.warnf(old, "", "old name of dataset_load_parallelism")
		if !d.has(name) {
			rt.DatasetLoadParallelism = int(raw.NumOfParallelLoading)
		}
	}
	return rt
}

// stores declares the secret stores (spec data-refresh 1.2).
func (l *loader) stores(d *document, raw []rawSecret) []SecretStore {
	var out []SecretStore
	lines := map[string]int{}
	for i, r := range raw {
		at := fmt.Sprintf("secrets[%d]", i)
		line, _ := d.place(at + ".name")
		switch {
		case r.Name == secrets.Any:
			d.errorf(at+".name", "", "the store name %q is reserved: it searches all stores", secrets.Any)
		case r.Name != "" && lines[r.Name] > 0:
			d.errorf(at+".name", "", "duplicate secret store %q, first on line %d", r.Name, lines[r.Name])
		case r.Name != "":
			lines[r.Name] = line
		}
		s := SecretStore{From: r.From, Name: r.Name, Params: r.Params}
		out = append(out, s)
		l.declare(d, at, s)
	}
	if len(out) == 0 {
		out = defaultStores()
		l.declare(d, "", out[0])
	}
	return out
}

// declare opens one store. What is wrong with it is reported; the resolver always gets a store, so
// that a placeholder is not reported a second time as one without store.
func (l *loader) declare(d *document, at string, s SecretStore) {
	kind, selector, has := strings.Cut(s.From, ":")
	from := at + ".from"
	switch kind {
	case "env":
		if has {
			d.errorf(from, "use params.file_path for another dotenv file", "the env store takes no selector")
		}
		files := []string{filepath.Join(l.dir, ".env.local"), filepath.Join(l.dir, ".env")}
		if f := s.Params["file_path"]; f != "" {
			files = []string{absFrom(l.dir, f)}
			if _, err := os.Stat(files[0]); err != nil {
				d.errorf(at+".params.file_path", "", "the dotenv file cannot be read: %s", reason(err))
			}
		}
		env, errs := secrets.NewEnv(l.o.Env, files...)
		for _, err := range errs {
			d.errorf(or(from, ".from"), "", "%s", err)
		}
		l.inputs = append(l.inputs, files...)
		l.resolver.Add(s.Name, env)
		return
	case "file":
		dir := absFrom(l.dir, selector)
		if info, err := os.Stat(dir); selector == "" {
			d.errorf(from, "such as file:/run/secrets", "the file store needs the directory of the secrets")
		} else if err != nil || !info.IsDir() {
			d.warnf(from, "each secret is one file in it", "the directory of the secrets does not exist")
		}
		l.inputs = append(l.inputs, dir)
		l.resolver.Add(s.Name, secrets.NewDir(dir))
		return
	case "kubernetes", "aws_secrets_manager":
		if selector == "" {
			d.errorf(from, "such as "+kind+":name", "the %s store needs the name of the secret", kind)
		}
		d.warnf(from, "", "pitwall cannot read %s stores yet", kind)
	case "keyring":
		if has {
			d.errorf(from, "", "the keyring store takes no selector")
		}
		d.warnf(from, "", "pitwall cannot read keyring stores yet")
	case "":
	default:
		msg, hint := unknown("kind of secret store", kind,
			[]string{"env", "file", "keyring", "kubernetes", "aws_secrets_manager"})
		d.errorf(from, hint, "%s", msg)
	}
	l.resolver.Add(s.Name, secrets.Unsupported{Kind: kind})
}

// resolve replaces the placeholders of a map of params. A secret that is missing is of severity s, and
// the first of them is returned as a sentence.
func (l *loader) resolve(d *document, s Severity, who, path string, raw scalarMap) (_ map[string]secrets.Value, without string) {
	if raw == nil {
		return nil, ""
	}
	out := make(map[string]secrets.Value, len(raw))
	for name, text := range raw {
		at := join(path, name)
		v, missing := l.resolver.Resolve(text)
		if !v.Secret() && sensitive(name) && text != "" {
			v = secrets.Hidden(text)
		}
		out[name] = v
		for _, m := range missing {
			text := fmt.Sprintf("secret %q of store %q %s", m.Key, m.Store, m.Reason)
			d.at(s, at, who+": "+text, m.Hint)
			if without == "" {
				without = text
			}
		}
	}
	return out, without
}

// absFrom makes path absolute from dir; ~/ is the home directory.
func absFrom(dir, path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}
