package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNoSecretEverShows resolves random secrets into a spicepod with problems and looks for them in
// everything that could be printed.
func TestNoSecretEverShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// At least 8 random characters: shorter ones occur in ordinary text by chance.
		secret := rapid.StringMatching(`[A-Za-z0-9+/=!@%&'"\\ -]{8,40}Z9q`).Draw(t, "secret")
		env := func(k string) (string, bool) { return secret, k == "PASS" }
		src := head + rapid.SampledFrom([]string{"", "oops: 1\n", "snapshots: {location: './${env:PASS}', params: {s3_secret: '${env:PASS}'}}\n"}).Draw(t, "top") +
			"datasets:\n  - from: ./a.csv\n    name: a\n    params: {token: 'x${ env:PASS }y', file_format: '" +
			rapid.SampledFrom([]string{"csv", "${env:PASS}"}).Draw(t, "format") + "'}\n" +
			"    acceleration:\n      engine: " + rapid.SampledFrom([]string{"duckdb", "sqlite", "ducdb"}).Draw(t, "engine") +
			"\n      mode: file\n      params: {duckdb_file: '${env:PASS}', duckdb_memory_limit: '${secrets:pass}', caching_ttl: '${env:PASS}'}\n"
		r := inspect([]byte(src), "spicepod.yml", LoadOptions{Env: env})
		texts := map[string]string{}
		for i, p := range r.Problems {
			texts[fmt.Sprint("problem ", i)] = p.Detail() + fmt.Sprintf("%+v %#v", p, p)
		}
		if r.Config != nil {
			type wrapped struct{ hidden any } // fmt asks no methods of what is in an unexported field
			for _, v := range []any{r.Config, *r.Config, r.Config.Datasets[0], *r.Config.Datasets[0],
				wrapped{*r.Config.Datasets[0]}, r.Config.Datasets[0].Params, r.Config.Datasets[0].Params["token"], wrapped{r.Config.Datasets[0].Params["token"]}} {
				for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x", "%d", "%T"} {
					texts[verb] += fmt.Sprintf(verb, v)
				}
			}
			b, err := json.Marshal(r.Config)
			if err != nil {
				t.Fatal(err)
			}
			texts["json"] = string(b)
			var buf bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&buf, nil), slog.NewJSONHandler(&buf, nil)} {
				slog.New(h).Info("x", "config", r.Config, "params", r.Config.Datasets[0].Params, "token", r.Config.Datasets[0].Params["token"])
			}
			texts["slog"] = buf.String()
			if got := r.Config.Datasets[0].Params["token"].Reveal(); got != "x"+secret+"y" {
				t.Fatalf("the secret is revealed as %q", got)
			}
		}
		texts["redacted"] = r.Redactor.Redact("before " + secret + " after")
		for where, text := range texts {
			for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%q", secret)} {
				if strings.Contains(text, strings.Trim(form, `"`)) {
					t.Fatalf("%s shows the secret %q: %s", where, secret, text)
				}
			}
		}
	})
}

func TestSecretFileFormat(t *testing.T) {
	src := head + "datasets: [{from: ./a.csv, name: a, params: {file_format: '${env:F}'}}]\n"
	mustParse(t, src, map[string]string{"F": "csv"}) // was checked as the template once
	if c, _ := Parse([]byte(src), "x.yml", LoadOptions{Env: func(string) (string, bool) { return "avro", true }}); c != nil {
		t.Error("a bad format behind a placeholder is accepted")
	}
}

func TestMissingSecretStopsItsDatasetOnly(t *testing.T) {
	for _, from := range []string{"./a.csv", "postgres:t"} {
		c, ps := Parse([]byte(head+"datasets: [{from: '"+from+"', name: a, params: {file_format: '${env:NOPE}'}}, {from: ./b.csv, name: b}]\n"), "x.yml", LoadOptions{Env: noEnv})
		found := false
		for _, p := range ps {
			if strings.Contains(p.Message, `dataset "a": secret "NOPE" of store "env" is not set`) {
				found = p.Severity == SeverityWarning && strings.Contains(p.Hint, "SPICE_NOPE")
			}
		}
		if !found || c == nil || c.Dataset("a").Unsupported == "" || c.Dataset("b").Unsupported != "" {
			t.Errorf("%s: %v, %v", from, c, ps)
		}
	}
}

func TestStoresOfTheFile(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "mnt", "fmt"), "json\n")
	put(t, filepath.Join(dir, "other.env"), "FMT=csv\n")
	put(t, filepath.Join(dir, ".env"), "FMT=parquet\n")
	put(t, filepath.Join(dir, "spicepod.yml"), head+`secrets:
  - {from: env, name: env}
  - {from: env, name: other, params: {file_path: other.env}}
  - {from: "file:mnt", name: mnt}
datasets:
  - {from: ./a.csv, name: a, params: {file_format: "${env:fmt}"}}
  - {from: ./a.csv, name: b, params: {file_format: "${other:fmt}"}}
  - {from: ./a.csv, name: c, params: {file_format: "${mnt:fmt}"}}
  - {from: ./a.csv, name: d, params: {file_format: "${secrets:fmt}"}}
`)
	c, ps := Load(dir, LoadOptions{Env: noEnv})
	if c == nil {
		t.Fatal(ps)
	}
	for name, want := range map[string]string{"a": "parquet", "b": "csv", "c": "json", "d": "json"} {
		if got := c.Dataset(name).Params["file_format"].Reveal(); got != want {
			t.Errorf("dataset %s has %q, want %q", name, got, want)
		}
	}
	if got := len(Inspect(dir, LoadOptions{Env: noEnv}).Inputs); got != 4 {
		t.Errorf("%d inputs, want .env.local, .env, other.env and mnt", got)
	}
}
