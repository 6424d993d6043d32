package event

import (
	"fmt"
	"testing"
)

// What validator has passed it need not see again; a refusal is found anew each time, and so is what is good for another field.
func TestPassingTexts(t *testing.T) {
	j := judge(t)
	field := func(name string) *field { return &j.plans["page_view"].fields[j.plans["page_view"].byName[name]] }
	d := new(draft)
	for range 2 {
		for text, want := range map[string]struct {
			field string
			good  bool
		}{
			"GB": {"country", true}, "gb": {"country", false}, "en": {"language", true}, "EN": {"country", false}, "http://a/%20": {"url", true},
		} {
			if rule, _ := d.broken(j.rules, field(want.field), &cell{text: []byte(text)}); (rule == "") != want.good {
				t.Errorf("%s %q breaks %q", want.field, text, rule)
			}
		}
		if len(d.passing) != 3 {
			t.Errorf("remembered %v", d.passing)
		}
		d.reset()
	}
}

func TestPassingTextsAreBounded(t *testing.T) {
	j := judge(t)
	url := &j.plans["page_view"].fields[j.plans["page_view"].byName["url"]]
	d := new(draft)
	for i := range 3 * maxPassing {
		if rule, _ := d.broken(j.rules, url, &cell{text: fmt.Appendf(nil, "http://a/%%20%d", i)}); rule != "" {
			t.Fatal(rule)
		}
		if len(d.passing) == 0 || len(d.passing) > maxPassing {
			t.Fatalf("%d texts are remembered", len(d.passing))
		}
	}
}

// A rule that may look at more than the text is asked each time.
func TestSteadyFields(t *testing.T) {
	for rules, want := range map[string]bool{"": true, "max=3,iso4217": true, "identifier": false, "len=0|identifier": false, "not_after_receipt=1h": false} {
		c := &compiler{rules: judge(t).rules}
		f := field{form: text, rules: rules}
		if rules == "not_after_receipt=1h" {
			f.form = timestamp
		}
		if !c.tryRules(&f) || f.steady != want {
			t.Errorf("%q: steady %t, want %t (%v)", rules, f.steady, want, c.errs)
		}
	}
}
