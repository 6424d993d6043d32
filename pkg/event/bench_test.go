package event

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// kilobytes are events of about 1 KB of each type, as producers send them.
var kilobytes = map[string]string{
	"page_view": `{"type":"page_view","event_id":"01JDQ3V7Z8K4N2M6P9R1S5T0XY","occurred_at":"2026-11-22T09:30:00.123Z",` +
		`"user_id":"user-8c1f2a7e4b","session_id":"sess-0b7d9e3c52f14a68","schema_version":3,` +
		`"url":"https://shop.example/category/outdoor/tents?sort=price&page=2&utm_source=newsletter&utm_campaign=autumn-2026",` +
		`"title":"Tents for two, three and four – Example Outdoor Shop","referrer":"https://search.example/results?q=light+tent+for+two",` +
		`"device":"mobile","language":"de-CH","country":"CH","viewport":{"width":1170,"height":2532},"load_ms":1234.5,` +
		`"first_visit":true,"interactive":true,"context":{"ab_test":"checkout-b","theme":"dark","connection":"4g","app":"web/5.12.3",` +
		`"campaign":"` + strings.Repeat("autumn ", 40) + `"}}`,
	"purchase": `{"type":"purchase","event_id":"01JDQ3V7Z8K4N2M6P9R1S5T0XZ","occurred_at":1795339800123,"user_id":"user-8c1f2a7e4b",` +
		`"session_id":"sess-0b7d9e3c52f14a68","order_id":"2026-000123456","currency":"EUR","total":48395,"tax":7727,"shipping":490,` +
		`"coupon":"AUTUMN10","payment_method":"card","items":[` + strings.TrimSuffix(strings.Repeat(
		`{"sku":"TENT-2P-GREEN","name":"Tent for two, green, 1.8 kg, with footprint","quantity":1,"unit_price":23990},`, 6), ",") + `]}`,
	"app_error": `{"type":"app_error","event_id":"01JDQ3V7Z8K4N2M6P9R1S5T0Y0","occurred_at":"2026-11-22T10:30:00+01:00",` +
		`"message":"Cannot read properties of undefined (reading 'price')","level":"error","release":"web@5.12.3",` +
		`"stack":"TypeError: Cannot read properties of undefined` + strings.Repeat(`\n    at Cart.total (https://shop.example/app.js:1:20394)`, 10) + `",` +
		`"file":"app.js","line":1,"handled":false,"context":{"route":"/cart","build":"9f3c2e1"}}`,
}

func BenchmarkAppendRow(b *testing.B) {
	judge, err := NewJudge()
	if err != nil {
		b.Fatal(err)
	}
	cases := map[string]string{}
	for name, event := range kilobytes {
		cases[name] = event
	}
	cases["page_view with unknown fields"] = strings.Replace(kilobytes["page_view"], `{"type"`, `{"colour":"red","plan":{"tier":"gold"},"type"`, 1)
	cases["page_view that is rejected"] = strings.Replace(kilobytes["page_view"], `"CH"`, `"Switzerland"`, 1)
	for name, event := range cases {
		b.Run(fmt.Sprintf("%s/%d bytes", name, len(event)), func(b *testing.B) {
			data := []byte(event)
			row := make([]byte, 0, 4096)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				row, _ = judge.AppendRow(row[:0], data, origin)
			}
		})
	}
}

// BenchmarkRule is what a field's rules cost: validator's verdict on a value as events have it, and ours, which asks validator seldom.
func BenchmarkRule(b *testing.B) {
	j, err := NewJudge()
	if err != nil {
		b.Fatal(err)
	}
	for _, tc := range []struct {
		kind, field string
		value       cell
	}{
		{"page_view", "url", cell{text: []byte("https://shop.example/category/outdoor/tents?sort=price&page=2&utm_source=newsletter")}},
		{"page_view", "referrer", cell{text: []byte("https://search.example/results?q=light%20tent")}},
		{"page_view", "language", cell{text: []byte("de-CH")}},
		{"page_view", "country", cell{text: []byte("CH")}},
		{"page_view", "device", cell{text: []byte("mobile")}},
		{"page_view", "title", cell{text: []byte("Tents for two, three and four – Example Outdoor Shop")}},
		{"page_view", "load_ms", cell{float: 1234.5}},
		{"page_view", "context", cell{count: 6}},
		{"page_view", "event_id", cell{text: []byte("01JDQ3V7Z8K4N2M6P9R1S5T0XY")}},
		{"page_view", "occurred_at", cell{number: origin.ReceivedAt - 377}},
		{"purchase", "currency", cell{text: []byte("EUR")}},
		{"purchase", "total", cell{number: 48395}},
	} {
		f := &j.plans[tc.kind].fields[j.plans[tc.kind].byName[tc.field]]
		d := &draft{receipt: receipt{context.Background(), origin.ReceivedAt}}
		for by, verdict := range map[string]func() string{
			"validator": func() string {
				rule, _ := j.rules.broken(&d.receipt, tc.value.value(f.form), f.rules, f.form)
				return rule
			},
			"hydrant": func() string {
				if f.bounds.keeps(f.form, &tc.value, d.receipt.at) {
					return ""
				}
				rule, _ := d.broken(j.rules, f, &tc.value)
				return rule
			},
		} {
			b.Run("field="+tc.field+"/by="+by, func(b *testing.B) {
				for b.Loop() {
					if rule := verdict(); rule != "" {
						b.Fatal(rule)
					}
				}
			})
		}
	}
}
