package main_test

import (
	"maps"
	"slices"
	"sync"
	"testing"
)

// A triple is a value for each of three parameters, in the order of their names.
type triple [3]struct{ name, value string }

// combinations are so many combinations of choices that whatever values three parameters have, one of them has these. No condition or rule
// depends on more; all combinations would be thousands.
var combinations = sync.OnceValue(func() []map[string]string {
	names := slices.Sorted(maps.Keys(choices))
	missing := map[triple]bool{}
	var order []triple // that the combinations are the same each time
	each := func(c map[string]string, do func(triple)) {
		for i, a := range names {
			for j, b := range names[i+1:] {
				for _, d := range names[i+j+2:] {
					do(triple{{a, c[a]}, {b, c[b]}, {d, c[d]}})
				}
			}
		}
	}
	each(nil, func(t triple) {
		for _, t[0].value = range choices[t[0].name] {
			for _, t[1].value = range choices[t[1].name] {
				for _, t[2].value = range choices[t[2].name] {
					missing[t] = true
					order = append(order, t)
				}
			}
		}
	})
	var all []map[string]string
	for _, first := range order {
		if !missing[first] {
			continue
		}
		c := map[string]string{}
		for _, choice := range first {
			c[choice.name] = choice.value
		}
		for _, name := range names {
			if _, chosen := c[name]; !chosen {
				c[name] = mostMissing(c, name, each, missing)
			}
		}
		each(c, func(t triple) { delete(missing, t) })
		all = append(all, c)
	}
	return all
})

// mostMissing is the value of a parameter with which a combination has most of what is missing.
func mostMissing(c map[string]string, name string, each func(map[string]string, func(triple)), missing map[triple]bool) string {
	best, most := "", -1
	for _, value := range choices[name] {
		one := maps.Clone(c)
		one[name] = value
		found := 0
		each(one, func(t triple) {
			if missing[t] {
				found++
			}
		})
		if found > most {
			best, most = value, found
		}
	}
	return best
}

func TestCombinations(t *testing.T) {
	all := combinations()
	names := slices.Sorted(maps.Keys(choices))
	for i, a := range names {
		for j, b := range names[:i] {
			for _, c := range names[:j] {
				seen := map[[3]string]bool{}
				for _, one := range all {
					seen[[3]string{one[a], one[b], one[c]}] = true
				}
				if want := len(choices[a]) * len(choices[b]) * len(choices[c]); len(seen) != want {
					t.Errorf("%s, %s and %s have %d of %d combinations", a, b, c, len(seen), want)
				}
			}
		}
	}
	if len(all) > 100 {
		t.Errorf("%d combinations", len(all))
	}
}
