package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
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

// hostileRequest writes a request as it is given, byte by byte, and answers the status and the body.
func hostileRequest(t *testing.T, p *program, request string) (int, string) {
	t.Helper()
	u, err := url.Parse(p.api)
	if err != nil {
		t.Fatal(err)
	}
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%.300q: %v", request, err)
	}
	defer response.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body.String()
}

// What stands in the request line and in headers never reaches a record, whatever it is, and neither turns a good request away.
func TestHostileTextAroundTheBody(t *testing.T) {
	p := running(t)
	sent := map[string]hostileSent{}
	body := func(id string) string {
		return `{"Data":{"type":"page_view","event_id":"` + id + `","url":"https://www.example.com/"}}`
	}
	for name, text := range hostileTexts {
		inHeader := strings.Map(func(c rune) rune {
			if c < ' ' && c != '\t' || c == 0x7f {
				return -1 // the server turns such a request away before the API sees it
			}
			return c
		}, text)
		id := fmt.Sprint("around", len(sent))
		request := "POST " + strings.TrimPrefix(p.api, "http://"+strings.Split(p.api, "/")[2]) + "/record?" + url.QueryEscape(text) + "=" + url.QueryEscape(text) + "&Data=" + url.QueryEscape(text) + " HTTP/1.1\r\nHost: localhost\r\n" +
			"Content-Type: application/json; charset=" + inHeader + "\r\n"
		for _, header := range []string{
			"X-Amzn-RequestId", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Proto", "User-Agent", "Referer", "Origin", "Cookie", "Authorization",
			"X-Amz-Target", "X-Amz-Date", "Accept", "Content-Encoding", "X-Http-Method-Override", "Via", "Date", "X-Amz-Invocation-Type", "Data", "PartitionKey",
		} {
			request += header + ": " + inHeader + "\r\n"
		}
		status, answer := hostileRequest(t, p, request+fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n%s", len(body(id)), body(id)))
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", name, status, answer)
			continue
		}
		requestID, _ := hostileObject(t, answer)["RequestId"].(string)
		sent[id] = hostileSent{name, requestID, `{"url":"https://www.example.com/"}`}
	}
	checkHostile(t, p, sent)
}

// Each of these is refused with Code and RequestId, and nothing of it is stored.
func TestHostileRequestsAreRefused(t *testing.T) {
	p := running(t)
	good := `{"Data":{"type":"page_view","url":"https://www.example.com/"}}`
	refused := func(name string, want int, path, contentType, body string) {
		t.Helper()
		status, answer, err := send(http.MethodPost, p.api+path, contentType, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		var said struct{ Code, Message, RequestId string }
		d := json.NewDecoder(strings.NewReader(answer))
		d.DisallowUnknownFields()
		if err := d.Decode(&said); err != nil || d.More() || status != want || said.Code == "" || said.Message == "" || said.RequestId == "" {
			t.Errorf("%s: %d %.300q, want %d with Code, Message and RequestId (%v)", name, status, answer, want, err)
		}
	}
	for name, text := range hostileTexts {
		refused(name+" in the path", http.StatusForbidden, "/record/"+url.PathEscape(text), "application/json", good)
		refused(name+" for a route", http.StatusForbidden, "/"+url.PathEscape(text), "application/json", good)
		refused(name+" as a member", http.StatusBadRequest, "/record", "application/json", `{"Data":1,`+hostileJSON(t, text)+`:1}`)
		refused(name+" as the body", http.StatusBadRequest, "/record", "application/json", text)
		refused(name+" as a number", http.StatusBadRequest, "/record", "application/json", `{"Data":`+strings.TrimPrefix(text, "{")+`}`)
	}
	for name, body := range map[string]string{
		"members behind the request":    `{"Data":{}},"attempt":9}`,
		"a second document":             `{"Data":{}}{"Data":{}}`,
		"a comment":                     `{"Data":{}/* */}`,
		"a comment to the end":          `{"Data":{}} //`,
		"a comma too many":              `{"Data":{},}`,
		"single quotes":                 `{'Data':{}}`,
		"a name without quotes":         `{Data:{}}`,
		"NaN":                           `{"Data":NaN}`,
		"hexadecimal":                   `{"Data":0x10}`,
		"a leading zero":                `{"Data":01}`,
		"a raw line break in a text":    "{\"Data\":\"a\nb\"}",
		"a byte order mark":             "\ufeff" + good,
		"UTF-16":                        "\xff\xfe{\x00\"\x00D\x00",
		"an array":                      `[{"Data":{}}]`,
		"a text":                        `"Data"`,
		"another case":                  `{"data":{}}`,
		"a partition key that is a map": `{"Data":{},"PartitionKey":{"a":"b"}}`,
		"a partition key of null":       `{"Data":{},"PartitionKey":null}`,
		"a stream":                      `{"Data":{},"StreamName":"other"}`,
		"a hash key":                    `{"Data":{},"ExplicitHashKey":"0"}`,
		"deep":                          `{"Data":` + strings.Repeat(`[`, 1_000_000),
	} {
		refused(name, http.StatusBadRequest, "/record", "application/json", body)
		refused(name+" in a batch", http.StatusBadRequest, "/records", "application/json", `{"Records":[`+body+`]}{}`)
	}
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "application/json5", "*/*", `application/json"`, "$util"} {
		refused(media, http.StatusUnsupportedMediaType, "/record", media, good)
	}
	if state := p.control(t, http.MethodPost, "flush"); !strings.Contains(state, `"recordsRead": 0,`) {
		t.Errorf("something was stored: %s", state)
	}
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
