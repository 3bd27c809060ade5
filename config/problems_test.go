package config

import "testing"

// A problem names the dataset that it is about, where it has a name.
func TestProblemsNameTheirDataset(t *testing.T) {
	_, ps := Parse([]byte("version: v1\nkind: Spicepod\nname: p\ndatasets:\n  - {from: 'file:a.csv', name: a}\n  - {from: 'file:b.csv', name: b, acceleration: {refresh_cron: '* * *'}}\n"), "spicepod.yml", LoadOptions{})
	for _, p := range Errors(ps) {
		if p.Dataset == "b" {
			return
		}
	}
	t.Errorf("%+v", ps)
}
