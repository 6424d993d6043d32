package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

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
