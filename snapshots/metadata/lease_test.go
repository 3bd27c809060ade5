package metadata

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The example of the specification is read, and written again byte for byte.
func TestSpecLeaseRoundTrips(t *testing.T) {
	text := `{
  "format-version": 1,
  "holder-identity": "host-a",
  "holder-process": "0190f5fe-7b1c-7000-8000-000000000000",
  "generation": 1,
  "lease-duration-ms": 120000,
  "acquire-time-ms": 1790226000000,
  "renew-time-ms": 1790226060000
}`
	l, err := DecodeLease([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(text, string(out)); d != "" {
		t.Error(d)
	}
	for name, bad := range map[string]string{"no JSON": "x", "another version": strings.Replace(text, `version": 1`, `version": 2`, 1),
		"no holder": strings.Replace(text, "holder-identity", "holder", 1)} {
		if _, err := DecodeLease([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	l.DurationMs = 1 << 62
	if l.Duration() != MaxLease {
		t.Errorf("lasts %s", l.Duration())
	}
}

func FuzzDecodeLease(f *testing.F) {
	f.Add([]byte(`{"format-version":1,"holder-identity":"a","holder-process":"b","generation":1,"lease-duration-ms":3}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := DecodeLease(b)
		if err != nil {
			return
		}
		if d := l.Duration(); d < 0 || d > MaxLease {
			t.Errorf("lasts %s", d)
		}
		out, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := DecodeLease(out); err != nil || *again != *l {
			t.Errorf("%+v became %+v, %v", l, again, err)
		}
	})
}

func FuzzDecodeOwn(f *testing.F) {
	f.Add([]byte(`{"format-version":1,"dataset":"o","checks":{"3":{"at-ms":1,"result":"verified"}},"removing":[{"snapshot-id":1,"key":"k","bytes":2,"since-ms":3}],"later":{"x":1}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := DecodeOwn(b)
		if err != nil {
			return
		}
		out, err := o.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeOwn(out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if second, _ := again.Encode(); string(second) != string(out) {
			t.Errorf("%s\nbecame\n%s", out, second)
		}
	})
}

// What a later version keeps there stays.
func TestOwnStateKeepsWhatItDoesNotKnow(t *testing.T) {
	o, err := DecodeOwn([]byte(`{"format-version":1,"dataset":"o","later":{"x":[1]}}`))
	if err != nil {
		t.Fatal(err)
	}
	o.Contents = map[uint64]string{1: "abc"}
	out, err := o.Encode()
	if err != nil || !strings.Contains(string(out), `"later"`) || !strings.Contains(string(out), `"1": "abc"`) {
		t.Errorf("%s, %v", out, err)
	}
}
