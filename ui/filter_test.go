package ui

import "testing"

type row map[string]string

func (r row) FilterText() string                  { return r["name"] }
func (r row) FilterField(n string) (string, bool) { s, ok := r[n]; return s, ok }

func TestFilter(t *testing.T) {
	r := row{"name": "lake.Sales_EU", "state": "Error retry", "engine": "duckdb"}
	for f, want := range map[string]bool{
		"": true, "sales": true, "SALES": true, "sales us": false, "state:error": true, "state:ERR engine:duck": true, "engine:sqlite": false,
		"!sales": false, "!engine:sqlite": true, "~^lake": true, "~^sales": false, "engine:~^d.*b$": true, "!~eu$": false, "colour:red": false, "!": false,
	} {
		p, err := ParseFilter(f, "state", "engine")
		if err != nil {
			t.Fatalf("%q: %v", f, err)
		}
		if got := p.Match(r); got != want {
			t.Errorf("%q matches: %v", f, got)
		}
	}
	if _, err := ParseFilter("~["); err == nil {
		t.Error("~[ is taken for a regular expression")
	}
}

func FuzzParseFilter(f *testing.F) {
	f.Add("a !state:~x ~[", "Ä name")
	f.Fuzz(func(t *testing.T, s, name string) {
		if p, err := ParseFilter(s, "state"); err == nil {
			p.Match(row{"name": name})
		}
	})
}

func TestEdit(t *testing.T) {
	var e Edit
	e.Insert("e\u0301日\x1b[31mx\n")
	if e.Text() != "e\u0301日?[31mx " {
		t.Fatalf("%q", e.Text())
	}
	for range 9 {
		e.Draw(3)
		e.Key(press("backspace"))
	}
	if e.Text() != "" {
		t.Fatalf("%q is left", e.Text())
	}
	e.Insert("lake sales")
	e.Key(press("ctrl+w"))
	e.Key(press("home"))
	e.Key(press("delete"))
	e.Key(press("right"))
	e.Key(press("ctrl+u"))
	if e.Text() != "ke " {
		t.Fatalf("%q", e.Text())
	}
}
