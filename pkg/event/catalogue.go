package event

// This file is the place to add or change an event type: write a struct, add it to the catalogue below, run make generate, then make test.
// Both name the type and the field of whatever they do not like. docs/add-an-event-type.md goes through it once.
//
// One exported field of the struct is one member of the event's JSON object and one column of the table. Its Go type says both:
//
//	string               JSON string                         string
//	bool                 JSON boolean                        boolean
//	int8 int16           integer literal                     tinyint smallint
//	int32 int64          integer literal                     int bigint
//	float32 float64      number                              float double
//	Timestamp            RFC 3339 string or epoch ms         timestamp
//	map[string]string    object of strings                   map<string,string>
//	another struct       object                              struct<name:type,...>
//	[]T                  array of one of the above but maps  array<type>
//
// No pointers: an absent field has no value here, and unless it has a default its member is left out of the row. Its tags:
//
//	json      The member's name, which is matched exactly, and the column's: a lower-case letter, then such letters, digits, underscores.
//	validate  Rules of github.com/go-playground/validator, comma-separated. They judge what was sent: an absent field is not judged,
//	          an explicit "", 0 or false is (put omitempty first to let it pass). Sizes of text are in characters (code points).
//	          "required" means present and not null. Rules behind "dive" are for a list's elements or a map's values, and
//	          between "keys" and "endkeys" for a map's names. Rules that look at other fields do not work here. Put cheap ones
//	          (max=...) before dear ones (http_url). Rules of our own stand in rules.go.
//	default   What an absent or null field becomes: plain text for strings and times, JSON for the rest. For an object the
//	          only default is {}: as if an empty object had been sent, so that its members get their own defaults.
//	column    The column's name, where the member's is none that a column can have.
//	doc       One sentence for documentation, and the column's comment in Glue. Only members of objects can do without.
//
// Every type has the fields of common (common.go) too. Types share the columns of one table: two that use one column must give it one type.

// catalogue is every type of event that is accepted: its name, a sentence, and an example, which holds the type's own fields and need not
// hold all of them. Columns stand in the table in this order.
var catalogue = []kind{
	define[PageView]("page_view", "A page was shown to somebody.", `
		{"url": "https://shop.example/teapots?colour=blue", "title": "Teapots – blue", "referrer": "https://www.example.org/search",
		 "device": "mobile", "language": "de-AT", "country": "AT", "viewport": {"width": 390, "height": 844}, "load_ms": 412.5,
		 "first_visit": true, "interactive": false, "context": {"campaign": "autumn", "experiment": "header-b"}}`),
	define[Purchase]("purchase", "An order was paid.", `
		{"order_id": "20251122-0017", "currency": "EUR", "items": [
			{"sku": "TP-BLUE-09", "name": "Teapot, blue, 0.9 l", "unit_price": 3490},
			{"sku": "TEA-EARL", "name": "Earl Grey, 100 g", "quantity": 2, "unit_price": 795}],
		 "total": 5570, "tax": 889, "shipping": 490, "coupon": "WELCOME", "payment_method": "card"}`),
	define[AppError]("app_error", "Something went wrong in an application.", `
		{"message": "price of undefined", "level": "fatal", "release": "web-5.12.0", "stack": "at total (checkout.js:281)\nat main.js:3",
		 "file": "checkout.js", "line": 281, "handled": false, "context": {"route": "/checkout"}}`),
}

// PageView is a page shown to somebody. The limit of language is not BCP 47's: the time that its rule takes grows with the square of a tag's
// length, and a text of 1 MB would hold up the whole batch.
type PageView struct {
	URL         string            `json:"url" validate:"required,max=2048,http_url" doc:"Address of the page."`
	Title       string            `json:"title" validate:"max=512" doc:"Title of the page."`
	Referrer    string            `json:"referrer" validate:"omitempty,max=2048,http_url" doc:"Address of the page that led here; may be empty."`
	Device      string            `json:"device" default:"unknown" validate:"oneof=desktop mobile tablet tv bot unknown" doc:"Kind of device."`
	Language    string            `json:"language" default:"und" validate:"max=1024,bcp47_language_tag" doc:"Language of the page, a BCP 47 tag."`
	Country     string            `json:"country" validate:"iso3166_1_alpha2" doc:"Country of the visitor, ISO 3166-1 alpha-2."`
	Viewport    Viewport          `json:"viewport" default:"{}" doc:"Size of the visible part of the page."`
	LoadMS      float64           `json:"load_ms" validate:"min=0,max=600000" doc:"How long the page took to load, in milliseconds."`
	FirstVisit  bool              `json:"first_visit" default:"false" doc:"Whether the visitor was here for the first time."`
	Interactive bool              `json:"interactive" default:"true" doc:"Whether somebody did something to cause it."`
	Context     map[string]string `json:"context" validate:"max=50,dive,keys,min=1,max=64,endkeys,max=1024" doc:"Whatever else is worth keeping."`
}

// Viewport is a size in CSS pixels.
type Viewport struct {
	Width  int32 `json:"width" default:"0" validate:"min=0,max=65535" doc:"In CSS pixels."`
	Height int32 `json:"height" default:"0" validate:"min=0,max=65535" doc:"In CSS pixels."`
}

// Purchase is an order that was paid. Money is in integer minor units of the currency: a double loses cents.
type Purchase struct {
	OrderID       string `json:"order_id" validate:"required,min=1,max=64" doc:"The shop's own number of the order."`
	Currency      string `json:"currency" validate:"required,iso4217" doc:"Currency of all amounts, ISO 4217."`
	Items         []Item `json:"items" validate:"required,min=1,max=200" doc:"What was bought; prices in minor units of the currency."`
	Total         int64  `json:"total" validate:"required,min=0,max=1000000000000000" doc:"What was paid, in minor units of the currency."`
	Tax           int64  `json:"tax" default:"0" validate:"min=0,max=1000000000000000" doc:"Tax in the total, in minor units."`
	Shipping      int64  `json:"shipping" default:"0" validate:"min=0,max=1000000000000000" doc:"Shipping in the total, in minor units."`
	Coupon        string `json:"coupon" validate:"max=64" doc:"Code of the coupon."`
	PaymentMethod string `json:"payment_method" default:"other" validate:"oneof=card transfer wallet cash other" doc:"How it was paid."`
}

// Item is one line of an order.
type Item struct {
	SKU       string `json:"sku" validate:"required,min=1,max=64" doc:"The shop's own number of the article."`
	Name      string `json:"name" validate:"max=256" doc:"What the article is called."`
	Quantity  int32  `json:"quantity" default:"1" validate:"min=1,max=100000" doc:"How many of it."`
	UnitPrice int64  `json:"unit_price" validate:"required,min=0,max=1000000000000" doc:"Price of one, in minor units of the currency."`
}

// AppError is something that went wrong in an application.
type AppError struct {
	Message string            `json:"message" validate:"required,min=1,max=4096" doc:"What went wrong."`
	Level   string            `json:"level" default:"error" validate:"oneof=debug info warning error fatal" doc:"How bad it is."`
	Release string            `json:"release" validate:"max=64" doc:"Version of the application."`
	Stack   string            `json:"stack" validate:"max=32768" doc:"Stack trace."`
	File    string            `json:"file" validate:"max=1024" doc:"Source file."`
	Line    int32             `json:"line" validate:"min=0,max=10000000" doc:"Line of the source file."`
	Handled bool              `json:"handled" default:"true" doc:"Whether the application dealt with it."`
	Context map[string]string `json:"context" validate:"max=50,dive,keys,min=1,max=64,endkeys,max=1024" doc:"Whatever else is worth keeping."`
}
