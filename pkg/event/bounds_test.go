package event

import (
	"context"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func FuzzPlainURL(f *testing.F) {
	for _, s := range []string{"http://a", "https://a.example/b?c=d&e#f#g", "https://a:80/", "http://-..-?", "http://a@b", "https://a/:@[zz]", "http://a/%zz", "http://a/%2", "http://a/b%2Fc?d=%e9&e=%00#%2f", "http://a%zz/", "http://a/\x7f", "http://a/ b", "http://é/"} {
		f.Add(s)
	}
	r, err := newRules()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !isPlainURL([]byte(s)) {
			return
		}
		if broken, _ := r.broken(t.Context(), s, "http_url", text); broken != "" {
			t.Fatalf("%q is a plain URL, says the glance; validator says no", s)
		}
	})
}

// What a glance passes, validator passes.
func TestBoundsAgreeWithValidator(t *testing.T) {
	r, err := newRules()
	if err != nil {
		t.Fatal(err)
	}
	var glances int
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom([]form{text, integer, number, timestamp, list, texts}).Draw(t, "form")
		numbers := []string{"0", "1", "2", "3", "7", "64", "-5", "0x10", "9007199254740993", "9223372036854775807"}
		rules := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			name := rapid.SampledFrom([]string{"min", "max"}).Draw(t, "rule")
			return name + "=" + rapid.SampledFrom(numbers).Draw(t, "limit")
		}), 0, 3).Draw(t, "rules")
		if f == text && rapid.Bool().Draw(t, "choice") {
			rules = append(rules, rapid.SampledFrom([]string{"oneof=a b  ccc", "oneof='a b' c", "http_url", "omitempty,http_url", "identifier", "len=0|http_url"}).Draw(t, "text rule"))
		}
		if f == timestamp {
			rules = []string{rapid.SampledFrom([]string{"not_after_receipt=0s", "not_after_receipt=-2ms", "not_after_receipt=5ms,not_after_receipt=3ms", "min=1"}).Draw(t, "time rule")}
		}
		const receivedAt = 3
		c := cell{
			text:   []byte(rapid.OneOf(rapid.SampledFrom([]string{"", "a", "b", "ccc", "a b", "http://a.b"}), rapid.String(), rapid.StringMatching(`https?://[a-zA-Z0-9.:@/?#&=%\[\]-]*`)).Draw(t, "text")),
			number: rapid.OneOf(rapid.Int64Range(-6, 8), rapid.Int64Range(1<<53-3, 1<<53+3), rapid.Int64()).Draw(t, "number"),
			float:  rapid.OneOf(rapid.Float64Range(-6, 8), rapid.SampledFrom([]float64{0, 1, 2, 7, math.Copysign(0, -1)})).Draw(t, "float"),
			count:  rapid.IntRange(0, 70).Draw(t, "count"),
		}
		all := strings.Join(rules, ",")
		if b := parseBounds(all, f); !b.keeps(f, &c, receivedAt) {
			return
		}
		glances++
		if broken, _ := r.broken(&receipt{context.Background(), receivedAt}, c.value(f), all, f); broken != "" {
			t.Fatalf("%+v plainly keeps %q, says the glance; validator says that it breaks %s", c, all, broken)
		}
	})
	if glances == 0 {
		t.Error("no value was within its bounds: the comparison has seen nothing")
	}
}
