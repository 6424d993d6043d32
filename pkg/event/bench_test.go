package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-playground/validator/v10"
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

// naive is a page_view as it is commonly read: into a struct, and into a map for the fields that the struct does not know.
type naive struct {
	Type          string            `json:"type" validate:"required"`
	EventID       string            `json:"event_id" validate:"required,max=64"`
	OccurredAt    time.Time         `json:"occurred_at" validate:"required"`
	UserID        *string           `json:"user_id,omitempty" validate:"omitnil,min=1,max=128"`
	SessionID     *string           `json:"session_id,omitempty" validate:"omitnil,min=1,max=128"`
	SchemaVersion int               `json:"schema_version" validate:"min=1,max=1000"`
	Test          bool              `json:"test"`
	URL           string            `json:"url" validate:"required,http_url,max=2048"`
	Title         *string           `json:"title,omitempty" validate:"omitnil,max=512"`
	Referrer      *string           `json:"referrer,omitempty" validate:"omitnil,http_url,max=2048"`
	Device        string            `json:"device" validate:"oneof=desktop mobile tablet tv bot unknown"`
	Language      string            `json:"language" validate:"bcp47_language_tag"`
	Country       *string           `json:"country,omitempty" validate:"omitnil,iso3166_1_alpha2"`
	Viewport      Viewport          `json:"viewport"`
	LoadMS        *float64          `json:"load_ms,omitempty" validate:"omitnil,min=0,max=600000"`
	FirstVisit    bool              `json:"first_visit"`
	Interactive   bool              `json:"interactive"`
	Context       map[string]string `json:"context,omitempty" validate:"max=50,dive,keys,min=1,max=64,endkeys,max=1024"`
}

// BenchmarkNaive is what AppendRow is to be compared with, in the same run: the libraries as their documentation shows them. It checks less.
func BenchmarkNaive(b *testing.B) {
	v := validator.New()
	data := []byte(kilobytes["page_view"])
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		event := naive{Device: "unknown", Language: "und", Interactive: true, SchemaVersion: 1}
		var members map[string]json.RawMessage
		if err := errors.Join(json.Unmarshal(data, &event), json.Unmarshal(data, &members), v.Struct(&event)); err != nil {
			b.Fatal(err)
		}
		if _, err := json.Marshal(event); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkValid is the floor: encoding/json finds out whether it is JSON, and no more.
func BenchmarkValid(b *testing.B) {
	data := []byte(kilobytes["page_view"])
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		json.Valid(data)
	}
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
