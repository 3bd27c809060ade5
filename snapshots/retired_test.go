package snapshots

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore/storetest"
)

// The key of a deleted object is not used again, although names have whole seconds only: another collection that was
// to delete that object, and is late, would delete the new one.
func TestKeysOfDeletedObjectsAreNotUsedAgain(t *testing.T) {
	for name, edit := range map[string]func(*CreateRequest){"full": func(*CreateRequest) {}, "incremental": incremental(100)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // in which all happens within a second
				b := newBed(t)
				used := map[string]bool{}
				for i := range 6 {
					s, err := b.write("o", content(i), edit)
					if err != nil {
						t.Fatal(err)
					}
					if used[s.URI] {
						t.Errorf("%s is used again", s.URI)
					}
					used[s.URI] = true
					for _, key := range s.objects {
						if strings.HasSuffix(s.URI, strings.TrimSuffix(key[strings.LastIndex(key, "/"):], ".pack")+".index") && used[key] {
							t.Errorf("%s is used again", key)
						}
						used[key] = true
					}
					if list := b.list(); len(list) > 2 {
						if err := b.Delete(t.Context(), "o", list[1].ID, nil); err != nil {
							t.Fatal(err)
						}
					}
				}
			})
		})
	}
}

// An object is deleted while another writer looks for a free key, and has read before what may not be used.
func TestAKeyThatComesFreeMeanwhileIsNotRecorded(t *testing.T) {
	proxy := storetest.NewProxy(t, server.URL)
	b, other := bedOnS3(t, server.URL), (*Manager)(nil)
	bucket := strings.Split(strings.TrimPrefix(b.Location(), "s3://"), "/")[0]
	other, err := place(t.Context(), bucket, proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var last Snapshot
	for range 20 { // more than there are seconds: the names are of the seconds to come
		last = b.mustWrite("o", "text")
	}
	if err := b.Pin(t.Context(), "o", 0); err != nil {
		t.Fatal(err)
	}
	var deleted atomic.Bool
	proxy.Break(func(_ http.ResponseWriter, q *http.Request) bool {
		if q.Method == http.MethodHead && strings.HasSuffix(last.URI, q.URL.Path[strings.LastIndex(q.URL.Path, "/"):]) && !deleted.Swap(true) {
			if err := b.Delete(t.Context(), "o", last.ID, nil); err != nil {
				t.Error(err)
			}
		}
		return false
	})
	r := childRequest(t.TempDir(), "", "text")
	s, err := other.Create(t.Context(), r)
	if err != nil || s.URI == last.URI {
		t.Errorf("%+v, %v", s, err)
	}
	t.Logf("came free meanwhile: %t", deleted.Load()) // not where the machine is that slow
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func TestFreshIsAfterWhatWasRetired(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 5e8, time.UTC)
	second := at.Truncate(time.Second)
	o := &metadata.Own{Version: metadata.OwnVersion, Dataset: "o"}
	if got := o.Fresh(at); !got.Equal(second) {
		t.Error(got)
	}
	o.Retire(metadata.Key("20250101T000000Z", second.Add(4*time.Second), ".duckdb"), at.Add(time.Hour))
	o.Retire(metadata.PackKey("o", second.Add(2*time.Second)), at.Add(time.Hour))
	o.Retire(metadata.Key("o", second.Add(24*time.Hour), ".duckdb"), at.Add(time.Hour)) // of a wrong clock
	o.Retire("pitwall/something", at)
	if got := o.Fresh(at); !got.Equal(second.Add(5 * time.Second)) {
		t.Error(got)
	}
	if got := o.Fresh(at.Add(time.Minute)); !got.Equal(second.Add(time.Minute)) {
		t.Error(got)
	}
	b, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if o, err := metadata.DecodeOwn(b); err != nil || !o.Fresh(at).Equal(second.Add(5*time.Second)) {
		t.Errorf("%s, %v", b, err)
	}
}

// What an incremental snapshot is built on is deleted while it is uploaded.
func TestAnIncrementIsNotBuiltOnWhatIsBeingDeleted(t *testing.T) {
	b := newBed(t)
	b.chain(3)
	if err := b.Pin(t.Context(), "o", 0); err != nil {
		t.Fatal(err)
	}
	deleted := false
	s, err := b.write("o", content(3), incremental(100), func(r *CreateRequest) {
		r.Progress = func(phase string, _, _ int64) {
			if phase == "upload" && !deleted {
				deleted = true
				if err := b.Delete(t.Context(), "o", 2, nil); err != nil {
					t.Error(err)
				}
			}
		}
	})
	if err != nil || !deleted {
		t.Fatalf("%+v, %v, deleted %t", s, err, deleted)
	}
	if got, err := b.chosen(s.ID); err != nil || got != content(3) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	// A collection that died before it removed the record may go on at any time.
	if s, err = b.write("o", content(4), incremental(100)); err != nil || !s.Incremental {
		t.Fatalf("%+v, %v", s, err)
	}
	if err := b.intend(t.Context(), CollectRequest{Dataset: "o", Now: time.Now()}, []Snapshot{s}); err != nil {
		t.Fatal(err)
	}
	if s, err = b.write("o", content(5), incremental(100)); err != nil || s.Incremental {
		t.Errorf("%+v, %v", s, err)
	}
}
