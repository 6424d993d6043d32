package kinesis

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// However many shards, every hash key is in exactly one, and it is the one that place finds.
func TestEveryHashKeyIsInOneShard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ranges := split(rapid.IntRange(1, 300).Draw(t, "shards"))
		open := make([]*shard, len(ranges))
		for i, r := range ranges {
			open[i] = &shard{number: uint32(i), hashes: r}
		}
		k := hashKey{rapid.Uint64().Draw(t, "hi"), rapid.Uint64().Draw(t, "lo")}
		if rapid.Bool().Draw(t, "at an edge") {
			r := ranges[rapid.IntRange(0, len(ranges)-1).Draw(t, "range")]
			k = rapid.SampledFrom([]hashKey{r.start, r.end}).Draw(t, "edge")
		}
		in := 0
		for _, r := range ranges {
			if !k.less(r.start) && !r.end.less(k) {
				in++
			}
		}
		if in != 1 {
			t.Fatalf("%v is in %d shards", k, in)
		}
		if r := place(open, k).hashes; k.less(r.start) || r.end.less(k) {
			t.Fatalf("%v is not in %v", k, r)
		}
	})
}

func TestSplitIsEven(t *testing.T) {
	for n, want := range map[int][]string{
		1: {"0", "340282366920938463463374607431768211455"},
		3: {"0", "113427455640312821154458202477256070484", "113427455640312821154458202477256070485", "226854911280625642308916404954512140969", "226854911280625642308916404954512140970", "340282366920938463463374607431768211455"},
	} {
		var got []string
		for _, r := range split(n) {
			got = append(got, r.start.String(), r.end.String())
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("split(%d) = %v, want %v", n, got, want)
		}
	}
}

func TestHashIsMD5AsABigEndianNumber(t *testing.T) {
	// The MD5 of "a" is 0cc175b9c0f1b6a831c399e269772661 (RFC 1321).
	want, _ := new(big.Int).SetString("0cc175b9c0f1b6a831c399e269772661", 16)
	if got := hashOf("a").String(); got != want.String() {
		t.Errorf("got %s, want %s", got, want)
	}
	k, ok := parseHash(want.String())
	if !ok || k != hashOf("a") {
		t.Errorf("parsed %v, want %v", k, hashOf("a"))
	}
}

func TestSequenceNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string, below uint64) uint64 { return rapid.Uint64Max(below-1).Draw(t, label) }
		a := sequence{
			// The years 1970 to 2096.
			created: draw("created", 4_000_000_000), index: rapid.Uint64().Draw(t, "index"),
			arrival: int64(draw("arrival", 1<<48)), shard: uint32(draw("shard", 1<<32)),
		}
		text := a.String()
		if back, ok := parseSequence(text); !ok || back != a {
			t.Fatalf("%+v became %s and then %+v, %v", a, text, back, ok)
		}
		if len(text) != 56 || !strings.HasPrefix(text, "49") && !strings.HasPrefix(text, "50") {
			t.Fatalf("%s is not like AWS's", text)
		}
		b := a
		b.index = rapid.Uint64().Draw(t, "other index")
		b.arrival = int64(draw("other arrival", 1<<48))
		if a.index < b.index && text >= b.String() {
			t.Fatalf("%s is not below %s", text, b)
		}
	})
	if got := (sequence{created: 1_789_779_929}).String(); !strings.HasPrefix(got, "49678") {
		t.Errorf("a shard of 2026 begins with %.5s, AWS's with 49678", got)
	}
}

func FuzzParseSequence(f *testing.F) {
	f.Add(sequence{created: 1_789_779_929, index: 7, arrival: 1_789_779_929_000, shard: 3}.String())
	f.Add("0")
	f.Add(strings.Repeat("9", 56))
	f.Fuzz(func(t *testing.T, text string) {
		if s, ok := parseSequence(text); ok && s.String() != text {
			t.Errorf("%s became %s", text, s)
		}
	})
}
