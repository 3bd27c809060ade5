package runtime

import (
	"slices"
	"testing"
)

func TestHistoryKeepsTheNewestAndWhatItGaveOut(t *testing.T) {
	h := history[int]{most: 5}
	var given, copies [][]int
	for i := range 100 {
		l := h.add(i)
		if len(l) != min(i+1, 5) || l[0] != i || l[len(l)-1] != max(0, i-4) {
			t.Fatalf("after %d: %v", i, l)
		}
		given, copies = append(given, l), append(copies, slices.Clone(l))
	}
	for i := range given {
		if !slices.Equal(given[i], copies[i]) {
			t.Errorf("the list of %d changed from %v to %v", i, copies[i], given[i])
		}
	}
}
