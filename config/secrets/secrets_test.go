package secrets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mapStore is a store over a map.
type mapStore map[string]string

func (m mapStore) Get(key string) (string, bool, error) {
	v, ok := m[key]
	return v, ok, nil
}

func TestResolve(t *testing.T) {
	r := NewResolver()
	r.Add("a", mapStore{"k": "one", "both": "first", "key-1_x": "dash"})
	r.Add("b", mapStore{"both": "second", "empty": ""})
	for raw, want := range map[string]string{
		"plain":              "plain",
		"${a:k}":             "one",
		"${ a : k }":         "one",
		"x${a:k}y${b:both}z": "xoneysecondz",
		"${secrets:both}":    "second", // last declared first
		"${secrets:k}":       "one",
		"${a:key-1_x}":       "dash",
		"${b:empty}":         "",
		// Malformed placeholders are literal text.
		"${x}": "${x}", "${x:}": "${x:}", "${:y}": "${:y}", "$a:k": "$a:k", "${1:k}": "${1:k}", "${a:k": "${a:k",
	} {
		v, missing := r.Resolve(raw)
		if v.Reveal() != want || missing != nil || v.Raw() != raw {
			t.Errorf("%q gives %q, %v, want %q", raw, v.Reveal(), missing, want)
		}
		if v.Secret() != HasPlaceholder(raw) || v.String() != raw {
			t.Errorf("%q shows as %q, secret %v", raw, v, v.Secret())
		}
	}
	if v, _ := r.Resolve("${{ a:k }}"); v.Reveal() != "${{ a:k }}" {
		t.Errorf("a doubled brace is no placeholder, got %q", v.Reveal())
	}
}

func TestResolveMissing(t *testing.T) {
	r := NewResolver()
	env, errs := NewEnv(func(string) (string, bool) { return "", false })
	if errs != nil {
		t.Fatal(errs)
	}
	r.Add("env", env)
	r.Add("k8s", Unsupported{"kubernetes"})
	for raw, want := range map[string]string{
		"${env:nope}":     `secret "nope" of store "env" is not set`,
		"${vault:k}":      `secret "k" of store "vault" cannot be resolved: no such store is declared`,
		"${k8s:k}":        `secret "k" of store "k8s" cannot be read: pitwall cannot read kubernetes stores yet`,
		"${secrets:nope}": `secret "nope" of store "secrets" cannot be read: pitwall cannot read kubernetes stores yet`,
	} {
		v, missing := r.Resolve("a" + raw + "b")
		if len(missing) != 1 || missing[0].Error() != want || v.Reveal() != "ab" {
			t.Errorf("%s gives %q, %v, want %q", raw, v.Reveal(), missing, want)
		}
	}
	_, missing := r.Resolve("${env:a}${env:b}")
	if len(missing) != 2 || !strings.Contains(missing[0].Hint, "SPICE_A or A") {
		t.Errorf("both are missing, got %v", missing)
	}
}

func TestEnvOrder(t *testing.T) {
	dir := t.TempDir()
	local, dot := filepath.Join(dir, ".env.local"), filepath.Join(dir, ".env")
	for file, content := range map[string]string{
		local: "A=local\nSET=local\n",
		dot:   "A=dot\nB=dot\nSPICE_C=spice\nC=plain\nQUOTED=\"a b\" # comment\n",
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	vars := map[string]string{"SET": "process", "D": "plain", "SPICE_D": "spice"}
	env, errs := NewEnv(func(k string) (string, bool) { v, ok := vars[k]; return v, ok }, local, dot, filepath.Join(dir, "nope"))
	if errs != nil {
		t.Fatal(errs)
	}
	for key, want := range map[string]string{"a": "local", "B": "dot", "c": "spice", "d": "spice", "set": "process", "quoted": "a b"} {
		if got, ok, err := env.Get(key); got != want || !ok || err != nil {
			t.Errorf("%s gives %q, %v, %v, want %q", key, got, ok, err, want)
		}
	}
	if _, ok := os.LookupEnv("SPICE_C"); ok {
		t.Error("the environment of the process was changed")
	}
}

func TestBadDotenvDoesNotShow(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte("hunter2 hunter2\n=\"hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs := NewEnv(os.LookupEnv, file)
	if len(errs) != 1 || strings.Contains(errs[0].Error(), "hunter2") {
		t.Errorf("got %v, want one error without the content", errs)
	}
}

func TestDir(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"a": "secret\n", "b": "two\nlines\r\n", "c": "", "big": strings.Repeat("x", maxSecretBytes+1)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := NewDir(dir)
	for key, want := range map[string]string{"a": "secret", "b": "two\nlines", "c": ""} {
		if got, ok, err := s.Get(key); got != want || !ok || err != nil {
			t.Errorf("%s gives %q, %v, %v, want %q", key, got, ok, err, want)
		}
	}
	if _, ok, err := s.Get("nope"); ok || err != nil {
		t.Errorf("a missing secret: %v, %v", ok, err)
	}
	for _, key := range []string{"d", "big"} {
		if _, ok, err := s.Get(key); ok || err == nil {
			t.Errorf("%s: %v, %v, want an error", key, ok, err)
		}
	}
}

func TestRedactor(t *testing.T) {
	r := NewRedactor("secret", "secret-longer", "abc", `q"uo te/+`, "line one\nline two")
	for in, want := range map[string]string{
		"a secret here":                    "a **** here",
		"secret-longer":                    "****",
		"abc stays":                        "abc stays",
		`{"k":"q\"uo te/+"}`:               `{"k":"****"}`,
		"https://h/?p=q%22uo+te%2F%2B&x=y": "https://h/?p=****&x=y",
		"only line two":                    "only ****",
	} {
		if got := r.Redact(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	if got := NewRedactor("a").Redact("a"); got != "a" {
		t.Errorf("without secrets: %q", got)
	}
}

func TestValue(t *testing.T) {
	h := Hidden("hunter2")
	if h.String() != Mask || h.Raw() != Mask || h.Reveal() != "hunter2" || !h.Secret() {
		t.Errorf("hidden: %v %q", h, h.Reveal())
	}
	if !h.Equal(Hidden("hunter2")) || h.Equal(Hidden("other")) || h.Equal(Plain("hunter2")) {
		t.Error("equality is by text and secrecy")
	}
	if !Templated("${a:b}", "x").Equal(Templated("${a:b}", "x")) || Templated("${a:b}", "x").Equal(Templated("${a:b}", "y")) {
		t.Error("equality of templates is by what they resolve to")
	}
	var zero Value
	if zero.String() != "" || zero.Reveal() != "" || zero.Secret() {
		t.Error("the zero value is an empty text")
	}
}
