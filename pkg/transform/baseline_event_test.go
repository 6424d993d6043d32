package transform_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/creasty/defaults"
	"github.com/go-playground/validator/v10"

	"hydrant/pkg/event"
)

// These are the types of events, as package event has them. What may be absent and has no default is a pointer.

// BaseCommon is exported because creasty/defaults passes over what is not.
type BaseCommon struct {
	Type          *string `json:"type" validate:"required"`
	EventID       *string `json:"event_id" validate:"omitnil,min=1,max=64,identifier"`
	OccurredAt    *moment `json:"occurred_at"`
	UserID        *string `json:"user_id,omitempty" validate:"omitnil,min=1,max=128"`
	SessionID     *string `json:"session_id,omitempty" validate:"omitnil,min=1,max=128"`
	SchemaVersion int32   `json:"schema_version" default:"1" validate:"min=1,max=1000"`
	Test          bool    `json:"test"`
}

type basePageView struct {
	BaseCommon
	URL         *string            `json:"url" validate:"required,max=2048,http_url"`
	Title       *string            `json:"title,omitempty" validate:"omitnil,max=512"`
	Referrer    *string            `json:"referrer,omitempty" validate:"omitnil,max=2048,len=0|http_url"`
	Device      string             `json:"device" default:"unknown" validate:"oneof=desktop mobile tablet tv bot unknown"`
	Language    string             `json:"language" default:"und" validate:"max=1024,bcp47_language_tag"`
	Country     *string            `json:"country,omitempty" validate:"omitnil,iso3166_1_alpha2"`
	Viewport    baseViewport       `json:"viewport"`
	LoadMS      *float64           `json:"load_ms,omitempty" validate:"omitnil,min=0,max=600000"`
	FirstVisit  bool               `json:"first_visit"`
	Interactive bool               `json:"interactive" default:"true"`
	Context     map[string]*string `json:"context,omitzero" validate:"max=50,dive,keys,min=1,max=64,endkeys,max=1024"`
}

type baseViewport struct {
	Width  int32 `json:"width" validate:"min=0,max=65535"`
	Height int32 `json:"height" validate:"min=0,max=65535"`
}

type basePurchase struct {
	BaseCommon
	OrderID       *string    `json:"order_id" validate:"required,min=1,max=64"`
	Currency      *string    `json:"currency" validate:"required,iso4217"`
	Items         []baseItem `json:"items" validate:"required,min=1,max=200,dive"`
	Total         *int64     `json:"total" validate:"required,min=0,max=1000000000000000"`
	Tax           int64      `json:"tax" validate:"min=0,max=1000000000000000"`
	Shipping      int64      `json:"shipping" validate:"min=0,max=1000000000000000"`
	Coupon        *string    `json:"coupon,omitempty" validate:"omitnil,max=64"`
	PaymentMethod string     `json:"payment_method" default:"other" validate:"oneof=card transfer wallet cash other"`
}

type baseItem struct {
	SKU       *string `json:"sku" validate:"required,min=1,max=64"`
	Name      *string `json:"name,omitempty" validate:"omitnil,max=256"`
	Quantity  int32   `json:"quantity" default:"1" validate:"min=1,max=100000"`
	UnitPrice *int64  `json:"unit_price" validate:"required,min=0,max=1000000000000"`
}

// UnmarshalJSON gives an item its defaults: once it is read, what is absent looks like what is zero.
func (i *baseItem) UnmarshalJSON(data []byte) error {
	type plain baseItem
	if err := defaults.Set(i); err != nil {
		return err
	}
	return json.Unmarshal(data, (*plain)(i))
}

type baseAppError struct {
	BaseCommon
	Message *string            `json:"message" validate:"required,min=1,max=4096"`
	Level   string             `json:"level" default:"error" validate:"oneof=debug info warning error fatal"`
	Release *string            `json:"release,omitempty" validate:"omitnil,max=64"`
	Stack   *string            `json:"stack,omitempty" validate:"omitnil,max=32768"`
	File    *string            `json:"file,omitempty" validate:"omitnil,max=1024"`
	Line    *int32             `json:"line,omitempty" validate:"omitnil,min=0,max=10000000"`
	Handled bool               `json:"handled" default:"true"`
	Context map[string]*string `json:"context,omitzero" validate:"max=50,dive,keys,min=1,max=64,endkeys,max=1024"`
}

// shape is one of the types.
type shape interface {
	common() *BaseCommon
	context() map[string]*string
	row(p provenance) any
}

func newShape(name string) shape {
	switch name {
	case "page_view":
		return new(basePageView)
	case "purchase":
		return new(basePurchase)
	case "app_error":
		return new(baseAppError)
	}
	return new(BaseCommon)
}

func (c *BaseCommon) common() *BaseCommon           { return c }
func (c *BaseCommon) context() map[string]*string   { return nil }
func (e *basePageView) context() map[string]*string { return e.Context }
func (e *baseAppError) context() map[string]*string { return e.Context }

func (c *BaseCommon) row(provenance) any { return nil } // of a type that nobody knows

func (e *basePageView) row(p provenance) any {
	return struct {
		*basePageView
		provenance
	}{e, p}
}

func (e *basePurchase) row(p provenance) any {
	return struct {
		*basePurchase
		provenance
	}{e, p}
}

func (e *baseAppError) row(p provenance) any {
	return struct {
		*baseAppError
		provenance
	}{e, p}
}

// provenance is what only hydrant sets.
type provenance struct {
	ReceivedAt moment `json:"received_at"`
	Producer   string `json:"producer"`
	RequestID  string `json:"request_id,omitempty"`
	Attempt    int32  `json:"attempt"`
	Extra      string `json:"extra,omitempty"`
}

// moment is a time as events and rows have it.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(data []byte) error {
	switch {
	case string(data) == "null":
		return nil
	case data[0] == '"':
		if err := m.Time.UnmarshalJSON(data); err != nil {
			return refusal(event.InvalidFormat)
		}
	case data[0] != '-' && (data[0] < '0' || data[0] > '9') || strings.ContainsAny(string(data), ".eE"):
		return refusal(event.WrongType)
	default:
		ms, err := strconv.ParseInt(string(data), 10, 64)
		if err != nil {
			return refusal(event.OutOfRange)
		}
		m.Time = time.UnixMilli(ms)
	}
	if !between2000And2100(m.Time) {
		return refusal(event.OutOfRange)
	}
	return nil
}

func (m moment) MarshalJSON() ([]byte, error) {
	return []byte(m.UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}

func between2000And2100(t time.Time) bool { return t.UTC().Year() >= 2000 && t.UTC().Year() <= 2100 }

var identifier = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

func isIdentifier(fl validator.FieldLevel) bool { return identifier.MatchString(fl.Field().String()) }

// event judges one event: its row, or why it has none.
func (b *baseline) event(data []byte, from origin) (row []byte, reasons []event.Reason) {
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil || members == nil {
		return nil, []event.Reason{event.WrongType}
	}
	var name string
	_ = json.Unmarshal(members["type"], &name) // what is no text is no type of ours
	e := newShape(name)
	extra, err := b.read(data, members, e)
	if err != nil {
		return nil, []event.Reason{reasonOf(err)}
	}
	if reasons = b.check(e, from); len(reasons) > 0 {
		return nil, reasons
	}
	p := provenance{moment{from.receivedAt}, from.producer, from.requestID, from.attempt, extra}
	if e.common().EventID == nil {
		e.common().EventID = &from.eventID
	}
	if e.common().OccurredAt == nil {
		e.common().OccurredAt = &p.ReceivedAt
	}
	if row, err = json.Marshal(e.row(p)); err != nil {
		panic(err) // there is nothing in it that JSON has no form for
	}
	return row, nil
}

// read decodes an event over its defaults, and returns the members that its type does not know.
func (b *baseline) read(data []byte, members map[string]json.RawMessage, e shape) (extra string, err error) {
	t := reflect.TypeOf(e).Elem()
	if b.strict {
		if err := walk(data, t); err != nil {
			return "", err
		}
	}
	unknown, err := strangers(members, t)
	if err != nil {
		return "", err
	}
	if unknown != nil {
		// encoding/json would take URL for url, were it still there.
		if data, err = json.Marshal(members); err != nil {
			return "", err
		}
		text, err := json.Marshal(unknown)
		if err != nil {
			return "", err
		}
		extra = string(text)
	}
	if err := defaults.Set(e); err != nil {
		return "", err
	}
	if err := json.Unmarshal(data, e); err != nil {
		return "", err
	}
	for name, value := range e.context() {
		if value == nil { // counts for nothing
			delete(e.context(), name)
		}
	}
	return extra, nil
}

// check validates an event.
func (b *baseline) check(e shape, from origin) (reasons []event.Reason) {
	if _, bare := e.(*BaseCommon); bare && e.common().Type != nil {
		reasons = append(reasons, event.UnknownType)
	}
	if at := e.common().OccurredAt; at != nil && at.After(from.receivedAt.Add(24*time.Hour)) {
		reasons = append(reasons, event.InFuture)
	}
	var failures validator.ValidationErrors
	if errors.As(b.validate.Struct(e), &failures) {
		for _, f := range failures {
			reasons = append(reasons, reasonOfRule(f))
		}
	}
	return reasons
}

func reasonOfRule(f validator.FieldError) event.Reason {
	list := []event.Reason{event.OutOfRange, event.OutOfRange}
	switch f.Kind() {
	case reflect.String:
		list = []event.Reason{event.TooLong, event.TooShort}
	case reflect.Map, reflect.Slice:
		list = []event.Reason{event.TooMany, event.TooFew}
	}
	switch f.Tag() {
	case "required":
		return event.Missing
	case "oneof":
		return event.NotAllowed
	case "max":
		return list[0]
	case "min":
		return list[1]
	}
	return event.InvalidFormat
}

// refusal is an error that is a reason.
type refusal event.Reason

func (r refusal) Error() string { return string(r) }

// reasonOf is why something could not be read.
func reasonOf(err error) event.Reason {
	if r, ok := errors.AsType[refusal](err); ok {
		return event.Reason(r)
	}
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return event.InvalidJSON
	}
	number, isNumber := strings.CutPrefix(wrong.Value, "number ")
	isFloat := wrong.Type.Kind() == reflect.Float64
	if isNumber && (isFloat || !strings.ContainsAny(number, ".eE")) && slices.Contains(numeric, wrong.Type.Kind()) {
		return event.OutOfRange
	}
	return event.WrongType
}

var numeric = []reflect.Kind{reflect.Int32, reflect.Int64, reflect.Float64}
