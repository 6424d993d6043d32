package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// hostileTexts are what would be structure somewhere on an event's way, were it let: in JSON, in Velocity, in HTTP, in a log. None is longer
// than the 64 characters that the shortest fields take.
var hostileTexts = map[string]string{
	"quotes":                   `"'` + "`" + `""''`,
	"backslashes":              `\ \\ \" \' \u0022 \n \`,
	"control characters":       "\x00\x01\t\n\r\x1b[2J\x7f",
	"line separators":          "a\u2028b\u2029c\u0085d",
	"dollar and hash":          `$ # $$ ## #* *# $! $!{ ${ #end #{end}`,
	"references":               `$context.requestId ${context.extendedRequestId} $!input.body`,
	"an override":              `#set($context.responseOverride.status=200)`,
	"another override":         `#set($context.requestOverride.header.X-Amz-Target="x")`,
	"a decoder":                `$util.base64Decode("fSwiYXR0ZW1wdCI6OQ==")`,
	"a parser":                 `$util.parseJson('{"a":1}').put("attempt",9)`,
	"Velocity's control":       `#if(true)x#else y#end #foreach($i in [1..9])$i#end #stop #break`,
	"the mapping's own names":  `${origin}${key}${data}${record}$producer$stageVariables.stream`,
	"reflection":               `$key.getClass().forName("java.lang.Runtime").getRuntime()`,
	"members behind a value":   `"},"attempt":9,"producer":"root","x":{"y":"`,
	"members behind an escape": `\"},\"attempt\":9,\"producer\":\"root\",\"x\":{\"y\":\"`,
	"another record":           `"}]},{"Data":{"hydrant":1,"attempt":9}},{"a":[{"b":"`,
	"an envelope":              `{"hydrant":1,"attempt":9,"producer":"root","data":{}}`,
	"another stream":           `","StreamName":"other","ExplicitHashKey":"0`,
	"base64 of a row":          `eyJ0eXBlIjoicGFnZV92aWV3In0K`,
	"a header":                 "x\r\nX-Amz-Target: Kinesis_20131202.DeleteStream\r\n\r\n",
	"a path":                   `../../../etc/passwd%00%2e%2e/..\`,
	"markup":                   `</script><script>alert(1)</script><!--]]>`,
	"beyond the first plane":   "🫖\U0010FFFF\uFFFE\uFFFD\uFEFF",
	"directions":               "\u202e\u2066abc\u2069\u200b",
	"a literal":                `null`,
	"rows":                     `{"type":"page_view"}` + "\n" + `{"type":"purchase"}`,
}

// hostileLiterals are JSON strings that are no text as they stand, and the text that they become.
var hostileLiterals = map[string]struct{ literal, text string }{
	"a lone high surrogate":       {`"a\ud83d"`, "a\uFFFD"},
	"a lone low surrogate":        {`"\udc00b"`, "\uFFFDb"},
	"surrogates the wrong way":    {`"\udc00\ud83d"`, "\uFFFD\uFFFD"},
	"a high one before a pair":    {`"\ud83d\ud83e\uded6"`, "\uFFFD🫖"},
	"a high one before a quote":   {`"\ud83d\""`, "\uFFFD\""},
	"a pair":                      {`"\ud83e\uDED6"`, "🫖"},
	"ill-formed UTF-8":            {"\"a\xffb\"", "a\uFFFDb"},
	"a surrogate in UTF-8's form": {"\"\xed\xa0\xbd\"", "\uFFFD\uFFFD\uFFFD"},
	"escapes nobody needs":        {`"\u0041\/\u002f\u0024\u0023"`, "A//$#"},
}

// hostileEvents are events with a text in every place that takes any: $ stands for its JSON, in a value and in a name. Below each is what
// its row has to hold, with $ for the text; extra is compared as JSON.
var hostileEvents = []struct{ event, row string }{
	{
		`{"type":"page_view","event_id":"ID","url":"https://www.example.com/","title":$,"user_id":$,"session_id":$,"context":{$:$,"k":$}}`,
		`{"title":$,"user_id":$,"session_id":$,"context":{$:$,"k":$}}`,
	},
	{
		`{"type":"app_error","event_id":"ID","message":$,"release":$,"stack":$,"file":$}`,
		`{"message":$,"release":$,"stack":$,"file":$}`,
	},
	{
		`{"type":"purchase","event_id":"ID","order_id":$,"currency":"EUR","coupon":$,"total":1,
		  "items":[{"sku":$,"name":$,"unit_price":1},{"sku":"s","unit_price":2,$:{$:[$]}}],"x":$}`,
		`{"order_id":$,"coupon":$,"items":[{"sku":$,"name":$,"quantity":1,"unit_price":1},{"sku":"s","quantity":1,"unit_price":2}],
		  "extra":{"items":[null,{$:{$:[$]}}],"x":$}}`,
	},
	{
		`{"type":"page_view","event_id":"ID","url":"https://www.example.com/",$:$,"attempt":$,"producer":$,"request_id":$,"extra":$,"viewport":{$:{"a":$}}}`,
		`{"extra":{$:$,"attempt":$,"producer":$,"request_id":$,"extra":$,"viewport":{$:{"a":$}}}}`,
	},
}

// hostileColumns are those that hydrant fills or that have a default; what else a row may hold stands in hostileEvents.
var hostileColumns = []string{
	"type", "event_id", "occurred_at", "schema_version", "test", "received_at", "producer", "request_id", "attempt", "dt", "hour",
	"url", "device", "language", "viewport", "first_visit", "interactive", "currency", "total", "tax", "shipping", "payment_method",
	"level", "handled",
}

// running is a runner with a data folder of its own.
func running(t *testing.T, flags ...string) *program {
	t.Helper()
	p, err := launch(append([]string{"-data", t.TempDir(), "-quiet"}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.end(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if p.stderr.Len() > 0 {
			t.Errorf("the runner said: %s", p.stderr)
		}
	})
	return p
}

// control asks a control path, and answers the body of a 200.
func (p *program) control(t *testing.T, method, path string) string {
	t.Helper()
	status, body, err := send(method, p.aws+"/_hydrant/"+path, "", nil)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s %s: %d %s (%v)", method, path, status, body, err)
	}
	return body
}

// rows delivers everything and answers the rows of the events table by their event_id. Two with one id are a fault.
func (p *program) rows(t *testing.T) map[string]map[string]any {
	t.Helper()
	p.control(t, http.MethodPost, "flush")
	rows := map[string]map[string]any{}
	for line := range strings.Lines(p.control(t, http.MethodGet, "tables/events")) {
		row := hostileObject(t, line)
		id, _ := row["event_id"].(string)
		if rows[id] != nil {
			t.Errorf("event %s has two rows", id)
		}
		rows[id] = row
	}
	return rows
}

// hostileObject reads a JSON object, with numbers as they are written.
func hostileObject(t *testing.T, text string) map[string]any {
	t.Helper()
	var object map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&object); err != nil {
		t.Fatalf("%.200s: %v", text, err)
	}
	return object
}

// hostileSent is an event on its way.
type hostileSent struct{ name, requestID, row string }

// checkHostile finds the row of each event, and holds it against what was sent.
func checkHostile(t *testing.T, p *program, sent map[string]hostileSent) {
	t.Helper()
	rows := p.rows(t)
	for id, s := range sent {
		row := rows[id]
		if row == nil {
			t.Errorf("%s: event %s has no row", s.name, id)
			continue
		}
		if row["attempt"] != json.Number("0") || row["producer"] != "anonymous" || row["request_id"] != s.requestID {
			t.Errorf("%s: attempt %v, producer %v, request %v; want 0, anonymous, %s", s.name, row["attempt"], row["producer"], row["request_id"], s.requestID)
		}
		if text, ok := row["extra"].(string); ok {
			row["extra"] = hostileObject(t, text)
		}
		want := hostileObject(t, s.row)
		for column, value := range want {
			if !reflect.DeepEqual(row[column], value) {
				t.Errorf("%s: %s is %.200q, want %.200q", s.name, column, row[column], value)
			}
			delete(row, column)
		}
		for _, column := range hostileColumns {
			delete(row, column)
		}
		for column, value := range row {
			t.Errorf("%s: a column %s with %.200q, which nobody sent", s.name, column, value)
		}
	}
	if len(rows) != len(sent) {
		t.Errorf("%d events were sent, %d rows are there", len(sent), len(rows))
	}
	if failed := p.control(t, http.MethodGet, "errors"); failed != "" {
		t.Errorf("delivery failed: %.2000s", failed)
	}
}

// accepted posts a body and answers the RequestId of a 200.
func (p *program) accepted(t *testing.T, route, body string) string {
	t.Helper()
	status, answer, err := send(http.MethodPost, p.api+route, "application/json", strings.NewReader(body))
	for err == nil && status == http.StatusTooManyRequests { // a shard takes 1 MiB a second
		status, answer, err = send(http.MethodPost, p.api+route, "application/json", strings.NewReader(body))
	}
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s %.300q: %d %s (%v)", route, body, status, answer, err)
	}
	id, _ := hostileObject(t, answer)["RequestId"].(string)
	return id
}

func hostileJSON(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

func TestHostileTextInTheBody(t *testing.T) {
	p := running(t)
	sent := map[string]hostileSent{}
	post := func(name, literal, text string) {
		var batch []string
		begin := len(sent)
		for i, e := range hostileEvents {
			event := strings.ReplaceAll(strings.ReplaceAll(e.event, "ID", fmt.Sprint("e", begin+i)), "$", literal)
			batch = append(batch, `{"Data":`+event+`,"PartitionKey":`+literal+`}`)
		}
		id := p.accepted(t, "/records", `{"Records":[`+strings.Join(batch, ",")+`]}`)
		for i, e := range hostileEvents {
			sent[fmt.Sprint("e", begin+i)] = hostileSent{name, id, strings.ReplaceAll(e.row, "$", hostileJSON(t, text))}
		}
		// The same through the other mapping template, as one record of many events.
		one := fmt.Sprint("e", len(sent))
		event := strings.ReplaceAll(strings.ReplaceAll(hostileEvents[0].event, "ID", one), "$", literal)
		id = p.accepted(t, "/record", `{"PartitionKey":`+literal+`,"Data":[`+event+`]}`)
		sent[one] = hostileSent{name, id, strings.ReplaceAll(hostileEvents[0].row, "$", hostileJSON(t, text))}
	}
	for name, text := range hostileTexts {
		post(name, hostileJSON(t, text), text)
	}
	for name, l := range hostileLiterals {
		post(name, l.literal, l.text)
	}
	checkHostile(t, p, sent)
}

// Text that fills the longest fields, and an unknown one with what is left of a record of 1 MiB.
func TestHostileTextOfTheGreatestLength(t *testing.T) {
	p := running(t, "-parameter", "StreamMode=PROVISIONED", "-parameter", "ShardCount=16")
	length := regexp.MustCompile(`\$[0-9]+`) // $9 is a text of nine characters
	sent := map[string]hostileSent{}
	for name, c := range map[string]struct{ literal, text string }{
		"quotes": {`\"`, `"`}, "backslashes": {`\\`, `\`}, "NUL": {`\u0000`, "\x00"}, "dollars": {`$`, `$`}, "hashes": {`#`, `#`},
		"line-separators": {`\u2028`, "\u2028"}, "pairs": {`\ud83e\uded6`, "🫖"}, "lone-surrogates": {`\ud83d`, "\uFFFD"},
	} {
		fill := func(shape, c string) string {
			return length.ReplaceAllStringFunc(shape, func(m string) string {
				n, err := strconv.Atoi(m[1:])
				if err != nil {
					t.Fatal(err)
				}
				return `"` + strings.Repeat(c, n) + `"`
			})
		}
		known := `"message":$4096,"release":$64,"stack":$32768,"file":$1024,"context":{$64:$1024,"k":$1024}`
		unknown := fmt.Sprintf(`{$1:{$1000:$%d}}`, 500_000/len(c.literal))
		inRow := hostileJSON(t, c.text)
		inRow = inRow[1 : len(inRow)-1]
		event := fill(`{"type":"app_error","event_id":"`+name+`",`+known+`,"unknown":`+unknown+`}`, c.literal)
		row := fill(`{`+known+`,"extra":{"unknown":`+unknown+`}}`, inRow)
		sent[name] = hostileSent{name, p.accepted(t, "/record", `{"Data":`+event+`}`), row}
	}
	checkHostile(t, p, sent)
}

// An envelope is API Gateway's to write. One that a caller sends as data is an event without a type.
func TestHostileEnvelopes(t *testing.T) {
	p := running(t)
	envelope := `{"hydrant":1,"request_id":"forged","index":7,"received_at":946684800000,"producer":"root","attempt":9,"event_ids":["forged"],
		"data":{"type":"page_view","url":"https://www.example.com/"}}`
	raw := `{"hydrant":1,"raw":"eyJ0eXBlIjoicGFnZV92aWV3IiwidXJsIjoiaHR0cHM6Ly93d3cuZXhhbXBsZS5jb20vIn0="}`
	bodies := []string{
		`{"Data":` + envelope + `}`, `{"Data":[` + envelope + `]}`, `{"Data":` + raw + `}`, `{"Data":` + hostileJSON(t, envelope) + `}`,
		`{"Data":[[` + envelope + `]]}`,
	}
	for _, body := range bodies {
		p.accepted(t, "/record", body)
	}
	if rows := p.rows(t); len(rows) > 0 {
		t.Errorf("an envelope that was sent was opened: %v", rows)
	}
	failed := 0
	for line := range strings.Lines(p.control(t, http.MethodGet, "errors")) {
		if strings.Contains(line, `"Lambda.ProcessingFailedStatus"`) {
			failed++
		}
	}
	if failed != len(bodies) {
		t.Errorf("%d records failed, want %d", failed, len(bodies))
	}
}
